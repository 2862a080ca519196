/** Groups: named sets of peers, kept across restarts. What they hold are ids: a name can be given to anybody. */
import { WarrenError } from "../base/errors.ts";
import { isName, isPeerId, type PeerId } from "../base/ids.ts";
import type { Table } from "../peer/tables.ts";

export interface Group {
  readonly name: string;
  /** Adding whoever is there, and removing whoever is not, is harmless. @throws {WarrenError} `BAD_PEER_ID` */
  add(id: string): Promise<void>;
  remove(id: string): Promise<void>;
  has(id: string): boolean;
  list(): PeerId[];
}

/** @throws {WarrenError} `PLUGIN_INVALID` for a name that cannot be one */
export function openGroup(name: string, store: <Value>(name: string) => Table<Value>): Group {
  if (!isName(name)) {
    const text = `group "${name.slice(0, 40)}": a group's name is 1 to 32 of a-z, 0-9 and "-"`;
    throw new WarrenError("PLUGIN_INVALID", text);
  }
  const members = store<true>(`group:${name}`);
  return {
    name,
    add: async (id) => {
      if (!isPeerId(id)) {
        const text = `group "${name}": "${id.slice(0, 60)}" is not a peer id; names can be given to anybody`;
        throw new WarrenError("BAD_PEER_ID", text);
      }
      await members.set(id, true);
    },
    remove: async (id) => await members.delete(id),
    has: (id) => members.get(id) === true,
    list: () => [...members.entries()].map(([id]) => id).filter(isPeerId),
  };
}
