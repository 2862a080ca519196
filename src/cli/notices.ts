/** Notices: what the user of a peer should read. Nothing is lost that comes before anybody listens. */
import { WarrenError } from "../base/errors.ts";
import { Scope } from "../base/scope.ts";
import type { Timer } from "../base/world.ts";
import type { Peer } from "../peer/peer.ts";

/** A registry that is back within that time was only restarted, or another peer has taken it over. */
const PATIENCE_MS = 3_000;

export type NoticeListener = (notice: WarrenError) => void;

export class Notices implements AsyncDisposable {
  readonly #peer: Peer;
  readonly #scope = new Scope();
  #listener: NoticeListener | undefined;
  #early: WarrenError[] = [];
  #last = ""; // the text that was told last
  #patience: Timer | undefined; // while the registry does not answer, and nobody has been told

  /** To be made in the turn in which the peer was opened. */
  constructor(peer: Peer) {
    this.#peer = peer;
    const { directory } = peer;
    this.#scope.defer(() => this.#calmDown());
    this.#scope.defer(peer.on("notice", (notice) => this.#tell(notice)));
    if (!directory) return;
    this.#scope.defer(directory.on("connected", () => this.#calmDown()));
    this.#scope.defer(directory.on("disconnected", (reason) => this.#onSilence(directory.url, reason)));
  }

  /** From now on `listener` is told; first of what has come already. */
  listen(listener: NoticeListener): void {
    this.#listener = listener;
    for (const notice of this.#early.splice(0)) listener(notice);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope.close();
  }

  #tell(notice: WarrenError): void {
    this.#last = notice.message;
    const told = notice.code === "NAME_TAKEN" ? withTheWay(notice) : notice;
    if (this.#listener) this.#listener(told);
    else this.#early.push(told);
  }

  #onSilence(url: string, reason: string): void {
    this.#calmDown();
    if (reason === this.#last) return; // the reason was a notice of its own
    this.#patience = this.#peer.world.clock.after(PATIENCE_MS, () => {
      const text = `the registry at ${url} does not answer: new names cannot be found until it does; peers you know are still reached`;
      this.#tell(new WarrenError("REGISTRY_UNREACHABLE", text));
    });
  }

  #calmDown(): void {
    this.#patience?.[Symbol.dispose]();
    this.#patience = undefined;
  }
}

/** The registry says to choose another name, and cannot know how that is done here. */
function withTheWay(notice: WarrenError): WarrenError {
  return new WarrenError(notice.code, `${notice.message}, with --name`, { cause: notice });
}
