/** Beginnings: the ways in which a program begins what goes on by itself, and how it is seen that it is over. */
import http from "node:http";
import net from "node:net";

/** `result` is what the call gave; for a constructor, the new object. */
interface Beginning {
  readonly place: object;
  readonly name: string;
  /** How it is called, where its name alone would not say. */
  readonly called?: string;
  readonly over: (result: object, args: readonly unknown[]) => () => boolean;
}

const ENDS = ["stop", Symbol.dispose, Symbol.asyncDispose] as const;

const BEGINNINGS: readonly Beginning[] = [
  { place: globalThis, name: "setTimeout", over: isDestroyed },
  { place: globalThis, name: "setInterval", over: isDestroyed },
  { place: globalThis, name: "fetch", over: settled(() => () => true) },
  { place: globalThis, name: "Worker", over: isCalledOff("terminate") },
  { place: globalThis, name: "WebSocket", over: (socket) => () => Number(Reflect.get(socket, "readyState")) >= 2 },
  { place: Bun, name: "serve", over: isStopped },
  { place: Bun, name: "listen", over: isStopped },
  { place: Bun, name: "connect", over: settled((socket) => () => Number(Reflect.get(socket, "readyState")) <= 0) },
  { place: Bun, name: "udpSocket", over: settled((socket) => () => Reflect.get(socket, "closed") === true) },
  { place: Bun, name: "spawn", over: hasExited },
  // Of node's modules the imported functions cannot be replaced, but what they all come to.
  { place: net.Server.prototype, name: "listen", called: "net.Server.listen", over: isDeaf },
  { place: http.Server.prototype, name: "listen", called: "http.Server.listen", over: isDeaf },
  { place: net.Socket.prototype, name: "connect", called: "net.Socket.connect", over: isDestroyedSocket },
  { place: process, name: "on", called: "process.on", over: isNoListener },
  { place: process, name: "once", called: "process.once", over: isNoListener },
  { place: process, name: "addListener", called: "process.addListener", over: isNoListener },
];

/** Tells of everything that begins from now on, by its name; returns how to end that. */
export function watchBeginnings(begun: (name: string, isOver: () => boolean) => void): () => void {
  const restore = BEGINNINGS.map(({ place, name, called = name, over }) => {
    const original: unknown = Reflect.get(place, name);
    const isOwn = Object.hasOwn(place, name);
    if (typeof original !== "function") return () => {};
    const tell = (result: unknown, args: unknown[]): unknown => {
      if (typeof result === "object" && result !== null) begun(called, over(result, args));
      return result;
    };
    const watching = new Proxy(original, {
      apply: (target, self, args: unknown[]) => tell(Reflect.apply(target, self, args), args),
      construct: (target, args: unknown[], by) => tell(Reflect.construct(target, args, by), args) as object,
    });
    Reflect.set(place, name, watching);
    return () => void (isOwn ? Reflect.set(place, name, original) : Reflect.deleteProperty(place, name));
  });
  return () => {
    for (const giveBack of restore) giveBack();
  };
}

function isDestroyed(timer: object): () => boolean {
  return () => Reflect.get(timer, "_destroyed") === true;
}

function isStopped(server: object): () => boolean {
  const isOver = isCalledOff(...ENDS)(server);
  return () => isOver() || Reflect.get(server, "port") === 0; // `using` ends a server past these
}

function isDeaf(server: object): () => boolean {
  return () => Reflect.get(server, "listening") === false;
}

function isDestroyedSocket(socket: object): () => boolean {
  return () => Reflect.get(socket, "destroyed") === true;
}

function hasExited(child: object): () => boolean {
  return () => ["exitCode", "signalCode"].some((key) => (Reflect.get(child, key) ?? null) !== null);
}

function isNoListener(_: object, [event, listener]: readonly unknown[]): () => boolean {
  return () => !process.listeners(String(event) as NodeJS.Signals).some((one: unknown) => one === listener);
}

/** One of these methods was called, or the object says itself that it has closed. */
function isCalledOff(...ends: readonly PropertyKey[]): (one: object) => () => boolean {
  return (one) => {
    let isOver = false;
    for (const key of ends) {
      const end: unknown = Reflect.get(one, key);
      if (typeof end !== "function") continue;
      Reflect.set(one, key, (...args: unknown[]): unknown => {
        isOver = true;
        return Reflect.apply(end, one, args);
      });
    }
    if (one instanceof EventTarget) one.addEventListener("close", () => (isOver = true));
    return () => isOver;
  };
}

/** Of a promise: it has failed, or what it has come to is over. */
function settled(over: (result: object) => () => boolean): (promise: object) => () => boolean {
  return (promise) => {
    const state: { isFailed: boolean; isOver?: () => boolean } = { isFailed: false };
    const come = (result: unknown): void => {
      if (typeof result === "object" && result !== null) state.isOver = over(result);
    };
    const fail = (): void => void (state.isFailed = true);
    Promise.resolve(promise).then(come, fail);
    return () => state.isFailed || state.isOver?.() === true;
  };
}
