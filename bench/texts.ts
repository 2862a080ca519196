/** Texts of a given size, all different, as programs would send them. */

const ASCII = "the quick brown fox jumps over the lazy dog and goes home before it rains ";
const OTHER = "zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich · быстро 速い ";

/** `bytes` of UTF-8, the number in front. */
export function textOf(n: number, bytes: number, isAscii: boolean): string {
  const head = `${n} `;
  if (isAscii) return (head + ASCII.repeat(Math.ceil(bytes / ASCII.length))).slice(0, bytes);
  const long = head + OTHER.repeat(Math.ceil(bytes / OTHER.length));
  return new TextDecoder().decode(Buffer.from(long).subarray(0, bytes)).replace(/�$/, "");
}
