/** People host: what the people of a peer need of its other parts. */
import type { WarrenError } from "../base/errors.ts";
import type { Address, PeerInfo } from "../base/ids.ts";
import type { Contacts } from "../store/contacts.ts";
import type { Dialler } from "./dialler.ts";
import type { Directory } from "./directory.ts";
import type { PeopleHost } from "./people.ts";
import type { Sessions } from "./sessions.ts";

export interface PeopleParts {
  readonly self: PeerInfo;
  readonly contacts: Contacts;
  readonly sessions: Sessions;
  readonly directory: () => Directory | undefined;
  readonly dialler: () => Dialler;
  readonly addresses: () => readonly Address[];
  readonly noticed: (notice: WarrenError) => void;
}

export function createPeopleHost(parts: PeopleParts): PeopleHost {
  const { self, contacts, sessions, directory, dialler, addresses, noticed } = parts;
  return {
    noticed,
    self,
    contacts,
    directory,
    meet: async (address) => {
      const { peer: id, hello } = await dialler().meet(address);
      return { id, name: hello.name, kind: hello.kind };
    },
    isConnected: (id) => sessions.find(id)?.isUp === true,
    ownAddresses: addresses,
    rowOf: (other) => sessions.rowOf(other),
    renamed: (info) => sessions.find(info.id)?.rename(info),
  };
}
