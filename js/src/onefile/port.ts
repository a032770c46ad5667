/** The port of a panel without a kernel: the file answers, and plays the run. */
import type { FromKernel, Head, ReplayCommand, ToKernel } from "../kernel/contract";
import { markedMessage } from "../kernel/marks";
import type { Cancel, Env } from "../page/env";
import { Answers } from "./answers";
import type { RunData } from "./data";
import { PagePort } from "./page-port";
import { RunAt } from "./run";

const TICK_MS = 200;
const BEAT_MS = 1000;

export class FilePort extends PagePort {
  readonly #data: RunData;
  readonly #env: Env;
  readonly #run: RunAt;
  readonly #answers: Answers;
  readonly #stops = new Set<Cancel>();
  #version = 1;
  #position: number;
  #speed = 1;
  /** The time of the last step while it plays. */
  #playedAt: number | null = null;

  constructor(data: RunData, env: Env) {
    super();
    this.#data = data;
    this.#env = env;
    this.#run = new RunAt(data);
    this.#answers = new Answers(data, this.#run);
    this.#position = data.duration_s;
    this.#every(BEAT_MS, () =>
      this.#emit({ kind: "heartbeat", version: this.#version, now: this.#now, subshell: true }),
    );
    this.#every(TICK_MS, () => this.#step());
  }

  send(message: ToKernel): boolean {
    this.#after(0, () => this.#take(message));
    return true;
  }

  dispose(): void {
    for (const stop of this.#stops) stop();
  }

  #take(message: ToKernel): void {
    if (message.kind === "ready" || message.kind === "snapshot") this.#snapshot();
    else if (message.kind === "replay") {
      this.#control(message);
      this.#emit({ kind: "answer", id: message.id, ok: true, error: null });
    } else this.#emit(this.#answers.to(message));
  }

  #control({ action, value }: ReplayCommand): void {
    const number = Number(value);
    if (action === "play") {
      if (this.#position >= this.#data.duration_s) this.#position = 0;
      this.#playedAt = this.#env.now();
    } else if (action === "pause") this.#playedAt = null;
    else if (action === "seek") this.#position = Math.min(Math.max(0, number || 0), this.#data.duration_s);
    else if (action === "speed") this.#speed = number || 0;
    this.#show();
  }

  #step(): void {
    if (this.#playedAt === null) return;
    const now = this.#env.now();
    const seconds = this.#speed === 0 ? Number.POSITIVE_INFINITY : ((now - this.#playedAt) / 1000) * this.#speed;
    this.#playedAt = now;
    this.#position = Math.min(this.#position + seconds, this.#data.duration_s);
    this.#show();
  }

  /** Shows the position: the picture of another moment, or the scrubber alone. */
  #show(): void {
    if (this.#position >= this.#data.duration_s) this.#playedAt = null;
    if (this.#run.seek(this.#position)) {
      this.#version += 1;
      this.#snapshot();
      return;
    }
    const base = this.#version++;
    this.#emit({ kind: "patch", base, version: this.#version, now: this.#now, changes: { head: this.#head } });
  }

  #snapshot(): void {
    const picture = this.#run.picture(this.#head);
    this.#emit({ kind: "snapshot", version: this.#version, now: this.#now, picture });
  }

  get #head(): Partial<Head> {
    const { duration_s } = this.#data;
    const playing = this.#playedAt !== null;
    const over = this.#position >= duration_s;
    const replay = { position_s: this.#position, duration_s, speed: this.#speed, playing, over };
    return { protocol: "file", commands: [], replay, replay_marks: this.#data.marks };
  }

  /** The run's time at the position. */
  get #now(): number {
    const { moment } = this.#run;
    return moment.now + (this.#position - moment.position_s) * 1000;
  }

  #emit(message: FromKernel): void {
    this.emit(markedMessage(message));
  }

  #after(ms: number, work: () => void): void {
    const stop = this.#env.later(ms, () => {
      this.#stops.delete(stop);
      work();
    });
    this.#stops.add(stop);
  }

  #every(ms: number, work: () => void): void {
    this.#after(ms, () => {
      work();
      this.#every(ms, work);
    });
  }
}
