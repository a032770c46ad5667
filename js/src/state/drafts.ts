/**
 * Unsent text in the cards of a run: one text for all views of the run. While its question is open the tab keeps it, so
 * that it survives a reload of the page.
 */

import type { CheckpointRow } from "../kernel/contract";
import type { Env } from "../page/env";
import { isOpen } from "./submissions";

/** Texts of fields as they were typed, by the keys of the fields; a group of boxes has the ticked ones. */
export type FormTexts = Readonly<Record<string, string | readonly string[]>>;

export interface Draft {
  feedback: string;
  /** Null without any text. */
  modifications: string | null;
  /** The fields of the form that were changed; null for none. */
  form: FormTexts | null;
  /** The option it was last sent with. */
  sentWith: string | null;
}

/** A draft as the tab keeps it. */
interface Kept extends Draft {
  /** The run's address and the question's id. No widget's id: a cell that is run again makes another widget. */
  question: string;
  /** The time of the question: one that is asked again is another question. */
  asked: number | null;
}

/** All panels of the page share the entry. */
const ENTRY = "runconsole.drafts.1";
const MOST = 50;
const MOST_CHARACTERS = 200_000;
const NOTHING: Draft = { feedback: "", modifications: null, form: null, sentWith: null };

interface Surroundings {
  /** The run's name from one page to the next; null if nothing may be kept. */
  run: () => string | null;
  changed: () => void;
}

export class Drafts {
  readonly #env: Env;
  readonly #around: Surroundings;
  readonly #drafts = new Map<string, Draft>();

  constructor(env: Env, around: Surroundings) {
    this.#env = env;
    this.#around = around;
  }

  of(id: string): Readonly<Draft> {
    return this.#drafts.get(id) ?? NOTHING;
  }

  write(row: CheckpointRow, change: Partial<Draft>): void {
    const draft = { ...this.of(row.id), ...change };
    this.#drafts.set(row.id, draft);
    this.#keep(row.id, isEmpty(draft) ? null : { asked: row.requested_at, ...draft });
    this.#around.changed();
  }

  drop(id: string): void {
    this.#keep(id, null);
    if (this.#drafts.delete(id)) this.#around.changed();
  }

  /** The feedback to send; null for none. */
  feedback(id: string): string | null {
    return this.of(id).feedback.trim() || null;
  }

  /** True if text was typed for a question that has closed without it. */
  isUnsent(row: CheckpointRow): boolean {
    const draft = this.of(row.id);
    if (isOpen(row) || isEmpty(draft)) return false;
    return !(row.decided_by === "you" && draft.sentWith !== null && row.answer === draft.sentWith);
  }

  /** A question's row came in: restores the tab's draft for it, and removes it when the question has closed. */
  follow(row: CheckpointRow): void {
    const question = this.#question(row.id);
    const kept = this.#kept().find((one) => one.question === question);
    if (kept && kept.asked === row.requested_at && !this.#drafts.has(row.id)) {
      const { feedback, modifications, form = null, sentWith } = kept; // older pages kept none of a form
      this.#drafts.set(row.id, { feedback, modifications, form, sentWith });
      this.#around.changed();
    }
    if (isOpen(row)) return;
    if (this.isUnsent(row)) this.#keep(row.id, null);
    else this.drop(row.id);
  }

  #question(id: string): string | null {
    const run = this.#around.run();
    return run === null ? null : `${run} ${id}`;
  }

  /** Puts the draft of a question in place of the kept one; the oldest others make room. */
  #keep(id: string, draft: Omit<Kept, "question"> | null): void {
    const question = this.#question(id);
    if (question === null) return;
    const before = this.#kept();
    const all = before.filter((one) => one.question !== question);
    if (draft !== null && sizeOf(draft) <= MOST_CHARACTERS) all.push({ question, ...draft });
    else if (all.length === before.length) return;
    while (all.length > MOST || all.reduce((sum, one) => sum + sizeOf(one), 0) > MOST_CHARACTERS) all.shift();
    this.#env.keep(ENTRY, all.length > 0 ? JSON.stringify(all) : null);
  }

  #kept(): Kept[] {
    try {
      const kept: unknown = JSON.parse(this.#env.kept(ENTRY) ?? "[]");
      return Array.isArray(kept) ? kept.filter(isKept) : [];
    } catch {
      return []; // other pages of this origin write there too: a foreign value is no draft
    }
  }
}

function isEmpty({ feedback, modifications, form }: Draft): boolean {
  return feedback.trim() === "" && (modifications ?? "").trim() === "" && Object.keys(form ?? {}).length === 0;
}

function sizeOf({ feedback, modifications, form }: Omit<Kept, "question">): number {
  return feedback.length + (modifications ?? "").length + (form ? JSON.stringify(form).length : 0);
}

function isKept(value: unknown): value is Kept {
  const { question, asked, feedback, modifications, form, sentWith } = (value ?? {}) as Record<keyof Kept, unknown>;
  return (
    typeof question === "string" &&
    typeof feedback === "string" &&
    (asked === null || typeof asked === "number") &&
    [modifications, sentWith].every((text) => text === null || typeof text === "string") &&
    (form === null || form === undefined || isForm(form))
  );
}

function isForm(value: unknown): value is FormTexts {
  const isText = (part: unknown) => typeof part === "string";
  return (
    typeof value === "object" &&
    Object.values(value as object).every((raw) => isText(raw) || (Array.isArray(raw) && raw.every(isText)))
  );
}
