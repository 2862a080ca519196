/** Role: where a process of a measurement begins. Arguments: the question's file, the role's name in it, its options as JSON. */
import type { Channel, Role } from "./child.ts";

const [file = "", name = "", options = "{}"] = process.argv.slice(2);

const waiting: ((value: unknown) => void)[] = [];
const received: unknown[] = [];
process.on("message", (value: unknown) => {
  const next = waiting.shift();
  if (next) next(value);
  else received.push(value);
});
process.on("disconnect", () => process.exit(1)); // nobody measures any more

const channel: Channel = {
  send: (value) => void process.send?.(value),
  receive: () =>
    received.length > 0
      ? Promise.resolve(received.shift())
      : new Promise((resolve) => {
          waiting.push(resolve);
        }),
};

const module = (await import(file)) as { roles?: Readonly<Record<string, Role>> };
const role = module.roles?.[name];
if (!role) throw new Error(`${file} has no role ${name}`);
await role(channel, JSON.parse(options) as never);
process.exit();
