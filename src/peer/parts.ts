/** Parts: what a peer is made of. Each is given the little that it needs of the others, and knows no more of them. */
import { isWarrenError } from "../base/errors.ts";
import type { Address, PeerInfo } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { World } from "../base/world.ts";
import type { Store } from "../store/store.ts";
import { Admission } from "./admission.ts";
import { Calls } from "./calls.ts";
import { DeadLetters } from "./dead-letters.ts";
import { Demand } from "./demand.ts";
import { Dialler } from "./dialler.ts";
import { Drafts } from "./drafts.ts";
import { createExchange } from "./exchange.ts";
import { Handlers } from "./handlers.ts";
import { Inbox } from "./inbox.ts";
import type { Transport } from "./link.ts";
import { LivedTime } from "./lived-time.ts";
import { Membership } from "./membership.ts";
import { Outbox } from "./outbox.ts";
import { People } from "./people.ts";
import { createPeopleHost } from "./people-host.ts";
import { Reports } from "./reports.ts";
import { Retention } from "./retention.ts";
import { Sender } from "./sender.ts";
import { SentMessages } from "./sent.ts";
import { Sessions } from "./sessions.ts";
import { Switchboard } from "./switchboard.ts";
import { Tasks } from "./tasks.ts";
import { Traces } from "./traces.ts";
import { Turns } from "./turns.ts";
import { beginUpkeep } from "./upkeep.ts";

/** What a peer stands on. */
export interface Ground {
  readonly info: PeerInfo;
  readonly store: Store;
  readonly transport: Transport;
  readonly world: World;
  readonly log: Log;
}

export interface PartsHost {
  /** Where it listens; 0 until it does. */
  port(): number;
  addresses(): readonly Address[];
  /** @throws {WarrenError} `CLOSED` */
  checkOpen(): void;
}

export type Parts = ReturnType<typeof createParts>;

/** Takes up what the store has of an earlier run. Nothing is dialled yet, and nobody is let in. */
export function createParts({ info, store, transport, world, log }: Ground, host: PartsHost) {
  const { settings } = store;
  const addresses = (): readonly Address[] => host.addresses();
  const nextPlace = settings.reserveBlock("place");
  const lived = new LivedTime(settings, world.clock);
  const hasCrashed = settings.get("running") === "yes";
  settings.set("running", "yes");
  const sent = new SentMessages((id, to) => sessions.fateOf(id, to));
  const reports = new Reports(sent, log);
  const resolve = async (who: string): Promise<PeerInfo> => {
    host.checkOpen();
    return await sender.resolve(who);
  };
  const admission = new Admission(store, world.clock, {
    resolve,
    rowOf: (other) => sessions.rowOf(other),
    changed: () => {
      switchboard.review();
      inbox.lookAgain();
    },
    unblocked: (id) => dialler.want(id),
  });
  const inbox = new Inbox(store, world, log, hasCrashed, {
    settled: (message, epoch, seq, reason) => sessions.ofMessage(message).settle(epoch, seq, reason),
    counted: (peer, change) => sessions.counted(peer, change),
    isHeld: (peer) => admission.isNumberBlocked(peer),
    recount: () => sessions.recount(),
  });
  const sessions: Sessions = new Sessions({
    store,
    world,
    inbox,
    nextPlace,
    isBlocked: (id) => admission.isBlocked(id),
    progressed: ({ id }) => dialler.progressed(id),
    wanted: ({ id }) => dialler.want(id),
    lost: (session, count) => reports.lost(session.info, count),
    areWatched: (range) => reports.areWatched(range),
    reached: (session, ...news) => reports.reached(session.info, ...news),
    renumbered: ({ n }) => sent.moved(n),
    answered: ({ id }, request, data) => calls.answered(id, request, data),
  });
  const handlers = new Handlers(inbox, world.clock, {
    infoOf: (message) => sessions.ofMessage(message).info,
    reply: (to, text, options, hops) => sender.send(to, text, options, hops),
  });
  const membership = new Membership({
    self: info,
    addresses,
    registered: () => reports.registered(),
    online: (peer) => {
      people.cameOnline(peer);
      reports.online(peer);
      dialler.hurry(peer.id);
    },
    offline: (peer) => reports.offline(peer),
    notice: (error) => isWarrenError(error) && reports.notice(error),
  });
  const people = new People(
    createPeopleHost({
      self: info,
      contacts: store.contacts,
      sessions,
      directory: () => membership.directory,
      dialler: () => dialler,
      addresses,
      noticed: (notice) => reports.notice(notice),
    }),
  );
  const sender: Sender = new Sender({
    store,
    world,
    people,
    sessions,
    sent,
    lived,
    nextPlace,
    checkOpen: () => host.checkOpen(),
    checkNotBlocked: (to) => admission.checkNotBlocked(to),
    reports,
  });
  const drafts = new Drafts(world.clock, reports);
  const switchboard: Switchboard = new Switchboard(
    createExchange({
      world,
      log,
      self: info,
      port: () => host.port(),
      admission,
      people,
      sessions,
      drafts,
      reports,
      turns: new Turns(world.clock, store.db),
      demand: () => demand,
      dialler: () => dialler,
    }),
  );
  const demand = new Demand({
    store,
    clock: world.clock,
    sessions,
    dialler: () => dialler,
    reports,
    isConnected: (peer) => switchboard.connectionWith(peer) !== undefined,
    isBlocked: (peer) => admission.isBlocked(peer),
  });
  const dialler: Dialler = new Dialler({
    world,
    transport,
    addressesOf: (peer, isFirst) => people.addressesOf(peer, isFirst),
    connect: (link) => switchboard.connect(link),
    isWanted: (peer) => demand.isWanted(peer),
  });
  const outbox = new Outbox({
    store,
    clock: world.clock,
    sessions,
    lived,
    resolve,
    onReceipt: (listener) => reports.on("receipt", listener),
  });
  const deadLetters = new DeadLetters(store, inbox, sessions);
  const retention = new Retention(store, world.clock);
  const tasks = new Tasks(store);
  const calls = new Calls({ store, clock: world.clock, sessions, sender });
  const traces = new Traces(store, world.clock, sessions);
  inbox.count();
  store.db.beforeCommit(() => inbox.save());
  store.db.onRollback((error) => {
    inbox.reset();
    switchboard.reset(error);
    reports.notice(error);
  });
  store.db.commit();
  const upkeep = beginUpkeep(world.clock, {
    expire: () => {
      sessions.expire(lived.save());
      drafts.forgetSilent();
    },
    addresses,
    moved: () => {
      switchboard.probe();
      membership.announce();
    },
  });
  const watched = { admission, outbox, deadLetters, retention, tasks, calls, traces };
  const talking = { resolve, sender, sent, reports, people, sessions, handlers };
  return { ...watched, ...talking, membership, switchboard, dialler, demand, lived, upkeep };
}
