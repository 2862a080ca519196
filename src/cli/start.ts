/** Start: which identity runs, on which port; asked once on a terminal, with defaults everywhere else. */
import { userInfo } from "node:os";
import { isWarrenError, WarrenError } from "../base/errors.ts";
import { isName, nameFrom, parseName } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { Peer } from "../peer/peer.ts";
import {
  identityNames,
  isPort,
  keepLastName,
  keepSettings,
  lastName,
  nextName,
  readSettings,
  type Settings,
} from "./identities.ts";

const FIRST_PORT = 9_278;

export interface StartOptions {
  readonly home: string;
  readonly name?: string | undefined;
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  /** A URL or "none". */
  readonly registry: string;
  /** Go on with a registry whose key has changed. Default: on this machine alone. */
  readonly acceptNewRegistry?: boolean | undefined;
  /** See `openPeer`. */
  readonly registryCa?: string | undefined;
  /** See `openPeer`. */
  readonly invite?: string | undefined;
  /** See `openPeer`. */
  readonly registerAfterMs?: number | undefined;
  readonly log: Log;
}

/** Whoever sits at the terminal. */
export interface Asker {
  /** Resolves to what was typed, or to `preset` where that was nothing. */
  ask(question: string, preset: string): Promise<string>;
  say(text: string): void;
}

export interface Choice extends Settings {
  readonly name: string;
}

/** The identity that is meant by the options, or that has to be made; asks what only its user can know. */
export async function chooseIdentity(options: StartOptions, asker?: Asker): Promise<Choice> {
  const { home } = options;
  const known = options.name === undefined ? await lastName(home) : parseName(options.name);
  const settings = known === undefined ? undefined : await readSettings(home, known);
  const isFirst = (await identityNames(home)).length === 0;
  const port = options.port ?? settings?.port ?? (await newPort(home, isFirst ? asker : undefined));
  return { name: known ?? (await newName(home, asker)), port };
}

/**
 * Opens an identity. A kept port that somebody else uses today is replaced by any free one.
 *
 * @throws {WarrenError} what `openPeer` throws
 */
export async function openChosen(options: StartOptions, { name, port }: Choice): Promise<Peer> {
  const { openPeer } = await import("../warren.ts");
  const { home, host, registry, acceptNewRegistry, registryCa, invite, registerAfterMs = 0, log } = options;
  const more = {
    name,
    home,
    registry,
    registerAfterMs,
    log,
    ...(host === undefined ? {} : { host }),
    ...(acceptNewRegistry === undefined ? {} : { acceptNewRegistry }),
    ...(registryCa === undefined ? {} : { registryCa }),
    ...(invite === undefined ? {} : { invite }),
  };
  try {
    return await openPeer({ ...more, port });
  } catch (error) {
    if (!isWarrenError(error, "PORT_IN_USE") || options.port !== undefined) throw error;
    log.warn(`port ${port} is in use; listening on another one this time`);
    return await openPeer({ ...more, port: 0 });
  }
}

/**
 * Opens the identity that was chosen. Where it is already running and was not asked for by name, the user is offered
 * another one.
 *
 * @throws {WarrenError} what `openPeer` throws
 */
export async function startPeer(
  options: StartOptions,
  choice: Choice,
  asker?: Asker,
): Promise<{ peer: Peer; choice: Choice }> {
  const { home } = options;
  try {
    return { peer: await openChosen(options, choice), choice };
  } catch (error) {
    if (!isWarrenError(error, "IDENTITY_IN_USE")) throw error;
    if (!asker || options.name !== undefined) throw inUse(choice.name, error);
    asker.say(`${choice.name} is already running in another terminal.`);
    const name = await newName(home, asker, nextName(choice.name, await identityNames(home)));
    return await startPeer(options, await chooseIdentity({ ...options, name }), asker);
  }
}

/** What was chosen once is not asked again. @throws {WarrenError} `HOME_UNWRITABLE` */
export async function keepChoice(home: string, { name, port }: Choice): Promise<void> {
  if (!(await readSettings(home, name))) await keepSettings(home, name, { port });
  await keepLastName(home, name);
}

export function inUse(name: string, cause: unknown): WarrenError {
  const message = `${name} is already running: use that one, or start another identity with --name`;
  return new WarrenError("IDENTITY_IN_USE", message, { cause });
}

async function newName(home: string, asker?: Asker, preset = defaultName()): Promise<string> {
  if (!asker) return preset;
  const taken = await identityNames(home);
  for (;;) {
    const typed = await asker.ask("Your name", taken.includes(preset) ? nextName(preset, taken) : preset);
    const name = isName(typed) ? typed : nameFrom(typed);
    if (name !== undefined) return name;
    asker.say('A name has 1 to 32 of a-z, 0-9 and "-".');
  }
}

async function newPort(home: string, asker?: Asker): Promise<number> {
  const free = await firstFreePort(await keptPorts(home));
  for (;;) {
    const port = Number(asker ? await asker.ask("Port to listen on", String(free)) : free);
    if (!isPort(port)) asker?.say("A port is a number from 1 to 65535; 0 is any free one.");
    else if (port !== 0 && !(await isFree(port))) asker?.say(`Port ${port} is in use.`);
    else return port;
  }
}

function defaultName(): string {
  const { username } = userInfo();
  if (username === "unknown") return "me"; // what Bun 1.4.5 says where the environment does not tell, as in a container
  return nameFrom(username) ?? "me";
}

async function keptPorts(home: string): Promise<number[]> {
  const all = await Promise.all((await identityNames(home)).map((name) => readSettings(home, name)));
  return all.flatMap((settings) => settings?.port ?? []);
}

async function firstFreePort(kept: readonly number[]): Promise<number> {
  for (let port = FIRST_PORT; port <= 65_535; port++) {
    if (!kept.includes(port) && (await isFree(port))) return port;
  }
  return 0;
}

async function isFree(port: number): Promise<boolean> {
  const { createServer } = await import("node:net"); // loaded at a first start only
  return await new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}
