/** Shared values: what is under the keys of the three journals of a registry with several processes. See docs/registry.md. */
import { z } from "zod";
import { kindShape, nameShape, peerIdShape, timeShape } from "./shapes.ts";

const owner = z.string().regex(/^\w{1,64}$/);

/** `name.<name>`, in the journal of names. */
const nameValue = z.object({
  id: peerIdShape,
  since: timeShape,
  /** The counted day on which it was last seen in use. */
  usedDay: z.int().min(0),
  /** When it was last given back. */
  releasedAt: timeShape.optional(),
});

/** `name.<name>` of a name that was given back, and that nobody has taken since. */
const releasedValue = z.object({ releasedAt: timeShape });

/** `day`, in the journal of names: how many days were counted, the date of the last one, and who counted it. */
const dayValue = z.object({ day: z.int().min(0), date: z.int(), by: owner });

/** `peer.<id>`, in the directory. */
const peerValue = z.object({
  online: z.boolean(),
  /** Somebody else has shown the older right to its name. */
  displaced: z.boolean().optional(),
  /** The process whose session it is or was, and that process's number of this write. */
  owner,
  login: z.int(),
  since: timeShape,
  record: z.string().max(49_152),
  // What the record says and lists are filtered by; whoever shows more of it checks the record.
  name: nameShape,
  kind: kindShape,
  seq: z.int().min(1),
  commands: z.array(z.string()),
});

/** `process.<owner>`, in the directory: renewed while the process lives. */
const processValue = z.object({ leaseMs: z.int().min(1), renewal: z.int() });

/** `closed`, in the journal of the door; gone while it is open. */
export interface ClosedValue {
  readonly since: number;
}

/** `invite.<hash of its secret>`. */
const inviteValue = z.object({
  id: z.string(),
  label: z.string(),
  madeAt: timeShape,
  expiresAt: timeShape,
  uses: z.int().min(1),
  used: z.int().min(0),
  /** Keys that have used it and may not be members yet, each with the revision of what its membership replaces. */
  owed: z.record(peerIdShape, z.int().min(0)),
});

/** `member.<id>`. */
const memberValue = z.object({ since: timeShape, by: z.string() });

/** `blocked.<id>`. */
const blockedValue = z.object({ since: timeShape });

export type NameValue = z.infer<typeof nameValue>;
export type ReleasedValue = z.infer<typeof releasedValue>;
export type DayValue = z.infer<typeof dayValue>;
export type PeerValue = z.infer<typeof peerValue>;
export type ProcessValue = z.infer<typeof processValue>;
export type InviteValue = z.infer<typeof inviteValue>;
export type MemberValue = z.infer<typeof memberValue>;
export type BlockedValue = z.infer<typeof blockedValue>;

export const parseName = reader(nameValue);
export const parseReleased = reader(releasedValue); // of a name that somebody holds, too
export const parseDay = reader(dayValue);
export const parsePeer = reader(peerValue);
export const parseProcess = reader(processValue);
export const parseInviteValue = reader(inviteValue);
export const parseMember = reader(memberValue);
export const parseBlocked = reader(blockedValue);

/** Undefined for what has been removed, and for what is no value of ours. */
function reader<Value>(shape: z.ZodType<Value>): (text: string) => Value | undefined {
  return (text) => {
    if (text === "") return undefined;
    try {
      return shape.safeParse(JSON.parse(text)).data;
    } catch {
      return undefined; // no JSON
    }
  };
}
