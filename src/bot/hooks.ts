/** Hooks: every moment at which a plugin can take part, and how. docs/bots.md has the same table. */
import { WarrenError } from "../base/errors.ts";
import type { PeerInfo } from "../base/ids.ts";
import { nearest } from "./nearest.ts";

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

/** What `bot.on` was given: a plugin runs without a look at its types. @throws {WarrenError} `PLUGIN_INVALID` */
export function checkListening(name: string, listener: unknown): void {
  const names = Object.keys(HOOKS).filter((one) => one !== "outgoing"); // which is `bot.outgoing`, for its arguments
  if (!names.includes(name)) {
    const guess = nearest(name, names);
    const way = guess === undefined ? `they are ${names.join(", ")}` : `did you mean "${guess}"?`;
    throw new WarrenError("PLUGIN_INVALID", `bot.on: there is no hook "${name}": ${way}`);
  }
  if (typeof listener === "function") return;
  throw new WarrenError("PLUGIN_INVALID", `bot.on: a function was expected behind "${name}"`);
}
