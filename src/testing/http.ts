/** HTTP of a test: what bots fetch is answered here, and no network is reached. */
import type { Fetch } from "../bot/network.ts";
import { outsideOfBots } from "./leaks.ts";

/** Makes the response to each request; one that throws is a network that fails, and so is `Response.error()`. */
export type HttpAnswer = (request: Request) => Response | Promise<Response>;

/** By `"GET https://api.example/weather"`; see `TestHttp.on`. */
export type HttpAnswers = Readonly<Record<string, HttpAnswer>>;

/** What a bot has asked for. */
export interface HttpRequest {
  /** The bot's name. */
  readonly bot: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
}

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: ArrayBuffer | undefined;
}

interface Route {
  readonly what: string;
  readonly pattern: RegExp;
  readonly answer: HttpAnswer;
}

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
const MAX_REDIRECTS = 20;

export class TestHttp {
  /** In the order in which they were made, those that nothing answers and those of redirects too. */
  readonly requests: HttpRequest[] = [];
  #routes: Route[] = []; // the one that was given last is the first
  readonly #report: (bot: string, text: string) => void;

  /** `report` is told of each request that nothing answers: a bot may take that for a bad network and say nothing. */
  constructor(report: (bot: string, text: string) => void) {
    this.#report = report;
  }

  /**
   * Answers `"GET https://api.example/weather"` from now on, in place of an earlier answer. `*` stands for anything:
   * `"* https://api.example/*"` is all of a server. An answer that comes late has waited for `warren.clock.sleep(ms)`.
   */
  on(what: string, answer: HttpAnswer): void {
    const [, method, url] = /^(\*|[A-Z]+) (\S+)$/.exec(what) ?? [];
    if (method === undefined || url === undefined || !URL.canParse(url)) {
      throw new Error(
        `"${what}" is no request: write a method and a whole URL, such as "GET https://api.example/weather"`,
      );
    }
    const parts = `${method} ${new URL(url).href}`.split("*").map((part) => RegExp.escape(part));
    this.#routes.unshift({ what, pattern: new RegExp(`^${parts.join(".*")}$`, "s"), answer });
  }

  /** The network as one life of a bot has it. */
  networkOf(bot: string, life: { readonly isAlive: boolean }): Fetch {
    return async (input, init) => {
      if (!life.isAlive) return await never();
      const request = input instanceof Request ? new Request(input, init) : new Request(String(input), init);
      const fetched = this.#fetch(bot, request);
      await Promise.allSettled([fetched]);
      return life.isAlive ? await fetched : await never(); // in a process that was killed nothing goes on
    };
  }

  /** Follows redirects as the fetch standard says. */
  async #fetch(bot: string, request: Request): Promise<Response> {
    const { signal, redirect } = request;
    const body = request.body ? await unlessAborted(signal, request.arrayBuffer()) : undefined;
    let asked: Asked = { method: request.method, url: request.url, headers: request.headers, body };
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const { method, url } = asked;
      const response = await unlessAborted(signal, this.#answer(bot, asked, signal));
      if (response.type === "error") throw new TypeError(`${method} ${url}: the network failed`);
      const location = REDIRECTS.includes(response.status) ? response.headers.get("location") : null;
      if (location === null || redirect === "manual") return asFetched(response, signal, url, redirects > 0);
      if (redirect === "error") throw new TypeError(`${url} redirects to ${location}, which is refused`);
      asked = redirected(asked, response.status, location);
    }
    throw new TypeError(`${request.url} redirects more than ${MAX_REDIRECTS} times`);
  }

  async #answer(bot: string, asked: Asked, signal: AbortSignal): Promise<Response> {
    const { method, headers, body } = asked;
    const url = asked.url.replace(/#.*$/s, "");
    this.requests.push({ bot, method, url, headers, body: new TextDecoder().decode(body) });
    const route = this.#routes.find(({ pattern }) => pattern.test(`${method} ${url}`));
    if (!route) throw this.#unanswered(bot, `${method} ${url}`);
    const request = new Request(url, { method, headers, signal, ...(body && { body }) });
    return await outsideOfBots(() => route.answer(request));
  }

  #unanswered(bot: string, what: string): Error {
    const answered = this.#routes.map((route) => route.what).join(", ") || "nothing";
    const text = `${what}: this test answers ${answered}; add warren.http.on("${what}", () => new Response("…"))`;
    this.#report(bot, text);
    return new Error(text);
  }
}

async function never(): Promise<never> {
  return await new Promise<never>(() => {});
}

async function unlessAborted<Result>(signal: AbortSignal, promise: Promise<Result>): Promise<Result> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    signal.throwIfAborted();
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** The response as it comes from a network: with its address, and a body that ends with the signal. */
function asFetched(response: Response, signal: AbortSignal, url: string, isRedirected: boolean): Response {
  const { status, statusText, headers } = response;
  const body = response.body?.pipeThrough(new TransformStream<Uint8Array, Uint8Array>(), { signal }) ?? null;
  return Object.defineProperties(new Response(body, { status, statusText, headers }), {
    url: { value: url },
    redirected: { value: isRedirected },
  });
}

function redirected({ method, url, headers, body }: Asked, status: number, location: string): Asked {
  const isPostMoved = method === "POST" && (status === 301 || status === 302);
  const next = { url: new URL(location, url).href, headers };
  if (isPostMoved || (status === 303 && method !== "HEAD")) return { ...next, method: "GET", body: undefined };
  return { ...next, method, body };
}
