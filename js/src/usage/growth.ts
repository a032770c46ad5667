/** The growth of a run as curves: totals over time, their rate, and where they lead. Unknown values stay gaps. */

import { remaining } from "../ui/estimate";

/** A total at a time, epoch milliseconds; null is unknown. */
export interface Point {
  readonly at: number;
  readonly value: number | null;
}

/** A rate between two times, per minute; null is unknown. */
export interface Rate {
  readonly from: number;
  readonly to: number;
  readonly value: number | null;
}

const MOST_RATES = 40;
const LEAST_RATE_MS = 10_000;
/** The pace that leads on is that of the last quarter of the run, at least of this many milliseconds. */
const LEAST_PACE_MS = 20_000;

/** The total at a time: between two known ones a share of both, behind the last one that. */
export function totalAt(points: readonly Point[], at: number): number | null {
  const next = points.findIndex((point) => point.at >= at);
  if (next < 0) return points.at(-1)?.value ?? null;
  const after = points[next] as Point;
  const before = points[next - 1];
  if (after.at === at) return after.value;
  if (!before || before.value === null || after.value === null) return null;
  return before.value + ((after.value - before.value) * (at - before.at)) / (after.at - before.at);
}

/** The growth per minute in equal parts of the time. A total that falls was corrected: its rate is unknown. */
export function rates(points: readonly Point[], start: number, end: number): Rate[] {
  const parts = Math.min(MOST_RATES, Math.floor((end - start) / LEAST_RATE_MS));
  const width = (end - start) / parts;
  return Array.from({ length: Math.max(0, parts) }, (_, part) => {
    const [from, to] = [start + part * width, start + (part + 1) * width];
    const [before, after] = [totalAt(points, from), totalAt(points, to)];
    const known = before !== null && after !== null && after >= before;
    return { from, to, value: known ? ((after - before) / (to - from)) * 60_000 : null };
  });
}

/** The growth per millisecond lately; null where it is unknown, or there is none. */
export function pace(points: readonly Point[], start: number, end: number): number | null {
  const since = Math.max(start, end - Math.max(LEAST_PACE_MS, (end - start) / 4));
  const [before, now] = [totalAt(points, since), totalAt(points, end)];
  if (end - since < LEAST_PACE_MS || before === null || now === null || now <= before) return null;
  return (now - before) / (end - since);
}

/** The time at which a run ends that goes on as it did so far: a bound of the header's estimate; null as there. */
export function expectedEnd(percent: number | null, start: number, now: number): number | null {
  const left = remaining(percent, (now - start) / 1000, null);
  return left && now + left[1] * 1000;
}

/** A known part of a curve, or several, as a path in a box of 1000 × 100; `top` is the value of its upper edge. */
export function linePath(points: readonly Point[], place: (at: number) => number, top: number): string {
  let path = "";
  let pen = false;
  for (const { at, value } of points) {
    if (value !== null) path += `${pen ? "L" : "M"}${x(place(at))} ${y(value, top)}${pen ? "" : "h0"}`;
    pen = value !== null;
  }
  return path;
}

/** The area below each known rate. */
export function ratePath(parts: readonly Rate[], place: (at: number) => number, top: number): string {
  return parts
    .flatMap(({ from, to, value }) =>
      value === null ? [] : [`M${x(place(from))} 100V${y(value, top)}H${x(place(to))}V100z`],
    )
    .join("");
}

const x = (share: number) => Math.round(share * 10_000) / 10;
const y = (value: number, top: number) => Math.round((1 - value / top) * 1000) / 10;

/** A round number at or above a value: one digit, or 1.5, with zeros. */
export function roundTop(value: number): number {
  if (value <= 0) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  return ([1, 1.5, 2, 3, 4, 5, 6, 8].find((factor) => factor * unit >= value * (1 - 1e-9)) ?? 10) * unit;
}
