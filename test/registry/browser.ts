/** A real browser for tests of pages: Chromium, driven by Bun.WebView; one for the whole process, as Bun has it. */

const PATH = "/usr/bin/chromium";

/** Why there is none, if so. */
export const noBrowser = (await Bun.file(PATH).exists()) ? undefined : `there is no ${PATH}: apt-get install chromium`;

const QUIET = ["--disable-quic", "--disable-component-update", "--disable-sync", "--disable-default-apps"];

export class Browser implements Disposable {
  readonly #view: Bun.WebView;
  /** What the page has complained of: errors, and what its policy has stopped. */
  readonly complaints: string[] = [];

  constructor() {
    this.#view = new Bun.WebView({
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

  [Symbol.dispose](): void {
    this.#view.close();
  }
}
