/** The connection of a page to its kernel: whether messages get through, and the signs by which a kernel that is gone shows. */
import type { Cancel, Env } from "../page/env";
import type { Clocks } from "./clock";
import type { FromKernel, ToKernel } from "./contract";
import type { Port } from "./port";

/**
 * Who is at the other end. `waiting`: just opened; `attached`: the kernel talks; `silent`: it did, but not for some seconds;
 * `recorded`: a saved notebook, nobody ever answered; `gone`: the kernel was restarted or shut down.
 */
export type Attachment = "waiting" | "attached" | "silent" | "recorded" | "gone";

const READY_MS = [0, 400, 1200];
const RECORDED_MS = 3200;
const SILENT_MS = 5000;
const CHECK_MS = 1000;
/** How often a silent kernel is spoken to: one that is gone shows by it. */
const PROBE_MS = 10_000;
/** A kernel that is idle answers at once: one that has not by then is not the one that knows us. */
const IDLE_MS = 3000;

interface Surroundings {
  /** The version that a "ready" reports. */
  have: () => number;
  /** The kernel sends a heartbeat each second, as it does only while the link lives. */
  beats: () => boolean;
  changed: () => void;
}

export class Connection {
  attachment: Attachment = "waiting";
  readonly #port: Port;
  readonly #env: Env;
  readonly #clocks: Clocks;
  readonly #around: Surroundings;
  readonly #stop: Cancel;
  /** What closes each open view. */
  readonly #views = new Set<Cancel>();
  #receivedAt: number;
  #probedAt = -Number.POSITIVE_INFINITY;
  /** The first message since one of the kernel came in; every message of ours is answered by something. */
  #unansweredSince: number | null = null;
  #check: Cancel | null = null;

  constructor(port: Port, env: Env, clocks: Clocks, around: Surroundings) {
    this.#port = port;
    this.#env = env;
    this.#clocks = clocks;
    this.#around = around;
    this.#receivedAt = env.now();
    this.#stop = port.onKernel(() => this.#onKernel());
  }

  /** A request could be answered: there is a kernel, as far as we know. */
  get reachable(): boolean {
    return this.#known() || this.attachment === "waiting";
  }

  /** A view opens: says "ready" and keeps an eye on the kernel until the returned function is called. */
  open(): Cancel {
    if (this.#views.size === 0) this.#watchKernel();
    const timers = READY_MS.map((ms) => this.#env.later(ms, () => this.#ready()));
    const close = () => {
      if (!this.#views.delete(close)) return;
      for (const cancel of timers) cancel();
      if (this.#views.size === 0) this.#check?.();
    };
    this.#views.add(close);
    return close;
  }

  send(message: ToKernel): boolean {
    const sent = this.#port.send(message);
    if (!sent) this.#attach("gone");
    else this.#unansweredSince ??= this.#env.now();
    return sent;
  }

  /** A message of the kernel came in. */
  note(message: FromKernel): void {
    this.#receivedAt = this.#env.now();
    this.#unansweredSince = null;
    this.#attach("attached");
    if ("now" in message) this.#clocks.sync(message.now);
  }

  dispose(): void {
    this.#stop();
    for (const close of this.#views) close();
  }

  #known(): boolean {
    return this.attachment === "attached" || this.attachment === "silent";
  }

  #ready(): void {
    this.#probedAt = this.#env.now();
    this.send({ kind: "ready", have: this.#around.have() });
  }

  /** The host says that there is another kernel now, or none. */
  #onKernel(): void {
    const kernel = this.#port.kernel();
    if (this.#known() && (kernel === "fresh" || kernel === "dead")) this.#attach("gone");
  }

  /** Some restarts are reported by nobody: then an idle kernel does not answer. */
  #isDeaf(): boolean {
    const since = this.#unansweredSince;
    return since !== null && this.#env.now() - since > IDLE_MS && this.#port.kernel() === "idle";
  }

  #attach(attachment: Attachment): void {
    if (this.attachment === attachment) return;
    const recorded = attachment === "recorded";
    const gone = attachment === "gone" ? this.#clocks.now() : null;
    this.#clocks.stop(recorded ? (this.#port.picture()?.now ?? null) : gone, recorded);
    this.attachment = attachment;
    this.#around.changed();
  }

  #watchKernel(): void {
    const opened = this.#env.now();
    const look = () => {
      const now = this.#env.now();
      if (this.attachment === "waiting" && now - opened >= RECORDED_MS) this.#attach("recorded");
      const beats = this.#around.beats();
      if (this.attachment === "attached" && beats && now - this.#receivedAt > SILENT_MS) this.#attach("silent");
      if (this.attachment === "silent" && now - this.#probedAt >= PROBE_MS) this.#ready();
      if (this.#known() && this.#isDeaf()) this.#attach("gone");
      this.#check = this.#env.later(CHECK_MS, look);
    };
    this.#check = this.#env.later(CHECK_MS, look);
  }
}
