/** Entry of a worker that simulates the seeds it is given, one after another. */
import { simulate, type SimulationOptions } from "../../src/testing/simulation.ts";

declare const self: Worker;

self.addEventListener("message", ({ data }: MessageEvent<SimulationOptions>) => {
  simulate(data).then(
    (result) => self.postMessage(result),
    (error: unknown) => {
      throw error; // a fault of the simulation itself ends the worker, and with it the program
    },
  );
});
