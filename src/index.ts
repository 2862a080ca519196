/** What programs and bots import as "warren". */
export { z } from "zod";
export { isWarrenError, WarrenError, type ErrorCode } from "./base/errors.ts";
export type { Address, PeerId, PeerInfo, PeerKind } from "./base/ids.ts";
export type { AskOptions, Dialog } from "./bot/dialog.ts";
export type { Group } from "./bot/group.ts";
export type { Failure } from "./bot/hooks.ts";
export type { FetchOptions } from "./bot/network.ts";
export type { CronOptions, Job, JobCall, JobOptions, RecurringOptions, ScheduledJob } from "./bot/job.ts";
export {
  definePlugin,
  type Bot,
  type BotMessage,
  type CommandCall,
  type CommandOptions,
  type DialogHandle,
  type MessageListener,
  type MessageOptions,
  type Plugin,
  type StoreOptions,
} from "./bot/plugin.ts";
export type { OutgoingListener, OutgoingMessage } from "./bot/outgoing.ts";
export { duration, peer } from "./bot/special-arguments.ts";
export { secret } from "./bot/secret.ts";
export { call, type Caller, type CallOptions } from "./bot/typed-call.ts";
export type { DirectoryEntry, DirectoryQuery } from "./peer/directory.ts";
export type {
  HistoryEntry,
  IncomingMessage,
  MessageDraft,
  MessageHandler,
  MessageState,
  Receipt,
  ReplyText,
  Sent,
  UserInfo,
} from "./peer/message.ts";
export type { Peer } from "./peer/peer.ts";
export type { PeerEvents } from "./peer/reports.ts";
export type { Table } from "./peer/tables.ts";
export { openPeer, type OpenedPeer, type OpenPeerOptions } from "./warren.ts";
