/** The pace of a run, and the rest of its time: a range between the recent pace and the one so far. */

interface Sample {
  at: number;
  value: number;
}

/** The recent pace is that of the last quarter of the run, at least of this many milliseconds. */
const LEAST_WINDOW_MS = 20_000;
const MOST_SAMPLES = 120;
/** Below this share nothing is estimated. */
const LEAST_PERCENT = 2;

/** Seconds: at least, at most. */
export type Range = readonly [number, number];

/** A number that grows with time, epoch milliseconds. */
export class Pace {
  #samples: Sample[] = [];

  note(at: number, value: number | null): void {
    const last = this.#samples.at(-1);
    // Smaller than before: of another run, or counted anew.
    if (value === null || (last && value < last.value)) this.#samples = [];
    if (value === null || (last && value === last.value)) return;
    this.#samples.push({ at, value });
    if (this.#samples.length > MOST_SAMPLES) this.#samples = this.#samples.filter((_, i) => i % 2 === 0);
  }

  /** The recent growth per second; null where it has not been watched for long enough. */
  recent(now: number, elapsed_s: number): number | null {
    const since = now - Math.max(LEAST_WINDOW_MS, (elapsed_s * 1000) / 4);
    const start = this.#samples.findLast(({ at }) => at <= since);
    const newest = this.#samples.at(-1);
    return start && newest ? ((newest.value - start.value) / (now - start.at)) * 1000 : null;
  }
}

/** The remaining seconds; null where the progress tells nothing, or stands still. `recent`: percent per second. */
export function remaining(percent: number | null, elapsed_s: number, recent: number | null): Range | null {
  if (percent === null || percent < LEAST_PERCENT || percent >= 100 || elapsed_s < 5 || recent === 0) return null;
  const overall = (elapsed_s * (100 - percent)) / percent;
  const late = recent === null ? overall : (100 - percent) / recent;
  return [Math.min(overall, late), Math.max(overall, late)];
}

/** "~3m left", "3–6m left". */
export function rangeText([least, most]: Range): string {
  const [unit, text] = most < 90 ? ["s", fives] : most < 5400 ? ["m", minutes] : ["h", hours];
  const [low, high] = [text(least), text(most)];
  return low === high ? `~${high}${unit} left` : `${low}–${high}${unit} left`;
}

const fives = (seconds: number) => String(Math.max(5, Math.round(seconds / 5) * 5));
const minutes = (seconds: number) => String(Math.max(1, Math.round(seconds / 60)));
const hours = (seconds: number) => Math.max(0.1, seconds / 3600).toFixed(1);
