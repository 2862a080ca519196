/** Differences between two lists of texts: `- ` what only the first one has, `+ ` what only the second one has. */

/** Beyond that many pairs, what lies between the common beginning and end is told as a whole. */
const MAX_PAIRS = 4_000_000;

export function differences(before: readonly string[], after: readonly string[]): string[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  const room = Math.min(before.length, after.length) - start;
  while (end < room && before.at(-1 - end) === after.at(-1 - end)) end++;
  return between(before.slice(start, before.length - end), after.slice(start, after.length - end));
}

function between(before: readonly string[], after: readonly string[]): string[] {
  const width = after.length + 1;
  const isTooMuch = before.length * after.length > MAX_PAIRS;
  // common[i * width + j]: the length of the longest common subsequence of what begins at i and j
  const common = new Uint32Array(isTooMuch ? 0 : (before.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = isTooMuch ? -1 : before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      common[i * width + j] = before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: string[] = [];
  for (let [i, j] = [0, 0]; i < before.length || j < after.length;) {
    if (!isTooMuch && i < before.length && j < after.length && before[i] === after[j]) {
      i++;
      j++;
    } else if (i < before.length && (j === after.length || at(i + 1, j) >= at(i, j + 1))) {
      lines.push(`- ${before[i++]}`);
    } else {
      lines.push(`+ ${after[j++]}`);
    }
  }
  return lines;
}
