/** The state of an answer, in words. No sentence here may claim more than is known. */

import type { CheckpointRow } from "../kernel/contract";
import { marked } from "../kernel/marks";
import { isOpen, type Submission } from "../state/submissions";

export interface AnswerFacts {
  row: CheckpointRow;
  submission: Submission | undefined;
  /** The reason why no answer can be sent; null when one can. */
  blocked: string | null;
  /** The kernel has said nothing for some seconds. */
  silent: boolean;
  /** The host says that the kernel is idle. */
  idle: boolean;
  /** The time is up by the server's clock. */
  late: boolean;
  /** The option of an answer that was unlocked and may still be on its way. */
  unlocked: string | null;
}

export type Tone = "quiet" | "running" | "paused" | "failed";

export interface Words {
  text: string;
  tone: Tone;
}

const NOTHING: Words = { text: "", tone: "quiet" };

/** The card's words about an answer to an open question. */
export function answerState(at: AnswerFacts): Words {
  const { row, submission, blocked, unlocked } = at;
  if (blocked !== null) return { text: `${blocked}${unconfirmed(row, submission)}`, tone: "paused" };
  if (submission && submission.phase !== "lost") return submitted(at, submission);
  const words = delivered(row, at.late);
  if (unlocked === null || row.delivery !== null) return words;
  const earlier = `Your earlier answer ${labelOf(row, unlocked)} may still go out when the kernel is free; the first one counts.`;
  return { text: `${words.text} ${earlier}`.trim(), tone: "paused" };
}

/** The state of an answer that the kernel's end leaves open. */
function unconfirmed(row: CheckpointRow, submission: Submission | undefined): string {
  const option = submission?.option ?? (row.status === "sending" ? row.answer : null);
  if (!option || submission?.phase === "refused") return "";
  return ` Your answer ${labelOf(row, option)} was not confirmed: it may or may not have reached the server.`;
}

function submitted({ row, silent, idle, late, unlocked }: AnswerFacts, submission: Submission): Words {
  const label = labelOf(row, submission.option);
  switch (submission.phase) {
    case "sending":
    case "taken":
      return { text: `${label}: sending…`, tone: "running" };
    case "refused":
      if (row.form && submission.fields) {
        return { text: `${label} was not sent: the values do not fit, as the form says.`, tone: "failed" };
      }
      return {
        text: `${label} was refused: ${sentence(submission.error ?? "the kernel did not say why")}`,
        tone: "failed",
      };
    default: {
      if (late) {
        return {
          text: `Too late: the time was up before the kernel was free. Your answer ${label} will not be sent.`,
          tone: "failed",
        };
      }
      if (submission.phase === "stuck" && idle && !silent) {
        // JupyterLab may go on talking to a part of a kernel that was restarted: until the page is loaded again.
        const says = `${label} – not taken, although the kernel seems to be idle.`;
        return { text: `${says} If no cell is running, reload the page and answer again.`, tone: "paused" };
      }
      const unless = row.deadline === null ? "" : ", unless the time is up by then";
      const first = unlocked === null ? "" : ` Your earlier answer ${labelOf(row, unlocked)} goes out first.`;
      const dead = silent ? " If the kernel was restarted, run the cell again." : "";
      const says = `${label} – kernel busy: your answer is queued in this browser; it goes out as soon as the kernel is free${unless}.`;
      return { text: `${says}${first}${dead}`, tone: "paused" };
    }
  }
}

function delivered(row: CheckpointRow, late: boolean): Words {
  const label = labelOf(row, row.answer ?? row.decision) ?? "Your answer";
  switch (row.delivery) {
    case "queued":
      if (row.error) return { text: `${label}: ${sentence(row.error)}`, tone: "paused" };
      return {
        text: `${label}: sending… waiting for the connection; it goes out when the link is back${row.deadline === null ? "" : ", unless the time is up by then"}.`,
        tone: "paused",
      };
    case "sent":
      return { text: `${label}: sending… waiting for the server`, tone: "running" };
    case "acknowledged":
    case "applied":
      return { text: `${label}: ${row.delivery}`, tone: "running" };
    case "refused":
      return {
        text: `${label} was refused: ${sentence(row.error ?? "the server did not say why")}${late ? "" : " You may choose again."}`,
        tone: "failed",
      };
    case "unknown":
      return {
        text: `${label} – unknown: ${sentence(row.error ?? "the connection was lost before the server answered")}${late ? "" : " You may answer again: the first answer that reached the server counts."}`,
        tone: "paused",
      };
    default:
      return late ? { text: lateText(row), tone: "quiet" } : row.error ? { text: row.error, tone: "quiet" } : NOTHING;
  }
}

function lateText(row: CheckpointRow): string {
  const label = labelOf(row, row.default_action);
  const goes = label ? `The run should go on with ${label}; the server has not said so yet.` : "";
  return `Too late: the time is up. ${goes}`.trim();
}

/** The end of a question: its decision, its decider, and the outcome of an answer from here that did not count. */
export function ending(row: CheckpointRow, submission?: Submission): string {
  return `${decided(row)}${overtaken(row, submission)}`;
}

function decided(row: CheckpointRow): string {
  const label = labelOf(row, row.decision) ?? "decided";
  switch (row.decided_by) {
    case "timeout":
      return `${label}, by default when the time was up.`;
    case "other":
      return `${label}, decided elsewhere.`;
    case "policy":
      return `${label}, decided by your policy.`;
    case "you":
      return `${label}, decided by you${row.delivery === "acknowledged" ? "; the server has acknowledged it" : ""}.`;
    default:
      if (row.status === "expired") return sentence(row.error ?? "the time is up");
      return row.decision ? `${label}, decided.` : "Decided; nobody has said what.";
  }
}

function overtaken(row: CheckpointRow, submission: Submission | undefined): string {
  if (submission?.phase === "lost") return ` Your answer ${labelOf(row, submission.option)} was not sent.`;
  if (row.answer === null || row.decided_by === "you" || row.decided_by === "policy" || isOpen(row)) return "";
  const label = labelOf(row, row.answer);
  switch (row.delivery) {
    case "refused":
      return ` Your answer ${label} was refused.`;
    case "expired":
      return ` Your answer ${label} came too late.`;
    default:
      return "";
  }
}

export function labelOf(row: CheckpointRow, id: string | null): string | null {
  if (id === "") return "Your words";
  return row.options.find((option) => option.id === id)?.label ?? (id && marked(id));
}

/** The reason why a command to a replay was not carried out. */
export function notDone(error: string | null): string {
  return `Not done: ${sentence(error ?? "the kernel did not say why")}`;
}

/** The text with a full stop at its end, which messages of servers often lack. */
function sentence(text: string): string {
  const trimmed = text.trim();
  return /[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}
