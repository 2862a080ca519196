/** What a registry allows; published at `GET /v1/limits`, so that nobody has to find out by running into it. */

export interface RegistryLimits {
  /** Longest frame of a session. */
  maxFrameBytes: number;
  /** Sessions, logged in or not. */
  maxSessions: number;
  /** Sessions that one address (IPv6: one /64) may hold before they are logged in. */
  maxUnknownPerAddress: number;
  /** From the opening of a session to the login. */
  loginMs: number;
  /** Logins that are checked at once; whoever comes beyond that is told when to come again. */
  maxLoginsAtOnce: number;
  /** New sessions from one address: that many at once, and as many again over a minute. */
  sessionsPerMinute: number;
  /** HTTP requests from one address, likewise. */
  requestsPerMinute: number;
  /** Frames within one session, likewise. */
  framesPerMinute: number;
  /** A session that says nothing for that long has ended. */
  leaseMs: number;
  /** How long a peer whose session broke is still shown as online. */
  graceMs: number;
  /** The same after a restart of the registry: everybody has to come back. */
  restartGraceMs: number;
  /** Names kept, and so peers known. */
  maxNames: number;
  /** Names that one key may hold. */
  maxNamesPerKey: number;
  /** Peers in one page of `GET /v1/peers`. */
  maxPage: number;
  /** Commands in one answer of `GET /v1/commands`. */
  maxCommands: number;
  /** Readers of `GET /v1/events`. */
  maxEventStreams: number;
  /** Those of one address (IPv6: one /64). */
  maxEventStreamsPerAddress: number;
}

export const DEFAULT_LIMITS: RegistryLimits = {
  maxFrameBytes: 49_152, // a record, a grant and a proof, each at its longest
  maxSessions: 25_000,
  maxUnknownPerAddress: 64,
  loginMs: 5_000,
  maxLoginsAtOnce: 256,
  sessionsPerMinute: 600,
  requestsPerMinute: 3_000,
  framesPerMinute: 120,
  leaseMs: 40_000,
  graceMs: 10_000,
  restartGraceMs: 45_000, // a client's longest wait between two attempts, and the time to log in
  maxNames: 100_000,
  maxNamesPerKey: 4,
  maxPage: 200,
  maxCommands: 100,
  maxEventStreams: 1_000,
  maxEventStreamsPerAddress: 100, // a class behind one router, each with the page open
};
