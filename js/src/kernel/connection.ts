/** The connection of a page to its kernel: its state, and the signs of a kernel that is gone. */
import type { Cancel, Env } from "../page/env";
import type { Clocks } from "./clock";
import type { FromKernel, ToKernel } from "./contract";
import type { Port } from "./port";

/**
 * The state of the kernel's end. `waiting`: just opened; `attached`: messages come; `silent`: messages came, but not
 * for some seconds; `recorded`: a saved notebook, no message ever came; `gone`: the kernel was restarted or shut down.
 */
export type Attachment = "waiting" | "attached" | "silent" | "recorded" | "gone";

/** The last one comes when the view stands: the kernel may then withdraw it from the output. */
const READY_MS = [0, 400, 1200, 3000];
const RECORDED_MS = 3200;
const SILENT_MS = 5000;
const CHECK_MS = 1000;
/** The interval of messages to a silent kernel: their failure shows that it is gone. */
const PROBE_MS = 10_000;
/** An idle kernel answers at once: one that has not by then is another kernel. */
const IDLE_MS = 3000;

interface Surroundings {
  /** The version that a "ready" reports. */
  have: () => number;
  /** True while the kernel sends a heartbeat each second, as it does only while the link lives. */
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
  /** Functions that close each open view. */
  readonly #views = new Set<Cancel>();
  #receivedAt: number;
  #probedAt = -Number.POSITIVE_INFINITY;
  /** The time of the first unanswered message; every message of ours has an answer. */
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

  /** True if a request could be answered: there is a kernel, as far as known. */
  get reachable(): boolean {
    return this.#known() || this.attachment === "waiting";
  }

  /** Opens a view: sends "ready" and watches the kernel until the returned function is called. */
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
    this.send({ kind: "ready", have: this.#around.have(), places: this.#port.replaces() });
  }

  /** The host reports another kernel, or none. */
  #onKernel(): void {
    const kernel = this.#port.kernel();
    if (this.#known() && (kernel === "fresh" || kernel === "dead")) this.#attach("gone");
  }

  /** True if an idle kernel does not answer: some restarts are not reported. */
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
