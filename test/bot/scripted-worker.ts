/** A worker without a peer, for tests of the supervisor: the name of the bot's file says what it does. */
import type { FromWorker, ToWorker } from "../../src/bot/worker-link.ts";

declare const self: Worker;

function post(message: FromWorker): void {
  // eslint-disable-next-line unicorn/require-post-message-target-origin -- a worker has no origin
  postMessage(message);
}

let name = "";

self.addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  if (data.t === "ping") post({ t: "pong", heapBytes: 0 });
  if (data.t === "stop") post({ t: "stopped" });
  if (data.t === "load") {
    name = data.bot.file;
    post({ t: "loaded", name });
  }
  if (data.t !== "open") return;
  post({ t: "ready", id: "id", name, port: 1 });
  if (name === "throws") throw new Error("thrown");
  if (name === "rejects") void Promise.reject(new Error("rejected"));
  if (name === "exits") process.exit(7);
  if (name === "loops") for (;;);
});
