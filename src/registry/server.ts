/** The registry as a server: one port for reading (HTTP) and for peers (WebSocket). The one place with `Bun.serve`. */
import type { Server, ServerWebSocket } from "bun";
import { describeError } from "../base/errors.ts";
import { formatAddress, type PeerId } from "../base/ids.ts";
import { inTurn } from "../base/in-turn.ts";
import { silentLog, type Log } from "../base/log.ts";
import { ownerOf, perMinute, RateLimit } from "../base/rate.ts";
import { Scope } from "../base/scope.ts";
import { systemWorld, type Timer, type World } from "../base/world.ts";
import { openIdentity, type Identity } from "../identity/identity.ts";
import { cannotListen } from "./cannot-listen.ts";
import { CertificateFiles, type Certificate, type CertificatePlace } from "./certificate-files.ts";
import { RegistryCore } from "./core.ts";
import { DialBack } from "./dial-back.ts";
import { EventStreams } from "./event-streams.ts";
import { answer, notAWebSocket, routeOf, targetOf, type Reading, type Target } from "./http.ts";
import { DEFAULT_LIMITS, type RegistryLimits } from "./limits.ts";
import { LocalStore } from "./local-store.ts";
import { callerAddress } from "./proxy.ts";
import type { StoreOpener } from "./store.ts";
import { Readiness } from "./readiness.ts";
import { refusal, toResponse, type Reply } from "./reply.ts";
import { Series } from "./series.ts";
import { PeerSession, type Pipe } from "./session.ts";
import { Sessions } from "./sessions.ts";
import { nonceShape } from "./shapes.ts";
import { DEFAULT_REGISTRY_PORT, isLoopbackAddress, isOwnOrigin, ownHosts } from "./url.ts";

/** Routes by which somebody is looked for. */
const LOOK_UPS: ReadonlySet<string> = new Set(["/v1/peers", "/v1/peers/<id>", "/v1/commands"]);
/** So many other requests a search counts for: it looks at all that bots say of themselves, up to 50 ms long. */
const SEARCH_COST = 10;
const SWEEP_MS = 1_000;
/** A sweep that late says that this process, not the peers, was silent. */
const STALL_MS = 5_000;
/** At the end peers are asked to come back within so long, so that the next process can take them one after another. */
const RETURN_MS_EACH = 10;
const MAX_RETURN_MS = 25_000; // well below the time for which that process waits for them
const MAX_UNSENT_BYTES = 1_048_576; // per session

export interface RegistryOptions {
  /** Default: 127.0.0.1, this machine alone. */
  host?: string;
  /** Default: 9277; 0 is any free one. */
  port?: number;
  /** Where the registry's key and database are kept. */
  folder: string;
  /** Its key; without one it is in the folder. */
  identity?: Identity | undefined;
  /** Where it keeps its peers instead of the folder: one for all processes of this registry. */
  openStore?: StoreOpener | undefined;
  /** Origins under which it is reached besides the addresses of its machine: behind a proxy, by a DNS name. */
  urls?: readonly string[];
  limits?: Partial<RegistryLimits>;
  world?: World;
  log?: Log;
  /** Who may read `/metrics`. Default: this machine alone. */
  metricsFor?: "loopback" | "everyone";
  /** Whether a peer is dialled where it is seen, to tell it whether it can be. Default true. */
  dialsBack?: boolean;
  /** For https and wss. The files are looked at every minute, and taken when they have changed; sessions go on. */
  tls?: CertificatePlace | undefined;
  /** Proxies whose `X-Forwarded-For` says who asks. Default: none. */
  proxies?: readonly string[];
  /** Close it: new keys need an invite, and that is kept. */
  isClosed?: boolean;
  /** Who may read, while it is closed. Default: this machine, and peers that it lets in. */
  readers?: "members" | "everyone";
}

