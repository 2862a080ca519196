/** Faults: everything that the simulation does to peers, drawn from its seed. */
import type { PeerId } from "../base/ids.ts";
import type { SharedDirectory } from "./shared-directory.ts";
import type { SimulatedMachine } from "./simulated-machine.ts";
import type { SimulatedNetwork } from "./simulated-network.ts";

/** What a fault may touch. */
export interface Stage {
  readonly machines: readonly SimulatedMachine[];
  readonly network: SimulatedNetwork;
  readonly directory: SharedDirectory;
  readonly random: () => number;
  readonly pick: <Item>(items: readonly Item[]) => Item;
  /** Does something once so much simulated time has passed. */
  readonly later: (ms: number, task: () => unknown) => void;
  /** Lets a machine say something to another one. */
  readonly say: (from: SimulatedMachine) => void;
  /** Runs a second process on a copy of a machine's disk, and ends it after so long; false if one runs already. */
  readonly runTwice: (machine: SimulatedMachine, ms: number) => Promise<boolean>;
}

interface Fault {
  /** How often it is drawn, compared with the others. */
  readonly weight: number;
  /** Breaks something and says what, for the trace. */
  run(stage: Stage): string | Promise<string>;
}

export const FAULTS = {
  cut: {
    weight: 10,
    run({ network, pick, machines, random }) {
      const { id } = pick(machines);
      const count = network.cut((a) => a === id, random());
      return `${count} connections cut`;
    },
  },
  "cut everything": {
    weight: 3,
    run: ({ network, random }) => `${network.cut(undefined, random())} connections cut`,
  },
  "half-open": {
    weight: 4,
    run({ network, pick, machines, random }) {
      const [a, b] = pair(machines, pick);
      const isOneWay = random() < 0.5;
      network.silence((x, y) => x === a && y === b, isOneWay);
      return isOneWay ? "one direction fell silent" : "both directions fell silent";
    },
  },
  partition: {
    weight: 3,
    run({ network, machines, random, later }) {
      const side = new Set<PeerId>(machines.filter(() => random() < 0.5).map(({ id }) => id));
      network.partition((a, b) => side.has(a) !== side.has(b));
      later(random() * 60_000, () => network.partition(() => false));
      return `${side.size} of ${machines.length} split off`;
    },
  },
  crash: {
    weight: 8,
    run({ pick, machines, random, later }) {
      const machine = pick(machines);
      machine.crash();
      later(random() * 20_000, () => machine.start());
      return machine.name;
    },
  },
  restart: {
    weight: 3,
    async run({ pick, machines, random, later }) {
      const machine = pick(machines);
      await machine.stop();
      later(random() * 5_000, () => machine.start());
      return machine.name;
    },
  },
  "failed commit": {
    weight: 5,
    run({ pick, machines, random }) {
      const machine = pick(machines);
      machine.failNextCommit(random() < 0.5);
      return machine.name;
    },
  },
  "disk rolled back": {
    weight: 5,
    run({ pick, machines, random, later, say }) {
      const machine = pick(machines);
      const { disk } = machine;
      later(random() * 20_000, async () => {
        if (!disk) return;
        machine.replaceDisk(disk);
        await machine.start();
        // Said before anybody else is reached: they get numbers that were given before.
        for (let count = random() * 4; count > 0; count--) say(machine);
      });
      return machine.name;
    },
  },
  "lost disk": {
    weight: 1,
    async run({ pick, machines }) {
      const machine = pick(machines);
      machine.replaceDisk(undefined);
      await machine.start();
      return machine.name;
    },
  },
  "folder run twice": {
    weight: 1,
    async run({ pick, machines, random, runTwice }) {
      const machine = pick(machines);
      if (!machine.isUp) return "it is down";
      return (await runTwice(machine, random() * 30_000)) ? machine.name : "it runs twice already";
    },
  },
  "full inbox": {
    weight: 2,
    run({ pick, machines, random, later }) {
      const machine = pick(machines);
      machine.setReading(false);
      later(random() * 60_000, () => machine.setReading(true));
      return machine.name;
    },
  },
  "clock jump": {
    weight: 3,
    run({ pick, machines, random }) {
      const machine = pick(machines);
      const hours = Math.round((random() - 0.5) * 20_000);
      machine.clock?.jump(hours * 3_600_000);
      return `${machine.name}: ${hours} h`;
    },
  },
  "clock standing still": {
    weight: 1,
    run({ pick, machines, random, later }) {
      const { name, clock } = pick(machines);
      clock?.freeze(true);
      later(random() * 60_000, () => clock?.freeze(false));
      return name;
    },
  },
  "registry away": {
    weight: 2,
    run({ directory, random, later }) {
      directory.isAway = true;
      later(random() * 60_000, () => (directory.isAway = false));
      return "";
    },
  },
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;

const NAMES = Object.keys(FAULTS) as FaultName[];
const TOTAL = NAMES.reduce((sum, name) => sum + FAULTS[name].weight, 0);

export function drawFault(random: () => number): FaultName {
  let at = random() * TOTAL;
  return NAMES.find((name) => (at -= FAULTS[name].weight) < 0) ?? "cut";
}

function pair(machines: readonly SimulatedMachine[], pick: Stage["pick"]): [PeerId, PeerId] {
  const first = pick(machines);
  return [first.id, pick(machines.filter((machine) => machine !== first)).id];
}
