/** `bun run registry`: the registry as a program of its own. */
import { EXIT, interruption, resolveHome, run } from "./program.ts";

await run(async () => {
  const { join } = await import("node:path");
  const { Command, InvalidArgumentError } = await import("commander");
  const { isWarrenError, describeError } = await import("../base/errors.ts");
  const { createLog, stderrSink } = await import("../base/log.ts");
  const { startRegistry } = await import("../registry/server.ts");
  const { DEFAULT_REGISTRY_PORT, parseRegistryUrl } = await import("../registry/url.ts");

  interface Options {
    port: number;
    host: string;
    url: string[];
    home?: string;
    debug?: true;
  }

  const toPort = (text: string): number => {
    if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
    throw new InvalidArgumentError("a port from 0 (any free one) to 65535 was expected.");
  };
  const toUrls = (text: string, urls: string[]): string[] => {
    try {
      return [...urls, parseRegistryUrl(text)];
    } catch (error) {
      throw isWarrenError(error) ? new InvalidArgumentError(describeError(error)) : error;
    }
  };

  const program = new Command("registry")
    .description("Says who is online, where, and what each bot can do.")
    .option("-p, --port <port>", "port to listen on; 0 is any free one", toPort, DEFAULT_REGISTRY_PORT)
    .option("--host <address>", "address to listen on; 0.0.0.0 is every one of this machine", "127.0.0.1")
    .option("--url <url>", "another URL under which peers reach it, as behind a proxy (repeatable)", toUrls, [])
    .option("--home <dir>", "where its key and names are kept")
    .option("--debug", "say what happens, on standard error")
    .allowExcessArguments(false)
    .exitOverride()
    .parse();

  const { port, host, url: urls, home, debug } = program.opts<Options>();
  const ended = interruption();
  const log = createLog("registry", stderrSink(debug ? "debug" : "warn"));
  const folder = join(resolveHome(home), "registry");
  await using registry = await startRegistry({ host, port, urls, folder, log });
  process.stdout.write(`registry ready at ${registry.url}\n`);
  if (!ended.aborted) await new Promise((resolve) => ended.addEventListener("abort", resolve, { once: true }));
  return EXIT.done;
});
