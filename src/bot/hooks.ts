/** Hooks: every moment at which a plugin can take part, and how. docs/bots.md has the same table. */
import type { PeerInfo } from "../base/ids.ts";

/** `onion`: one around the other, each decides whether it goes on. `notify`: all are told, and none hides a failure of another. */
export type HookMode = "onion" | "notify";

export const HOOKS = {
  message: "onion",
  outgoing: "onion",
  started: "notify",
  stopping: "notify",
  registered: "notify",
  error: "notify",
  "peer:online": "notify",
  "peer:offline": "notify",
} as const satisfies Record<string, HookMode>;

export type HookName = keyof typeof HOOKS;

/** The names of the hooks of one mode. */
type NamesOf<Mode extends HookMode> = {
  [Name in HookName]: (typeof HOOKS)[Name] extends Mode ? Name : never;
}[HookName];

export type NotificationName = NamesOf<"notify">;

export interface Failure {
  /** What of the bot failed: `message of ann`, `peer:online`. */
  readonly where: string;
  readonly error: unknown;
}

export interface NotificationArguments extends Record<NotificationName, unknown[]> {
  /** Once, when setup is done and messages may come. */
  started: [];
  /** Once, when the plugin ends; what its listeners do is waited for, though not for ever. */
  stopping: [];
  /** Each time that the registry has accepted the peer; at the start too, if it has before. */
  registered: [];
  /** Something of this bot failed, and is logged. */
  error: [failure: Failure];
  /** Another peer came or went. */
  "peer:online": [peer: PeerInfo];
  "peer:offline": [peer: PeerInfo];
}

export type NotificationListener<Name extends NotificationName> = (...args: NotificationArguments[Name]) => unknown;
