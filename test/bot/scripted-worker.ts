/** A worker without a peer, for tests of the supervisor: the name of the bot's file says what it does. */
import type { FromWorker, ToWorker } from "../../src/bot/worker-link.ts";

declare const self: Worker;

function post(message: FromWorker): void {
  // eslint-disable-next-line unicorn/require-post-message-target-origin -- a worker has no origin
  postMessage(message);
}

self.addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  if (data.t === "ping") post({ t: "pong" });
  if (data.t === "stop") post({ t: "stopped" });
  if (data.t !== "start") return;
  post({ t: "ready", id: "id", name: data.bot.file, port: 1 });
  if (data.bot.file === "throws") throw new Error("thrown");
  if (data.bot.file === "rejects") void Promise.reject(new Error("rejected"));
  if (data.bot.file === "exits") process.exit(7);
  if (data.bot.file === "loops") for (;;);
});
