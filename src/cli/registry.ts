/** `bun run registry`: the registry as a program of its own. */
import { run } from "./program.ts";

await run(async () => await (await import("./registry-program.ts")).registryProgram(process.argv));
