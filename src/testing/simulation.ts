/** The simulation: many real peers in one process, everything about them drawn from a seed, and a witness who watches. */
import { drawFault, FAULTS, type FaultName, type Stage } from "./faults.ts";
import { SharedDirectory } from "./shared-directory.ts";
import { SimulatedMachine, type MachineOptions } from "./simulated-machine.ts";
import { SimulatedNetwork } from "./simulated-network.ts";
import { TEMPERS, Witness, type Temper } from "./witness.ts";
import { createSimulatedWorld, type SimulatedWorld } from "./world.ts";

/** After the last fault everything must be delivered and handled within so much simulated time. */
const QUIET_WITHIN_MS = 600_000;
/** Bounds that hold at every moment; see src/peer/sessions.ts. */
const MAX_WAITING = 2_048;
/** One seed of so many runs peers that forget all that may be forgotten, as soon as they look. */
const KEEPS_LITTLE = 4;

export interface SimulationOptions {
  seed: number;
  /** Default 4. */
  peers?: number;
  /** Messages in all; default 60. */
  messages?: number;
  /** Only so many of the faults that the seed would bring; for finding the shortest trace. */
  maxFaults?: number;
}

export interface SimulationResult {
  readonly seed: number;
  /** What went against a promise; empty if all were kept. */
  readonly complaints: readonly string[];
  readonly trace: readonly string[];
  readonly promised: number;
  readonly handled: number;
  readonly faults: Readonly<Partial<Record<FaultName, number>>>;
  readonly simulatedMs: number;
}

