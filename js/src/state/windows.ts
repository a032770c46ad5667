/** Windows of the timeline: asked of the kernel when the view has moved, or when the run has. */

import type { FromKernel, LaneKind, TimelineWindow, ToKernel } from "../kernel/contract";
import type { Cancel, Env } from "../page/env";

/** A part of the run's time and some of the rows; the times are null for the whole run. */
export interface WindowQuery {
  by: LaneKind;
  start: number | null;
  stop: number | null;
  width: number;
  first: number;
  rows: number;
}

type Got = (window: TimelineWindow | null) => void;

/** A view that moves asks when it rests... */
const SETTLE_MS = 70;
/** ...and meanwhile now and then. */
const MOVING_MS = 300;
/** A run that goes on is asked about that often. */
const NEWS_MS = 1000;
const PATIENCE_MS = 6000;

/** The requests of all views of a run. */
export class Windows {
  readonly #env: Env;
  readonly #send: (message: ToKernel) => boolean;
  readonly #asked = new Map<string, Got>();

  constructor(env: Env, send: (message: ToKernel) => boolean) {
    this.#env = env;
    this.#send = send;
  }

  /** Asks; the answer comes once, null if the kernel refused. */
  request(query: WindowQuery, got: Got): Cancel {
    const id = this.#env.id();
    this.#asked.set(id, got);
    if (!this.#send({ kind: "timeline", id, ...query })) this.#asked.delete(id);
    return () => {
      this.#asked.delete(id);
    };
  }

  /** Takes an answer; false for one to another request. */
  receive(message: Extract<FromKernel, { kind: "timeline" | "answer" }>): boolean {
    const got = this.#asked.get(message.id);
    if (!got) return false;
    this.#asked.delete(message.id);
    got(message.kind === "timeline" ? message.window : null);
    return true;
  }

  clear(): void {
    this.#asked.clear();
  }

  feed(changed: () => void): WindowFeed {
    return new WindowFeed(this.#env, (query, got) => this.request(query, got), changed);
  }
}

/** The windows of one view, the newest one at hand. */
export class WindowFeed {
  window: TimelineWindow | null = null;
  readonly #env: Env;
  readonly #request: (query: WindowQuery, got: Got) => Cancel;
  readonly #changed: () => void;
  /** The query of `window`, and the one whose answer is on its way. */
  #has: WindowQuery | null = null;
  #asked: WindowQuery | null = null;
  #wanted: WindowQuery | null = null;
  #askedAt = Number.NEGATIVE_INFINITY;
  #movedAt: number | null = null;
  #isOld = false;
  #timer: Cancel | null = null;
  #cancel: Cancel | null = null;

  constructor(env: Env, request: (query: WindowQuery, got: Got) => Cancel, changed: () => void) {
    this.#env = env;
    this.#request = request;
    this.#changed = changed;
  }

  /** The view shows this now. */
  want(query: WindowQuery): void {
    if (this.#wanted && same(this.#wanted, query)) return;
    this.#wanted = query;
    this.#movedAt ??= this.#env.now();
    this.#plan();
  }

  /** The run has changed. */
  age(): void {
    this.#isOld = true;
    if (this.#timer === null) this.#plan();
  }

  stop(): void {
    this.#timer?.();
    this.#cancel?.();
    this.#timer = null;
  }

  #plan(): void {
    this.#timer?.();
    this.#timer = null;
    const wanted = this.#wanted;
    const moved = wanted !== null && !(this.#has && same(this.#has, wanted));
    if (!moved && !this.#isOld) return;
    const now = this.#env.now();
    const since = this.#movedAt ?? now;
    const settle = this.#has ? Math.min(SETTLE_MS, Math.max(0, since + MOVING_MS - now)) : 0;
    const wait = moved ? settle : this.#askedAt + NEWS_MS - now;
    this.#timer = this.#env.later(Math.max(0, wait), () => {
      this.#timer = null;
      this.#ask();
    });
  }

  #ask(): void {
    const query = this.#wanted;
    const now = this.#env.now();
    if (!query) return;
    if (this.#asked && now - this.#askedAt < PATIENCE_MS) {
      // One at a time: the kernel answers the newest wish next.
      this.#timer = this.#env.later(SETTLE_MS, () => this.#ask());
      return;
    }
    this.#cancel?.();
    this.#isOld = false;
    this.#movedAt = null;
    this.#asked = query;
    this.#askedAt = now;
    this.#cancel = this.#request(query, (window) => {
      this.#asked = null;
      this.#has = query;
      if (window) {
        this.window = window;
        this.#changed();
      }
      this.#plan();
    });
  }
}

function same(a: WindowQuery, b: WindowQuery): boolean {
  return (Object.keys(a) as (keyof WindowQuery)[]).every((name) => a[name] === b[name]);
}
