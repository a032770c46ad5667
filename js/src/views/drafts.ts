/** What a person has typed into the cards of a view and not sent yet. */
import type { CheckpointRow } from "../model";

export interface Draft {
  feedback: string;
  /** Null while nothing was written. */
  modifications: string | null;
  /** The option it was last sent with. */
  sentWith: string | null;
}

export class Drafts {
  readonly #drafts = new Map<string, Draft>();

  of(id: string): Readonly<Draft> {
    return this.#drafts.get(id) ?? { feedback: "", modifications: null, sentWith: null };
  }

  write(id: string, change: Partial<Draft>): void {
    this.#drafts.set(id, { ...this.of(id), ...change });
  }

  drop(id: string): void {
    this.#drafts.delete(id);
  }

  /** The feedback as it is sent; null for none. */
  feedback(id: string): string | null {
    return this.of(id).feedback.trim() || null;
  }

  /** Whether something was typed for a question that has closed without it. */
  isStranded(row: CheckpointRow): boolean {
    const { feedback, modifications, sentWith } = this.of(row.id);
    if (feedback.trim() === "" && (modifications ?? "").trim() === "") return false;
    return !(row.decided_by === "you" && sentWith !== null && row.answer === sentWith);
  }
}
