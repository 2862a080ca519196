/** Networks: those that the tests of bots run on. Where even 127.0.0.1 is switched off, that is the simulated one alone. */
import { networkInterfaces } from "node:os";

export const HAS_LOOPBACK = Object.values(networkInterfaces())
  .flat()
  .some((one) => one?.internal);

export const NETWORKS = HAS_LOOPBACK ? (["simulated", "loopback"] as const) : (["simulated"] as const);
