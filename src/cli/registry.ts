/** `bun run registry`: the registry as a program of its own. */
import { EXIT, interruption, resolveHome, run } from "./program.ts";

await run(async () => {
  const { join } = await import("node:path");
  const { createLog, stderrSink } = await import("../base/log.ts");
  const { startRegistry } = await import("../registry/server.ts");
  const { DEFAULT_REGISTRY_PORT, urlsOfMachine } = await import("../registry/url.ts");
  const { print } = await import("./output.ts");
  const { createProgram, portOption, urlsOption } = await import("./options.ts");

  interface Options {
    port: number;
    host: string;
    url: string[];
    home?: string;
    debug?: true;
  }

  const program = createProgram("registry")
    .description("Says who is online, where, and what each bot can do.")
    .option("-p, --port <port>", "port to listen on; 0 is any free one", portOption, DEFAULT_REGISTRY_PORT)
    .option("--host <address>", "address to listen on; 0.0.0.0 is every one of this machine", "127.0.0.1")
    .option("--url <url>", "another URL under which peers reach it, as behind a proxy (repeatable)", urlsOption, [])
    .option("--home <dir>", "where its key and names are kept")
    .option("--debug", "say what happens, on standard error")
    .allowExcessArguments(false)
    .parse();

  const { port, host, url: urls, home, debug } = program.opts<Options>();
  const ended = interruption();
  const log = createLog("registry", stderrSink(debug ? "debug" : "warn"));
  const folder = join(resolveHome(home), "registry");
  await using registry = await startRegistry({ host, port, urls, folder, log });
  print(`registry ready at ${registry.url}`);
  const [elsewhere] = urlsOfMachine(host, registry.port);
  if (elsewhere) print(`on other machines: bun run peer -r ${elsewhere}`);
  if (!ended.aborted) await new Promise((resolve) => ended.addEventListener("abort", resolve, { once: true }));
  return EXIT.done;
});
