/** The clocks of a run: the kernel's, the server's, and the browser's. All times are epoch milliseconds. */
import type { Env } from "../page/env";
import type { Head } from "./contract";

/** The rate at which an estimate of the kernel's clock follows delayed messages. */
const SLOWLY = 0.1;

export class Clocks {
  readonly #env: Env;
  readonly #head: () => Head | null;
  /** Kernel clock minus browser clock, milliseconds. */
  #skew: number | null = null;
  /** The time of the kernel's last report of its time, by the browser's clock. */
  #syncedAt: number;
  #stoppedAt: number | null = null;
  /** The picture is of the past: deadlines stand still, too. */
  #recorded = false;

  constructor(env: Env, head: () => Head | null) {
    this.#env = env;
    this.#head = head;
    this.#syncedAt = env.now();
  }

  /** The time by the kernel's clock; stands still without a kernel. */
  now(): number {
    return this.#stoppedAt ?? this.running();
  }

  /** The time by the kernel's clock, which goes on when the kernel is gone. */
  running(): number {
    const replay = this.#head()?.replay;
    if (!replay) return this.localNow() + (this.#skew ?? 0);
    // The time of a recording runs at its speed, and stands still with it.
    const passed = replay.playing ? (this.localNow() - this.#syncedAt) * replay.speed : 0;
    return this.#syncedAt + (this.#skew ?? 0) + passed;
  }

  /** The time by the server's clock. */
  serverNow(): number {
    return this.now() + this.#offset();
  }

  /** As `serverNow`, for deadlines: the server goes on counting when the kernel is gone. */
  dueNow(): number {
    return (this.#recorded ? this.now() : this.running()) + this.#offset();
  }

  /** A time of the server's clock by the browser's: in a picture of the past, by the kernel's of that time. */
  here(at: number): number {
    const past = this.#head()?.replay || this.#recorded;
    return at - (past ? this.#offset() : this.dueNow() - this.localNow());
  }

  /** The time by the browser's clock. */
  localNow(): number {
    return this.#env.now();
  }

  /** Takes the time of a message of the kernel. */
  sync(now: number): void {
    this.#syncedAt = this.localNow();
    const skew = now - this.#syncedAt;
    const known = this.#skew;
    // A delayed message makes the kernel's clock look late: the estimate trusts quick ones, and forgets slowly.
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
