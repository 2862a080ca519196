/** The role: what a machine needs once, its registry and the bots of the folder, is run by one peer of a home at a time. */
import { takeLock } from "../base/file-lock.ts";
import type { Timer, World } from "../base/world.ts";

/** In a home: whose holder has the role. */
export const ROLE_LOCK = "role.lock";

const LOOK_MS = 1_000;

export interface RoleOptions {
  home: string;
  world: World;
  /** Makes sure that a registry runs; resolves to whether one does. Called again and again until it does. */
  ensureRegistry: () => Promise<boolean>;
  /** Called once, when the role has been taken. */
  startBots: () => void;
}

export class Role implements Disposable {
  readonly #options: RoleOptions;
  #lock: Disposable | undefined;
  #hasRegistry = false;
  #looking: Promise<void> | undefined;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: RoleOptions) {
    this.#options = options;
  }

  get isHeld(): boolean {
    return this.#lock !== undefined;
  }

  /** Looks now, and then every second, whether the role is free. Resolves after the first look. */
  async start(): Promise<void> {
    await this.#look();
    this.#lookAgain();
  }

  /** The registry no longer answers: perhaps its holder is gone. */
  registryLost(): void {
    this.#hasRegistry = false;
    void this.#look().catch(this.#ignore);
  }

  /** Gives the role back. What was started for it must be closed before. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#timer?.[Symbol.dispose]();
    this.#lock?.[Symbol.dispose]();
  }

  #look(): Promise<void> {
    this.#looking ??= this.#takeUp().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #takeUp(): Promise<void> {
    if (this.#isClosed) return;
    const isNew = this.#lock === undefined;
    this.#lock ??= takeLock(this.#options.home, ROLE_LOCK);
    if (!this.#lock) return;
    if (!this.#hasRegistry) this.#hasRegistry = await this.#options.ensureRegistry();
    if (isNew && !this.#isClosed) this.#options.startBots();
  }

  #lookAgain(): void {
    if (this.#isClosed) return;
    this.#timer = this.#options.world.clock.after(LOOK_MS, () => {
      void this.#look()
        .catch(this.#ignore)
        .finally(() => this.#lookAgain());
    });
  }

  readonly #ignore = (): void => {}; // the next look, a second later, finds out whether it still fails
}
