/** Question: something that is measured for Warren, for the limit of the same work on Bun, and for rivals, side by side. */

/** One of those who are measured. Each call measures once, in processes of its own, and gives back one figure for each row. */
export interface Contender {
  /** `limit` is the bare minimum of the same work; `warren` what its users get; others are named as they are known. */
  readonly name: string;
  /** Why it cannot be measured here, if so. */
  readonly missing?: () => string | undefined;
  measure(scale: Scale): Promise<Readonly<Record<string, number>>>;
}

/** How much work one measurement is: 1 is the full size, less for a short run. */
export type Scale = number;

export interface Row {
  /** The key of its figure in what a contender measures. */
  readonly name: string;
  readonly unit: string;
  readonly isMoreBetter: boolean;
  /** What Warren wants to reach of the limit: at least this where more is better, at most this where less is; none: it is shown only. */
  readonly wanted?: number;
  /** Its ratio hardly differs from run to run, also on a machine that does other things too: a short run is held to it. */
  readonly isSteady?: boolean;
}

export interface Question {
  readonly name: string;
  readonly about: string;
  readonly rows: readonly Row[];
  readonly contenders: readonly Contender[];
  /** Asked only by its name: it takes long, or much of the machine. */
  readonly isOnDemand?: boolean;
}

/** A value of another process, for a person to read. */
export function printed(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
