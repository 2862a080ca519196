/** Message frame: a message of the outbox, as it goes over the wire. */
import type { OutgoingRow } from "../store/outgoing.ts";
import { decodeData } from "../wire/data.ts";
import type { Msg } from "../wire/frames.ts";

export function toFrame({ seq, id, at, text, room, re, hops, data }: OutgoingRow): Msg {
  return {
    t: "msg",
    n: seq,
    id,
    at,
    text,
    ...(room !== null && { room }),
    ...(re !== null && { re }),
    ...(hops > 0 && { hops }),
    ...(data !== null && { data: decodeData(data) }),
  };
}

/**
 * The line of the same frame, put together without it: there is one for each message. What is not escaped here cannot need
 * it: ids, rooms and data were checked before they were kept.
 */
export function encodeMessage({ seq, id, at, text, room, re, hops, data }: OutgoingRow): string {
  let line = `{"t":"msg","n":${seq},"id":"${id}","at":${at},"text":${JSON.stringify(text)}`;
  if (room !== null) line += `,"room":"${room}"`;
  if (re !== null) line += `,"re":"${re}"`;
  if (hops > 0) line += `,"hops":${hops}`;
  if (data !== null) line += `,"data":${data}`;
  return `${line}}\n`;
}
