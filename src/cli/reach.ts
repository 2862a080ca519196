/** Reach: the peer that a one-shot command works with, the one that is running or one that is opened for the moment. */
import { isWarrenError } from "../base/errors.ts";
import { Scope } from "../base/scope.ts";
import { sleep, systemClock } from "../base/world.ts";
import type { Peer } from "../peer/peer.ts";
import { serveControl } from "./control.ts";
import type { Performer } from "./events.ts";
import { identityNames, keepLastName, lastName, personFolder, readSettings } from "./identities.ts";
import { Notices } from "./notices.ts";
import { registryWord } from "./registry-word.ts";
import { findRunning } from "./running.ts";
import { Session } from "./session.ts";
import { chooseIdentity, inUse, openChosen, type StartOptions } from "./start.ts";

const REGISTER_AFTER_MS = 500; // a short visit is no news to others
const LOOK_AGAIN_MS = 50;
const PATIENCE_MS = 3_000; // a peer that is starting takes commands within that time, and one that ends is gone

export interface Reached extends AsyncDisposable {
  readonly performer: Performer;
  /** Where the peer was opened by us: nobody else shows its messages. */
  readonly own?: { readonly peer: Peer; readonly session: Session };
}

/** @throws {WarrenError} what `openPeer` throws */
export async function reach(options: StartOptions): Promise<Reached> {
  const { name } = await chooseIdentity({ ...options, port: 0 });
  const folder = personFolder(options.home, name);
  for (let waitedMs = 0; ; waitedMs += LOOK_AGAIN_MS) {
    const running = await findRunning(folder);
    if (running) return { performer: running, [Symbol.asyncDispose]: async () => {} };
    try {
      return await openForTheMoment(options, name, folder);
    } catch (error) {
      if (!isWarrenError(error, "IDENTITY_IN_USE")) throw error;
      if (waitedMs >= PATIENCE_MS) throw inUse(name, error);
      await sleep(systemClock, LOOK_AGAIN_MS);
    }
  }
}

async function openForTheMoment(options: StartOptions, name: string, folder: string): Promise<Reached> {
  const { home, log } = options;
  const isNew = !(await identityNames(home)).includes(name);
  const port = options.port ?? (await readSettings(home, name))?.port ?? 0;
  const scope = new Scope();
  try {
    const peer = scope.use(await openChosen({ registerAfterMs: REGISTER_AFTER_MS, ...options }, { name, port }));
    const registered = isNew ? registryWord(peer.directory, systemClock) : undefined;
    const notices = scope.use(new Notices(peer));
    // Whether it could be dialled is of no matter for a moment.
    notices.listen((notice) => notice.code !== "NOT_REACHABLE" && log.error(notice.message));
    if ((await lastName(home)) === undefined) await keepLastName(home, name);
    const session = scope.use(new Session(peer, () => {}));
    scope.use(serveControl(folder, session));
    await registered; // it claims its name, or is told whose it is
    return { performer: session, own: { peer, session }, [Symbol.asyncDispose]: () => scope.close() };
  } catch (error) {
    await scope.close();
    throw error;
  }
}
