/** What a client of registries has to remember beyond its process, and under which keys. */
import { isPeerId, type PeerId } from "../base/ids.ts";
import { parseInvite } from "./invite.ts";

/** Writes need not wait for the disk: what a crash loses is learned again. */
export interface RegistryMemory {
  get(key: string): string | undefined;
  set(key: string, value: string): unknown;
}

/** The key that the registry at `url` had before. */
export function pinnedKey(memory: RegistryMemory, url: string): PeerId | undefined {
  const text = memory.get(`registry.key:${url}`);
  return text !== undefined && isPeerId(text) ? text : undefined;
}

export function pinKey(memory: RegistryMemory, url: string, registry: PeerId): void {
  if (memory.get(`registry.key:${url}`) !== registry) memory.set(`registry.key:${url}`, registry);
}

/** The URL of the registry that was used last. */
export function lastGood(memory: RegistryMemory): string | undefined {
  return memory.get("registry.last");
}

export function keepLastGood(memory: RegistryMemory, url: string): void {
  if (lastGood(memory) !== url) memory.set("registry.last", url);
}

/** The grant that `registry` gave for `name`: it is shown at every login, so that a registry that lost its disk is told. */
export function keptGrant(memory: RegistryMemory, registry: PeerId, name: string): string | undefined {
  return memory.get(`registry.grant:${registry}:${name}`) || undefined;
}

export function keepGrant(memory: RegistryMemory, registry: PeerId, name: string, grant: string): void {
  memory.set(`registry.grant:${registry}:${name}`, grant);
}

/** The statement by which another key has handed `name` on to this one. */
export function keptTransfer(memory: RegistryMemory, name: string): string | undefined {
  return memory.get(`registry.transfer:${name}`) || undefined;
}

export function keepTransfer(memory: RegistryMemory, name: string, transfer: string): void {
  memory.set(`registry.transfer:${name}`, transfer);
}

/** The name is nothing of ours any more. */
export function forgetName(memory: RegistryMemory, registry: PeerId, name: string): void {
  keepGrant(memory, registry, name, "");
  keepTransfer(memory, name, "");
}

/** Remembers an invite for the registry that made it, until it has let us in. @throws {WarrenError} `INVITE_INVALID` */
export function keepInvite(memory: RegistryMemory, text: string): void {
  const { registry, secret } = parseInvite(text);
  memory.set(`registry.invite:${registry}`, secret);
}

export function keptInvite(memory: RegistryMemory, registry: PeerId): string | undefined {
  return memory.get(`registry.invite:${registry}`) || undefined;
}

export function forgetInvite(memory: RegistryMemory, registry: PeerId): void {
  if (keptInvite(memory, registry)) memory.set(`registry.invite:${registry}`, "");
}

/** By what the registry, if it is closed, knows us when we ask it something without a session. */
export function keptPass(memory: RegistryMemory, registry: PeerId): string | undefined {
  return memory.get(`registry.pass:${registry}`) || undefined;
}

export function keepPass(memory: RegistryMemory, registry: PeerId, pass = ""): void {
  if ((keptPass(memory, registry) ?? "") !== pass) memory.set(`registry.pass:${registry}`, pass);
}

/** The highest sequence number that a record of this key ever had. */
export function lastSeq(memory: RegistryMemory, id: PeerId): number {
  const seq = Number(memory.get(`registry.seq:${id}`) ?? 0);
  return Number.isSafeInteger(seq) ? seq : 0;
}

export function keepSeq(memory: RegistryMemory, id: PeerId, seq: number): void {
  memory.set(`registry.seq:${id}`, String(seq));
}
