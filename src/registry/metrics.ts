/**
 * Metrics: counters, histograms and gauges, and their text for Prometheus: the exposition format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). Counting is a step in a map; the text is made when it is asked for.
 */

/** The type of the text. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export type Labels = Readonly<Record<string, string>>;

export interface Metric {
  readonly name: string;
  lines(): string[];
}

/** Only ever goes up. Label values must come from a list of our own: each that is new is kept for ever. */
export class Counter implements Metric {
  readonly name: string;
  readonly #help: string;
  readonly #labels: readonly string[];
  readonly #counts = new Map<string, { labels: string; count: number }>(); // by the label values

  constructor(name: string, help: string, labels: readonly string[] = []) {
    this.name = name;
    this.#help = help;
    this.#labels = labels;
    if (labels.length === 0) this.#counts.set("", { labels: "", count: 0 }); // what has not happened is 0, not unknown
  }

  add(...values: string[]): void {
    const key = values.join("\n");
    const known = this.#counts.get(key);
    if (known) known.count++;
    else this.#counts.set(key, { labels: this.#labelled(values), count: 1 });
  }

  lines(): string[] {
    const samples = [...this.#counts.values()].map(({ labels, count }) => `${this.name}${labels} ${count}`);
    return [...head(this.name, this.#help, "counter"), ...samples];
  }

  #labelled(values: readonly string[]): string {
    return labelText(Object.fromEntries(this.#labels.map((name, n) => [name, values[n] ?? ""])));
  }
}

/** How long things took, in seconds. */
export class Histogram implements Metric {
  readonly name: string;
  readonly #help: string;
  readonly #bounds: readonly number[];
  readonly #counts: number[]; // of each bucket alone; one more for what is above the last bound
  #sum = 0;

  constructor(name: string, help: string, bounds: readonly number[] = SECONDS) {
    this.name = name;
    this.#help = help;
    this.#bounds = bounds;
    this.#counts = [...bounds, Infinity].map(() => 0);
  }

  observe(seconds: number): void {
    const found = this.#bounds.findIndex((bound) => seconds <= bound);
    const bucket = found === -1 ? this.#bounds.length : found;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += seconds;
  }

  lines(): string[] {
    let count = 0;
    const buckets = this.#counts.map((own, bucket) => {
      const bound = this.#bounds[bucket];
      return `${this.name}_bucket{le="${bound ?? "+Inf"}"} ${(count += own)}`;
    });
    const totals = [`${this.name}_sum ${this.#sum}`, `${this.name}_count ${count}`];
    return [...head(this.name, this.#help, "histogram"), ...buckets, ...totals];
  }
}

/** What is so now; read when it is asked for. */
export class Gauge implements Metric {
  readonly name: string;
  readonly #help: string;
  readonly #read: () => readonly (readonly [value: number, labels?: Labels])[];

  constructor(name: string, help: string, read: () => readonly (readonly [value: number, labels?: Labels])[]) {
    this.name = name;
    this.#help = help;
    this.#read = read;
  }

  lines(): string[] {
    const samples = this.#read().map(([value, labels = {}]) => `${this.name}${labelText(labels)} ${value}`);
    return [...head(this.name, this.#help, "gauge"), ...samples];
  }
}

export function exposition(metrics: readonly Metric[]): string {
  return `${metrics.flatMap((metric) => metric.lines()).join("\n")}\n`;
}

/** From a commit of SQLite to what a person waits for. */
const SECONDS = [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

function head(name: string, help: string, type: string): string[] {
  return [`# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}`, `# TYPE ${name} ${type}`];
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => {
    return `${name}="${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
  });
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
