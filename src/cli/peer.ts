/** `bun run peer`: chat between machines you own. */
import { run } from "./program.ts";

await run(async () => await (await import("./peer-program.ts")).peerProgram(process.argv));
