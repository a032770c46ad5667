/** The words of a timeline: the times of a bar, in the order in which they matter. */

import type { SegmentKind, TimelineBar, TimelineLane } from "../../kernel/contract";
import { count, duration, plural } from "../../ui/format";

export const KINDS: readonly SegmentKind[] = ["queued", "working", "asked", "retrying", "paused"];

/** The words of a kind, in a sentence and in the legend. */
export const KIND_WORDS: Record<SegmentKind, string> = {
  queued: "queued",
  working: "working",
  asked: "waiting for a person",
  retrying: "retrying",
  paused: "paused",
};

/** The seconds of each kind of time, without those that do not occur. `now`: the end of what lasts. */
export function timesOf(bar: TimelineBar, now: number): [SegmentKind, number][] {
  const sums = new Map<SegmentKind, number>();
  for (const [kind, from, to] of bar.segments) {
    sums.set(kind, (sums.get(kind) ?? 0) + Math.max(0, (to ?? now) - from) / 1000);
  }
  return KINDS.filter((kind) => sums.has(kind)).map((kind) => [kind, sums.get(kind) as number]);
}

/** The seconds from a bar's start to its end. */
export function lengthOf(bar: { start: number; end: number | null }, now: number): number {
  return Math.max(0, (bar.end ?? now) - bar.start) / 1000;
}

/** The accessible name of a bar. */
export function barLabel(bar: TimelineBar, now: number): string {
  const times = timesOf(bar, now);
  const parts = [
    `${bar.name}: ${bar.status}, ${duration(lengthOf(bar, now))}`,
    ...(times.length > 1 ? times.map(([kind, seconds]) => `${KIND_WORDS[kind]} ${duration(seconds)}`) : []),
    bar.attempts !== undefined && plural(bar.attempts, "attempt"),
    bar.critical && "critical",
    bar.rank !== undefined && `number ${bar.rank} of the slowest`,
  ];
  return parts.filter(Boolean).join(", ");
}

/** The accessible name of a lane that is shown by its density. */
export function laneLabel(lane: TimelineLane): string {
  const peak = lane.density?.peak ?? 0;
  const most = peak >= 1.5 ? `, up to ${count(peak)} at once` : "";
  return `${lane.name || "All tasks"}: ${plural(lane.tasks, "task")}${most}`;
}
