/** Redis entries: what has come in the one stream that was read. */

export type RedisEntry = readonly [id: string, fields: readonly [key: string, text: string]];

/** The answer to XREAD and XREADGROUP: entries by stream, or in the older form a list of pairs; null when nothing came in time. */
export function redisEntries(answer: unknown): readonly RedisEntry[] {
  if (typeof answer !== "object" || answer === null) return [];
  const entries: unknown = Array.isArray(answer) ? (answer[0] as unknown[])[1] : Object.values(answer)[0];
  return entries as readonly RedisEntry[];
}
