/**
 * Answers given on this page. A submission locks its checkpoint in every view of the run at once; once the kernel has
 * it, the checkpoint's own row shows the rest.
 */

import type { Answer, CheckpointRow, ToKernel } from "../kernel/contract";
import type { Cancel, Env } from "../page/env";

export interface Submission {
  readonly id: string;
  readonly option: string;
  /**
   * `stuck`: no answer for so long that the person may unlock. `lost`: another answer came first; this one never
   * counts.
   */
  readonly phase: "sending" | "queued" | "stuck" | "taken" | "refused" | "lost";
  readonly error: string | null;
  /** The reason for each field of the form whose value was refused and not changed since, by its key; null for none. */
  readonly fields: FieldErrors | null;
}

export type FieldErrors = Readonly<Record<string, string>>;

interface Entry {
  submission: Submission;
  /** The row when pressed: a different later row takes over. */
  seen: string;
  cancel: Cancel;
}

interface Surroundings {
  /** Epoch milliseconds by the kernel's clock. */
  now: () => number;
  changed: () => void;
}

const QUEUED_MS = 1500;
const STUCK_MS = 20_000;
/** After the kernel's "taken" the row follows within a patch; a row that never changes is final. */
const TAKEN_MS = 5000;

export class Submissions {
  readonly #env: Env;
  readonly #send: (message: ToKernel) => boolean;
  readonly #around: Surroundings;
  readonly #entries = new Map<string, Entry>();
  /** Options of unlocked answers, by their checkpoints. */
  readonly #unlocked = new Map<string, string>();

  constructor(env: Env, send: (message: ToKernel) => boolean, around: Surroundings) {
    this.#env = env;
    this.#send = send;
    this.#around = around;
  }

  get(checkpoint: string): Submission | undefined {
    return this.#entries.get(checkpoint)?.submission;
  }

  /** The option of an answer that was unlocked and may still be on its way. */
  unlocked(checkpoint: string): string | null {
    return this.#unlocked.get(checkpoint) ?? null;
  }

  /** Sends a decision; false when one is on its way already, or cannot be sent. */
  submit(row: CheckpointRow, answer: Answer<string>): boolean {
    if (isLocked(row, this.get(row.id))) return false;
    const id = this.#env.id();
    this.#entries.get(row.id)?.cancel();
    const at = Math.round(this.#around.now());
    if (!this.#send({ kind: "decide", id, checkpoint: row.id, answer, at })) return false;
    const submission: Submission = { id, option: answer.option, phase: "sending", error: null, fields: null };
    this.#entries.set(row.id, { submission, seen: says(row), cancel: () => {} });
    this.#after(row.id, QUEUED_MS, () => {
      this.#move(row.id, "queued");
      this.#after(row.id, STUCK_MS - QUEUED_MS, () => this.#move(row.id, "stuck"));
    });
    this.#around.changed();
    return true;
  }

  /** Refuses an answer before it is sent: the values of its form cannot be. */
  refuse(row: CheckpointRow, option: string, fields: FieldErrors): void {
    if (isLocked(row, this.get(row.id))) return;
    this.#entries.get(row.id)?.cancel();
    const submission: Submission = { id: this.#env.id(), option, phase: "refused", error: null, fields };
    this.#entries.set(row.id, { submission, seen: says(row), cancel: () => {} });
    this.#around.changed();
  }

  /** A person changed a field: what was said of its value is over. */
  edit(checkpoint: string, isOf: (key: string) => boolean): void {
    const entry = this.#entries.get(checkpoint);
    const fields = entry?.submission.fields;
    if (!entry || !fields || !Object.keys(fields).some(isOf)) return;
    const left = Object.entries(fields).filter(([key]) => !isOf(key));
    if (left.length === 0) {
      this.#drop(checkpoint);
      return;
    }
    entry.submission = { ...entry.submission, fields: Object.fromEntries(left) };
    this.#around.changed();
  }

  /** Takes the kernel's acceptance or refusal of the request. */
  answer(id: string, ok: boolean, error: string | null, fields: FieldErrors | null = null): void {
    for (const [checkpoint, entry] of this.#entries) {
      if (entry.submission.id !== id) continue;
      entry.cancel();
      this.#move(checkpoint, ok ? "taken" : entry.submission.phase === "lost" ? "lost" : "refused", error, fields);
      if (ok) this.#after(checkpoint, TAKEN_MS, () => this.#drop(checkpoint));
    }
  }

  /** The checkpoint's row came in: if it is different, it takes over from the submission. */
  follow(row: CheckpointRow): void {
    const entry = this.#entries.get(row.id);
    if (row.status !== "pending") this.#unlocked.delete(row.id);
    if (!entry || says(row) === entry.seen) return;
    const { option, phase } = entry.submission;
    const waits = phase === "sending" || phase === "queued" || phase === "stuck";
    if (!isOpen(row) && row.answer !== option && phase !== "taken") {
      // An answer of another view, of another person or the time-out came first: ours was not taken, so it never will
      // be.
      entry.cancel();
      this.#move(row.id, "lost", entry.submission.error);
    } else if (isOpen(row) && row.answer !== option && (waits || (phase === "refused" && row.status === "sending"))) {
      // About another view's answer; the outcome of ours comes with the kernel's answer to it.
      entry.seen = says(row);
    } else {
      this.#drop(row.id);
    }
  }

  /** The person gave up waiting. */
  unlock(checkpoint: string): void {
    const submission = this.get(checkpoint);
    if (submission?.phase !== "stuck") return;
    this.#unlocked.set(checkpoint, submission.option);
    this.#drop(checkpoint);
  }

  clear(): void {
    for (const entry of this.#entries.values()) entry.cancel();
    this.#entries.clear();
  }

  #after(checkpoint: string, ms: number, work: () => void): void {
    const entry = this.#entries.get(checkpoint);
    if (entry) entry.cancel = this.#env.later(ms, work);
  }

  #move(
    checkpoint: string,
    phase: Submission["phase"],
    error: string | null = null,
    fields: FieldErrors | null = null,
  ): void {
    const entry = this.#entries.get(checkpoint);
    if (!entry) return;
    entry.submission = { ...entry.submission, phase, error, fields };
    this.#around.changed();
  }

  #drop(checkpoint: string): void {
    this.#entries.get(checkpoint)?.cancel();
    this.#entries.delete(checkpoint);
    this.#around.changed();
  }
}

/** True if a person still has to answer, as far as the kernel knows. */
export function isOpen(row: CheckpointRow): boolean {
  return row.status === "pending" || row.status === "sending" || row.status === "unknown";
}

/** True if the buttons of a checkpoint are locked: it is closed, or an answer is on its way. */
export function isLocked(row: CheckpointRow, submission: Submission | undefined): boolean {
  if (!isOpen(row) || row.status === "sending") return true;
  return submission !== undefined && submission.phase !== "refused" && submission.phase !== "lost";
}

function says(row: CheckpointRow): string {
  return JSON.stringify([row.status, row.delivery, row.decision, row.error]);
}
