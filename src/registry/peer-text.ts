/** Peer text: what is told of a peer over HTTP, as JSON. With its signed record and grant, nobody has to believe the rest. */
import type { Listed } from "./roster.ts";

export interface PeerView {
  readonly listed: Listed;
  readonly online: boolean;
  /** Seconds since the record was received. */
  readonly age: number;
}

/** Of those who are here and were asked for; what is listed never changes, a new record is listed anew. */
const texts = new WeakMap<Listed, string>();

export function peerText({ listed, online, age }: PeerView): string {
  let rest = texts.get(listed);
  if (rest === undefined) texts.set(listed, (rest = restOf(listed)));
  return `{"online":${online},"age":${age},${rest}`;
}

/** An object with `fields`, of which there is one at least, and one more that is JSON already. */
export function withJson(fields: object, name: string, json: string): string {
  return `${JSON.stringify(fields).slice(0, -1)},"${name}":${json}}`;
}

function restOf({ body, since, record, grant }: Listed): string {
  const { next: _, ...shown } = body;
  return JSON.stringify({ ...shown, since, record, grant }).slice("{".length);
}