/** Ending it asks everybody to come back, each at another moment, and takes two seconds at most. */
export interface Registry extends AsyncDisposable {
  readonly id: PeerId;
  readonly url: string;
  readonly port: number;
  /** Whether new keys need an invite just now. */
  readonly isClosed: boolean;
  /** Before its end: `/readyz` says so, and no new session is taken. */
  drain(): void;
}

/** @throws {WarrenError} `PORT_IN_USE`, `HOST_UNAVAILABLE`, and what `openIdentity` and `LocalStore.open` throw */
export async function startRegistry(options: RegistryOptions): Promise<Registry> {
  const { world = systemWorld, log = silentLog } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const identity = options.identity ?? (await openIdentity(options.folder));
  const store = options.openStore
    ? await options.openStore({ identity, world, log, limits })
    : await LocalStore.open(options.folder, world, limits);
  try {
    const core = new RegistryCore({ identity, store, world, log, limits });
    await core.resume();
    if (options.isClosed) await store.door.close();
    return new RegistryServer(core, options, options.tls && (await CertificateFiles.open(options.tls)));
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
}

/** What hangs on a WebSocket. */
interface SocketData {
  readonly dialled: string;
  readonly address: string;
  /** There once the socket is open. */
  session?: PeerSession;
}

type Socket = ServerWebSocket<SocketData>;

class RegistryServer implements Registry {
  readonly id: PeerId;
  readonly url: string;
  readonly port: number;
  readonly #scope = new Scope();
  readonly #core: RegistryCore;
  readonly #urls: readonly string[];
  readonly #protocol: "http:" | "https:";
  #server: Server<SocketData>;
  #hosts: Set<string> | undefined; // of this machine, as they were within the last second
  readonly #retired = new Set<Server<SocketData>>(); // they listen no more, and have sessions still
  readonly #proxies: ReadonlySet<string>;
  readonly #sessions: Sessions;
  readonly #streams: EventStreams;
  readonly #series: Series;
  readonly #readiness: Readiness;
  readonly #reading: Reading;
  readonly #requestRate: RateLimit;
  readonly #dialBack: DialBack | undefined;
  #sweepTimer: Timer | undefined;
  #sweptAt: number;
  #wasCurrent = true; // as it was told
  #isShut: boolean; // to readers, as the operator had said at the last sweep: to ask the disk costs more than an answer

  constructor(core: RegistryCore, options: RegistryOptions, certificate: CertificateFiles | undefined) {
    const {
      host = "127.0.0.1",
      port = DEFAULT_REGISTRY_PORT,
      urls = [],
      metricsFor = "loopback",
      readers = "members",
    } = options;
    const { clock } = core.world;
    this.#dialBack = options.dialsBack === false ? undefined : new DialBack(clock);
    this.#core = core;
    this.#isShut = this.isClosed;
    this.#urls = urls;
    this.#proxies = new Set(options.proxies);
    this.id = core.id;
    this.#sessions = new Sessions(clock, core.limits);
    this.#streams = new EventStreams(core);
    this.#series = new Series(clock, core.roster);
    this.#series.sweep();
    this.#readiness = new Readiness(clock, { store: () => core.tryStore() });
    this.#reading = {
      core,
      streams: this.#streams,
      series: this.#series,
      readiness: this.#readiness,
      attendance: () => ({ ...this.#sessions.attendance(), eventStreams: this.#streams.size }),
      admitsReader: (address, authorization) =>
        readers === "everyone" || !this.#isShut || isLoopbackAddress(address) || this.#hasPass(authorization),
      showsMetrics: (address) => metricsFor === "everyone" || isLoopbackAddress(address),
    };
    this.#requestRate = new RateLimit(clock, perMinute(core.limits.requestsPerMinute));
    this.#server = this.#listen(host, port, certificate?.current);
    this.port = this.#server.port ?? port;
    this.#protocol = certificate ? "https:" : "http:";
    const isEverywhere = host === "0.0.0.0" || host === "::";
    this.url = `${this.#protocol}//${formatAddress({ host: isEverywhere ? "127.0.0.1" : host, port: this.port })}`;
    this.#sweptAt = clock.steady();
    this.#scheduleSweep();
    this.#scope.defer(() => core.close());
    this.#scope.defer(() => Promise.all([this.#server, ...this.#retired].map((server) => server.stop(true))));
    this.#scope.defer(() => this.#sweepTimer?.[Symbol.dispose]());
    this.#scope.defer(() => this.#part());
    const { log } = core;
    if (certificate) this.#scope.use(certificate.watch(clock, log, (renewed) => this.#relisten(host, renewed)));
  }

  get isClosed(): boolean {
    return this.#core.door.isClosed;
  }

  drain(): void {
    this.#readiness.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope.close();
  }

  /** Bun keeps a listener's certificate for good, but sessions outlive their listener. */
  #relisten(host: string, certificate: Certificate): void {
    const before = this.#server;
    this.#retired.add(before);
    void before.stop().finally(() => this.#retired.delete(before));
    this.#server = this.#listen(host, this.port, certificate);
    this.#core.log.info("the certificate was renewed");
  }

  #listen(host: string, port: number, tls: Certificate | undefined): Server<SocketData> {
    const { maxFrameBytes, leaseMs } = this.#core.limits;
    try {
      return Bun.serve<SocketData>({
        hostname: host,
        port,
        ...(tls && { tls: { cert: tls.cert, key: tls.key } }),
        maxRequestBodySize: 1_024, // nothing is ever sent here but questions
        idleTimeout: 10,
        fetch: (request, server) => this.#fetch(request, server),
        error: (error) => toResponse(this.#fail(error)),
        websocket: {
          maxPayloadLength: maxFrameBytes,
          backpressureLimit: MAX_UNSENT_BYTES,
          closeOnBackpressureLimit: true, // a session stops sending long before; whoever is above it asks and never reads
          idleTimeout: Math.min(960, Math.ceil(leaseMs / 1_000) * 2), // the lease ends first; this is for what never closes
          perMessageDeflate: false,
          open: (socket) => this.#open(socket),
          message: (socket, message) => socket.data.session?.receive(message),
          drain: (socket) => socket.data.session?.drain(),
          close: ({ data: { session } }) => session && this.#sessions.close(session),
        },
      });
    } catch (error) {
      throw cannotListen(host, port, error);
    }
  }

  /** Not asynchronous, as most of what follows: nearly every answer is in memory, and promises cost more than it does. */
  #fetch(request: Request, server: Server<SocketData>): Response | undefined | Promise<Response | undefined> {
    const startedAt = this.#core.world.clock.steady();
    const socketAddress = server.requestIP(request)?.address ?? "";
    const address = callerAddress(socketAddress, request.headers.get("x-forwarded-for"), this.#proxies);
    const target = targetOf(request.url);
    const respond = (reply: Reply | undefined): Response | undefined => {
      if (!reply) return undefined; // it has become a session
      if (reply.body instanceof ReadableStream) server.timeout(request, 0); // it has heartbeats, and a limit of its own
      this.#count(target.path, reply, startedAt);
      return toResponse(reply);
    };
    const isSession = target.path === "/v1/session" && request.method === "GET";
    return inTurn(
      () => (isSession ? this.#upgrade(request, target, address, server) : this.#answer(request, target, address)),
      respond,
      (error) => respond(this.#fail(error)),
    );
  }

  #count(path: string, { status, code }: Reply, startedAt: number): void {
    const { metrics, world } = this.#core;
    const route = routeOf(path);
    metrics.requests.add(route, String(status));
    if (code) metrics.refusals.add("request", code);
    if (LOOK_UPS.has(route)) metrics.lookUpSeconds.observe((world.clock.steady() - startedAt) / 1_000);
  }

  #answer({ method, headers }: Request, { path, params }: Target, address: string): Reply | Promise<Reply> {
    if (method !== "GET" && method !== "HEAD") {
      const refused = refusal(405, "USAGE", `${method} is not understood here: only GET and HEAD`);
      return { ...refused, headers: { ...refused.headers, allow: "GET, HEAD" } };
    }
    const cost = path === "/v1/commands" ? SEARCH_COST : 1;
    const waitMs = this.#requestRate.take(ownerOf(address), cost);
    if (waitMs > 0) return refusal(429, "RATE_LIMITED", "too many requests from this address", waitMs);
    return answer(this.#reading, { path, params, headers, isHead: method === "HEAD", address });
  }

  #hasPass(authorization: string | null): boolean {
    const id = this.#core.passes.holderOf(authorization);
    return id !== undefined && this.#core.door.admits(id);
  }

  #upgrade(request: Request, { params }: Target, address: string, server: Server<SocketData>): Reply | undefined {
    // A web page of somebody else's must not act here with its reader's browser; programs send no such header.
    const origin = request.headers.get("origin");
    if (origin !== null && !this.#isOwnOrigin(origin)) return refusal(403, "REGISTRY_REFUSED", `not for ${origin}`);
    const dialled = params().get("nonce") ?? "";
    if (!nonceShape.safeParse(dialled).success) return refusal(400, "USAGE", "?nonce= with 16 to 64 of A-Za-z0-9_-");
    if (this.#readiness.isEnding) return refusal(503, "REGISTRY_REFUSED", "this registry is ending", 1_000);
    const refused = this.#sessions.refusal(address);
    if (refused) return refused;
    const isUpgraded = server.upgrade(request, { data: { dialled, address } });
    return isUpgraded ? undefined : notAWebSocket();
  }

  #open(socket: Socket): void {
    const { dialled, address } = socket.data;
    socket.data.session = this.#sessions.open(address, (onLogin) => {
      return new PeerSession({
        core: this.#core,
        pipe: pipeOf(socket),
        dialled,
        address,
        isOwnOrigin: this.#isOwnOrigin,
        onLogin,
        dialBack: this.#dialBack,
      });
    });
  }

  /** Everybody is asked to come back, each at another moment; waits until they have heard it, but not for long. */
  async #part(): Promise<void> {
    this.drain();
    const { world } = this.#core;
    const windowMs = Math.min(MAX_RETURN_MS, (this.#sessions.size + this.#streams.size) * RETURN_MS_EACH);
    this.#core.log.info(`ending: ${this.#sessions.size} sessions are asked to come back within ${windowMs} ms`);
    this.#streams.end(windowMs);
    await this.#sessions.sendAway(() => Math.floor(world.random() * windowMs));
  }

  readonly #isOwnOrigin = (origin: string): boolean => {
    return isOwnOrigin(origin, this.port, this.#urls, this.#protocol, () => (this.#hosts ??= ownHosts()));
  };

  #scheduleSweep(): void {
    this.#sweepTimer = this.#core.world.clock.after(SWEEP_MS, () => {
      this.#scheduleSweep();
      this.#sweep();
    });
  }

  #sweep(): void {
    const now = this.#core.world.clock.steady();
    const lateMs = now - this.#sweptAt - SWEEP_MS;
    this.#sweptAt = now;
    for (const session of this.#sessions) session.check(lateMs > STALL_MS ? lateMs : 0);
    this.#core.sweep();
    this.#isShut = this.isClosed;
    this.#hosts = undefined;
    this.#tellView();
    this.#series.sweep();
  }

  #tellView(): void {
    const { isCurrent } = this.#core;
    if (isCurrent === this.#wasCurrent) return;
    this.#wasCurrent = isCurrent;
    for (const session of this.#sessions) if (session.isSubscribed) session.tellView();
    this.#streams.tellView();
  }

  #fail(error: unknown): Reply {
    this.#core.log.error(`a request failed: ${describeError(error)}`);
    return refusal(500, "REGISTRY_REFUSED", "the registry failed to answer; its log says why");
  }
}

function pipeOf(socket: Socket): Pipe {
  return {
    send: (text) => socket.send(text) > 0, // -1: taken, but the kernel is full; 0: dropped, the socket is closing
    close: (code, reason) => socket.close(code, reason),
  };
}
