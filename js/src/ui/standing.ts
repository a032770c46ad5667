/** The run's standing in words: its status, its silence, the rest of its time. Nothing here claims more than is known. */
import type { Head, RunStatus } from "../kernel/contract";
import { count, ticking } from "./format";

/** A silence is odd after this many of the usual gaps, and not before `LEAST_QUIET_S`. */
const GAPS = 8;
const LEAST_QUIET_S = 15;

/** Seconds since the newest event; null before the first one and after the run's end. */
export function silence(head: Head, now: number): number | null {
  const at = head.last_event_at ?? null;
  if (at === null || head.ended_at !== null) return null;
  return Math.max(0, (now - at) / 1000);
}

/** True if the run has been silent for much longer than it usually is. */
export function isQuiet(head: Head, now: number): boolean {
  const seconds = silence(head, now);
  if (seconds === null || head.status !== "running") return false;
  return seconds > Math.max(LEAST_QUIET_S, GAPS * (head.usual_gap_s ?? 0));
}

export interface Standing {
  /** A status word, and more about it. */
  text: string;
  tone: string;
  mark: RunStatus;
}

/** The run's status for a person. `asked`: open questions that wait for an answer. */
export function standing(head: Head, now: number, asked: number): Standing {
  const plain = { tone: head.status, mark: head.status };
  switch (head.status) {
    case "pending":
      return head.link === "failed" ? { text: "not started", ...plain } : { text: "pending", ...plain };
    case "running":
      if (asked > 0) return { text: `waiting for you · ${count(asked)}`, tone: "ask", mark: "paused" };
      if (isQuiet(head, now)) {
        return { text: `quiet for ${ticking(silence(head, now))}`, tone: "paused", mark: "paused" };
      }
      return { text: "running", ...plain };
    case "completed": {
      const { cancelled = 0, failed = 0 } = head.counts;
      const rest = [failed > 0 && `${count(failed)} failed`, cancelled > 0 && `${count(cancelled)} cancelled`];
      return { text: ["completed", ...rest.filter(Boolean)].join(", "), ...plain };
    }
    case "partial":
      return head.failed_tasks > 0 ? { text: "partly failed", ...plain } : { text: "ended before all tasks", ...plain };
    default:
      return { text: head.status, ...plain };
  }
}
