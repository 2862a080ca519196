/** Recorded fetch: a bot's way to the network, of which it is written down what was asked and what came back. */
import { describeError } from "../base/errors.ts";
import type { Fetch } from "./network.ts";
import type { Recorded } from "./recording.ts";

/** Of a body; one that is longer is not recorded. */
const MAX_BODY_BYTES = 1_048_576;

/** The caller gets its response as soon as it is there; the line is written when the body has come. */
export function recordedFetch(reach: Fetch, write: (recorded: Recorded) => void): Fetch {
  return async (input, init) => {
    const of = requestOf(input, init);
    try {
      const response = await reach(input, init);
      void recordBody(of, response.clone(), write);
      return response;
    } catch (error) {
      write({ t: "fetched", of, error: describeError(error) });
      throw error;
    }
  };
}

/** How a request is known in a recording. */
export function requestOf(input: string | URL | Request, init?: RequestInit): string {
  const method = init?.method ?? (input instanceof Request ? input.method : "GET");
  return `${method.toUpperCase()} ${input instanceof Request ? input.url : String(input)}`;
}

async function recordBody(
  of: string,
  copy: ReturnType<Response["clone"]>,
  write: (recorded: Recorded) => void,
): Promise<void> {
  const { status } = copy;
  const type = copy.headers.get("content-type"); // the others may be as secret as what was sent
  const about = { t: "fetched", of, status, ...(type !== null && { type }) } as const;
  try {
    const body = await readBounded(copy);
    write(body === undefined ? { t: "fetched", of, error: `over ${MAX_BODY_BYTES} bytes` } : { ...about, body });
  } catch (error) {
    write({ t: "fetched", of, error: describeError(error) }); // whoever reads the other copy is told the same
  }
}

/** As text; undefined if there is too much of it. */
async function readBounded(response: ReturnType<Response["clone"]>): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BODY_BYTES) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
