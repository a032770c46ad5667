/** The clocks of a run: the kernel's, the server's, and the browser's. All times are epoch milliseconds. */
import type { Env } from "../page/env";
import type { Head } from "./contract";

/** How fast an estimate of the kernel's clock follows messages that were long under way. */
const SLOWLY = 0.1;

export class Clocks {
  readonly #env: Env;
  readonly #head: () => Head | null;
  /** Kernel clock minus browser clock, milliseconds. */
  #skew: number | null = null;
  /** When the kernel last reported its time, by the browser's clock. */
  #syncedAt: number;
  #stoppedAt: number | null = null;
  /** The picture is of the past: deadlines stand still, too. */
  #recorded = false;

  constructor(env: Env, head: () => Head | null) {
    this.#env = env;
    this.#head = head;
    this.#syncedAt = env.now();
  }

  /** By the kernel's clock; stands still when nobody is there whose time it could be. */
  now(): number {
    return this.#stoppedAt ?? this.running();
  }

  /** By the kernel's clock, which goes on when the kernel is gone. */
  running(): number {
    const replay = this.#head()?.replay;
    if (!replay) return this.localNow() + (this.#skew ?? 0);
    // The time of a recording goes with its speed, and stands still with it.
    const passed = replay.playing ? (this.localNow() - this.#syncedAt) * replay.speed : 0;
    return this.#syncedAt + (this.#skew ?? 0) + passed;
  }

  /** By the server's clock. */
  serverNow(): number {
    return this.now() + this.#offset();
  }

  /** As `serverNow`, for deadlines: the server goes on counting when the kernel is gone. */
  dueNow(): number {
    return (this.#recorded ? this.now() : this.running()) + this.#offset();
  }

  /** A time of the server's clock by the browser's: in a picture of the past, by the kernel's then. */
  here(at: number): number {
    const past = this.#head()?.replay || this.#recorded;
    return at - (past ? this.#offset() : this.dueNow() - this.localNow());
  }

  /** By the browser's clock. */
  localNow(): number {
    return this.#env.now();
  }

  /** Takes the time of a message of the kernel. */
  sync(now: number): void {
    this.#syncedAt = this.localNow();
    const skew = now - this.#syncedAt;
    const known = this.#skew;
    // A message that was long under way makes the kernel's clock look late: trust the quick ones, forget slowly.
    const exact = known === null || skew > known || this.#head()?.replay;
    this.#skew = exact ? skew : known + (skew - known) * SLOWLY;
  }

  /** Stands still at a time; null goes on. */
  stop(at: number | null, recorded: boolean): void {
    this.#stoppedAt = at;
    this.#recorded = recorded;
  }

  #offset(): number {
    return this.#head()?.clock_offset ?? 0;
  }
}
