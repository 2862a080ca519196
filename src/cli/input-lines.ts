/** Input lines: a program's standard input cut into lines, none of them longer than a limit. */

/** A line without its end, or null in place of one that was too long. */
export type InputLine = string | null;

/** Lines end with a line feed, or a carriage return and one; the last needs none. Empty lines are left out. */
export async function* inputLines(chunks: AsyncIterable<Uint8Array>, limitBytes: number): AsyncGenerator<InputLine> {
  const decoder = new TextDecoder();
  let held: Uint8Array[] = []; // the beginning of a line whose end has not come
  let heldBytes = 0;
  const take = (end: Uint8Array): InputLine => {
    const isTooLong = heldBytes + end.byteLength > limitBytes;
    const line = isTooLong ? null : decoder.decode(Buffer.concat([...held, end])).replace(/\r$/, "");
    held = [];
    heldBytes = 0;
    return line;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let feed = chunk.indexOf(10); feed !== -1; feed = chunk.indexOf(10, from)) {
      const line = take(chunk.subarray(from, feed));
      from = feed + 1;
      if (line !== "") yield line;
    }
    const rest = new Uint8Array(chunk.subarray(from));
    heldBytes += rest.byteLength;
    if (heldBytes <= limitBytes) held.push(rest);
    else held = []; // what is too long is counted, not kept
  }
  const last = take(new Uint8Array());
  if (last !== "") yield last;
}
