/**
 * Many peers in one process, each of which has its partner in another such process: in every round all of them lose their
 * connections and, at the same moment, have something to say to their partners.
 *
 * Arguments: how many. Commands and events are JSON, one a line.
 */
import { silentLog } from "../../src/base/log.ts";
import type { PeerId } from "../../src/base/ids.ts";
import { systemWorld } from "../../src/base/world.ts";
import { createIdentity } from "../../src/identity/identity.ts";
import { Peer } from "../../src/peer/peer.ts";
import { createTlsTransport } from "../../src/peer/tls.ts";
import { openStore } from "../../src/store/store.ts";
import { CuttableTransport } from "./cuttable.ts";
import { readLines } from "./lines.ts";

export interface Place {
  readonly id: PeerId;
  readonly port: number;
}

export type CrowdCommand =
  | { do: "meet"; partners: Place[] }
  | { do: "partner"; ids: PeerId[] }
  | { do: "round"; text: string; cuts: boolean }
  | { do: "report" };

export type CrowdEvent =
  | { event: "ready"; places: Place[] }
  | { event: "met" | "done" }
  | { event: "report"; links: number[]; dials: number; heard: string[][] };

class Member {
  readonly peer: Peer;
  readonly transport: CuttableTransport;
  readonly heard: string[] = [];
  partner: PeerId | undefined;
  #look = (): void => {};

  static async open(): Promise<Member> {
    const { clock } = systemWorld;
    const identity = await createIdentity();
    const transport = new CuttableTransport(createTlsTransport({ identity, clock }));
    const peer = await Peer.open({
      info: { id: identity.id, name: "member", kind: "person" },
      store: openStore(":memory:", clock),
      transport,
      world: systemWorld,
      log: silentLog,
      host: "127.0.0.1",
      port: 0,
    });
    return new Member(peer, transport);
  }

  private constructor(peer: Peer, transport: CuttableTransport) {
    this.peer = peer;
    this.transport = transport;
    peer.on("message", ({ text }) => {
      this.heard.push(text);
      this.#look();
    });
  }

  /** Resolves when what we say is handled over there, and what the partner says has come. */
  async round(text: string, cuts: boolean): Promise<void> {
    if (cuts) this.transport.cut();
    const { handled } = await this.peer.send(this.partner ?? "", text);
    const heard = new Promise<void>((resolve) => {
      this.#look = () => this.heard.includes(text) && resolve();
      this.#look();
    });
    await Promise.all([handled, heard]);
  }
}

const members = await Promise.all(Array.from({ length: Number(process.argv[2]) }, () => Member.open()));
emit({ event: "ready", places: members.map(({ peer: { id, port } }) => ({ id, port })) });
for await (const line of readLines(Bun.stdin.stream())) void perform(JSON.parse(line) as CrowdCommand);
process.exit();

async function perform(command: CrowdCommand): Promise<void> {
  switch (command.do) {
    case "meet":
      for (const [i, member] of members.entries()) {
        const place = command.partners[i];
        member.partner = (await member.peer.resolve(`127.0.0.1:${place?.port}`)).id;
      }
      return emit({ event: "met" });
    case "partner":
      for (const [i, member] of members.entries()) member.partner = command.ids[i];
      return;
    case "round":
      await Promise.all(members.map((member) => member.round(command.text, command.cuts)));
      return emit({ event: "done" });
    case "report":
      return emit({
        event: "report",
        links: members.map(({ transport }) => transport.links),
        dials: members.reduce((sum, { transport }) => sum + transport.dials, 0),
        heard: members.map(({ heard }) => heard),
      });
  }
}

function emit(event: CrowdEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}
