/** Loaded before a program: prints what it has loaded when it ends. */
import { writeSync } from "node:fs";

process.on("exit", () => void writeSync(2, `LOADED ${JSON.stringify(Object.keys(require.cache))}\n`));
