/** The words between the supervisor and the worker of one bot, and the one place that starts a worker. */
import type { LogLevel } from "../base/log.ts";

/** What a worker needs to bring one bot online. */
export interface BotStart {
  /** Absolute path of the bot's file. */
  readonly file: string;
  readonly home: string;
  /** URL of the registry, or "none". */
  readonly registry: string;
  /** Go on with a registry whose key has changed. Default: on this machine alone. */
  readonly acceptNewRegistry?: boolean;
  /** See `openPeer`. */
  readonly registryCa?: string;
  /** Of a closed registry; see `openPeer`. */
  readonly invite?: string;
  /** What the command line configures, each as `<name>.<key>=<value>`. */
  readonly set?: readonly string[];
  /** The folder in which it is recorded what happens to the bot; see docs/bots.md. */
  readonly record?: string | undefined;
}

/** The first is `load`; then either `declare`, and no more is wanted of this worker, or `open`. */
export type ToWorker =
  | { t: "load"; bot: BotStart }
  /** Answered by `declared`: setup goes through, as far as that can be known without a peer. */
  | { t: "declare" }
  /** Answered by `ready`. `port` is where the bot listened before; 0 is any free one, and so is one that is in use now. */
  | { t: "open"; port: number }
  | { t: "ping" }
  /** Answered by `stopped`. Who comes back at once says no goodbye to the registry. */
  | { t: "stop"; isComingBack: boolean };

export type FromWorker =
  | { t: "loaded"; name: string }
  | { t: "declared" }
  | { t: "ready"; id: string; name: string; port: number }
  /** `heapBytes` is what this worker alone holds, buffers included. */
  | { t: "pong"; heapBytes: number }
  | { t: "log"; level: LogLevel; source: string; text: string }
  /** It could not come online, or cannot stay; another try would end the same way. `code` is an `ErrorCode`. */
  | { t: "failed"; code: string; message: string }
  /** It ends because of an error that nobody caught. */
  | { t: "crashed"; message: string }
  | { t: "stopped" };

export interface WorkerLink {
  post(message: ToWorker): void;
  /** Ends the worker whatever it is doing; `closed` may still be called. */
  terminate(): void;
}

export interface WorkerHandler {
  message(message: FromWorker): void;
  closed(reason: string): void;
}

export type SpawnWorker = (handler: WorkerHandler) => WorkerLink;

/** Starts workers whose entry file is `entry`. */
export function workersOf(entry: URL): SpawnWorker {
  return (handler) => {
    const worker = new Worker(entry.href);
    let reason: string | undefined;
    worker.addEventListener("message", (event: MessageEvent<FromWorker>) => handler.message(event.data));
    worker.addEventListener("error", (event) => {
      event.preventDefault(); // it is this worker's end, not ours
      reason = event.message;
    });
    worker.addEventListener("close", (event) => handler.closed(reason ?? `it left with exit code ${exitCode(event)}`));
    return {
      post: (message) => worker.postMessage(message),
      terminate: () => worker.terminate(),
    };
  };
}

function exitCode(event: Event): string {
  return "code" in event ? String(event.code) : "unknown";
}