/** Runs one seed. The same options give the same result, to the last line of the trace. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const simulation = new Simulation(options);
  return await simulation.run();
}

class Simulation implements Stage {
  readonly #seed: number;
  readonly #messages: number;
  readonly #maxFaults: number;
  readonly #world: SimulatedWorld;
  readonly #witness = new Witness();
  readonly #trace: string[] = [];
  readonly #faults: Partial<Record<FaultName, number>> = {};
  readonly #shared: Omit<MachineOptions, "name">;
  readonly #allTwins: SimulatedMachine[] = [];
  readonly #twins = new Set<string>(); // names of machines that run twice just now
  readonly #due: { at: number; task: () => unknown }[] = [];
  readonly machines: readonly SimulatedMachine[];
  readonly network: SimulatedNetwork;
  readonly directory = new SharedDirectory();
  readonly random: () => number;

  constructor({ seed, peers = 4, messages = 60, maxFaults = Infinity }: SimulationOptions) {
    this.#seed = seed;
    this.#messages = messages;
    this.#maxFaults = maxFaults;
    this.#world = createSimulatedWorld(seed);
    this.random = () => this.#world.random();
    const slowness = 1 + this.random() ** 3 * 400; // from a local network to a very bad one
    this.network = new SimulatedNetwork({
      clock: this.#world.clock,
      latency: () => Math.ceil(this.random() * slowness),
    });
    this.#shared = {
      world: this.#world,
      network: this.network,
      directory: this.directory,
      witness: this.#witness,
      keep: seed % KEEPS_LITTLE === 0 ? "0 KiB" : "all",
      isStored: (message) => this.machines.find(({ name }) => name === message.to)?.holds(message) ?? true,
      trace: (line) => this.#note(line),
    };
    this.machines = Array.from({ length: peers }, (_, i) => new SimulatedMachine({ ...this.#shared, name: `p${i}` }));
  }

  pick = <Item>(items: readonly Item[]): Item => {
    const item = items[Math.floor(this.random() * items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  };

  later = (ms: number, task: () => unknown): void => {
    this.#due.push({ at: this.#world.clock.steady() + ms, task });
  };

  say = (from: SimulatedMachine): void => {
    this.#say(from, this.pick(this.machines.filter((machine) => machine !== from)));
  };

  runTwice = async (machine: SimulatedMachine, ms: number): Promise<boolean> => {
    if (this.#twins.has(machine.name)) return false;
    const twin = new SimulatedMachine({ ...this.#shared, name: machine.name });
    this.#allTwins.push(twin);
    twin.replaceDisk(machine.disk);
    this.#twins.add(machine.name);
    await twin.start(`${machine.name}-twin`);
    this.later(ms, async () => {
      twin.crash();
      machine.crash(); // it was told to leave its peers alone: only a new start lets it talk again
      this.#twins.delete(machine.name);
      this.#witness.forgive(machine.name);
      await machine.start();
    });
    return true;
  };

  async run(): Promise<SimulationResult> {
    for (const machine of this.machines) await machine.start();
    let toSay = this.#messages;
    let faults = 0;
    const faultRate = this.random() * 0.5;
    while (toSay > 0) {
      toSay -= this.#speak(Math.min(toSay, 1 + Math.floor(this.random() * 6)));
      await this.#pass(this.random() * (this.random() < 0.2 ? 20_000 : 300));
      if (this.random() < faultRate && faults++ < this.#maxFaults) await this.#break();
      this.#check();
    }
    await this.#heal();
    for (const machine of [...this.machines, ...this.#allTwins]) machine[Symbol.dispose]();
    return {
      seed: this.#seed,
      complaints: this.#witness.complaints,
      trace: this.#trace,
      ...this.#witness.counts,
      faults: this.#faults,
      simulatedMs: this.#world.clock.steady(),
    };
  }

  /** Lets somebody say a few things to somebody; often both at once, so that both dial. */
  #speak(count: number): number {
    const from = this.pick(this.machines);
    const to = this.pick(this.machines.filter((machine) => machine !== from));
    const isMutual = this.random() < 0.3;
    const say = (): void => {
      this.#say(from, to);
      if (isMutual) this.#say(to, from);
    };
    for (let i = 0; i < count; i++) {
      // Some while other things happen, in the same turn as what arrives just then.
      if (this.random() < 0.5) say();
      else this.#world.clock.after(Math.floor(this.random() * 100), say);
    }
    return count;
  }

  #say(from: SimulatedMachine, to: SimulatedMachine): void {
    if (!from.isUp) return;
    const message = this.#witness.intend(from.name, to.name, this.#drawTemper());
    if (this.#twins.has(from.name) || this.#twins.has(to.name)) message.isForgiven = true;
    if (this.#twins.has(to.name)) message.mayRepeat = true;
    from.say(message, to.id);
  }

  #drawTemper(): Temper {
    const at = this.random();
    if (at < 0.7) return "quick";
    return this.pick(at < 0.95 ? (["slow", "chatty", "musing", "faulty"] as const) : TEMPERS);
  }

  async #break(): Promise<void> {
    const name = drawFault(this.random);
    this.#faults[name] = (this.#faults[name] ?? 0) + 1;
    const what = await FAULTS[name].run(this);
    this.#note(what === "" ? name : `${name}: ${what}`);
  }

  /** Time passes, and what is due on the way happens; machines that a message has killed are started again. */
  async #pass(ms: number): Promise<void> {
    const { clock } = this.#world;
    const end = clock.steady() + ms;
    for (;;) {
      const next = this.#due.toSorted((a, b) => a.at - b.at)[0];
      if (!next || next.at > end) break;
      this.#due.splice(this.#due.indexOf(next), 1);
      await clock.advance(Math.max(0, next.at - clock.steady()));
      await next.task();
    }
    await clock.advance(Math.max(0, end - clock.steady()));
  }

  #check(): void {
    for (const { name, waiting } of this.machines) {
      const limit = MAX_WAITING * (this.machines.length - 1);
      if (waiting > limit) this.#witness.complaints.push(`${name} keeps ${waiting} messages, ${limit} allowed`);
    }
  }

  /** No more faults: everything that was promised must come true in time. */
  async #heal(): Promise<void> {
    this.network.partition(() => false);
    this.directory.isAway = false;
    const end = this.#world.clock.steady() + QUIET_WITHIN_MS;
    for (const machine of this.machines) machine.setReading(true);
    for (;;) {
      for (const machine of this.machines) if (!machine.isUp) await machine.start(); // also after a deadly message
      await this.#pass(5_000);
      const isOver = this.#due.length === 0 && this.#witness.pending().length === 0;
      if (isOver || this.#world.clock.steady() > end) break;
    }
    await this.#pass(35_000); // answers to what came last: the longest pause between two dials, and a little more
    this.#witness.conclude();
  }

  #note(line: string): void {
    this.#trace.push(`${(this.#world.clock.steady() / 1_000).toFixed(3)} s  ${line}`);
  }
}
