/** A real browser for tests of pages: Chromium, driven by Bun.WebView; one for the whole process, as Bun has it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PATH = "/usr/bin/chromium";

/** Why there is none, if so. */
export const noBrowser = (await Bun.file(PATH).exists()) ? undefined : `there is no ${PATH}: apt-get install chromium`;

const QUIET = ["--disable-quic", "--disable-component-update", "--disable-sync", "--disable-default-apps"];

export class Browser implements AsyncDisposable {
  readonly #view: Bun.WebView;
  readonly #folder: string; // what it keeps while it runs
  /** What the page has complained of: errors, and what its policy has stopped. */
  readonly complaints: string[] = [];

  static async start(): Promise<Browser> {
    return new Browser(await mkdtemp(join(tmpdir(), "warren-browser-")));
  }

  private constructor(folder: string) {
    this.#folder = folder;
    this.#view = new Bun.WebView({
      dataStore: { directory: folder },
      width: 1_280,
      height: 800,
      backend: { type: "chrome", path: PATH, argv: ["--no-sandbox", ...QUIET] }, // as root it refuses to run with one
      console: (type, ...words) => {
        if (type === "error" || type === "warning") this.complaints.push(words.map(String).join(" "));
      },
    });
  }

  async open(url: string): Promise<void> {
    await this.#view.navigate(url);
  }

  async ask<Answer>(expression: string): Promise<Answer> {
    return (await this.#view.evaluate(expression)) as Answer;
  }

  /** Resolves once the expression is true in the page. */
  async until(expression: string): Promise<void> {
    const looked = `new Promise((resolve) => {
      const look = () => (${expression}) ? resolve(true) : requestAnimationFrame(look);
      look();
    })`;
    await this.#view.evaluate(looked);
  }

  async type(selector: string, text: string): Promise<void> {
    await this.#view.click(selector);
    await this.#view.type(text);
  }

  async click(selector: string): Promise<void> {
    await this.#view.scrollTo(selector);
    await this.#view.click(selector);
  }

  /** By the protocol of Chromium's developer tools. */
  async tell(method: string, params: object): Promise<void> {
    await this.#view.cdp(method, params as Record<string, unknown>);
  }

  /** Ends the whole browser, which then takes away what it has put into the folder for temporary files. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#view.cdp("Browser.close").catch(() => {}); // it may be gone before it has answered
    this.#view.close();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 }); // it may still write
  }
}
