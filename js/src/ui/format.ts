/** Numbers, durations, sizes and times as people read them. `null` is unknown and shows as a dash. */

export const UNKNOWN = "–";

/** 34500 → "34,500". */
export function count(value: number | null): string {
  return value === null ? UNKNOWN : Math.round(value).toLocaleString("en-US");
}

/** A share in percent, rounded down so that 100 % means done: 99.9 → "99%". */
export function percent(value: number | null): string {
  return value === null ? UNKNOWN : `${wholePercent(value)}%`;
}

export function wholePercent(value: number): number {
  return Math.floor(Math.min(100, Math.max(0, value)) + 1e-9);
}

/** Seconds: 623 → "10m 23s", 0.42 → "420ms", 90061 → "1d 1h". */
export function duration(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds)) return UNKNOWN;
  const s = Math.max(0, seconds);
  if (s === 0) return "0s";
  if (s < 0.9995) return `${Math.max(1, Math.round(s * 1000))}ms`;
  if (s < 9.95) return `${s.toFixed(1).replace(/\.0$/, "")}s`;
  return coarse(Math.round(s));
}

/** Whole seconds, for clocks that tick: 9.7 → "9s", 3700 → "1h 1m". */
export function ticking(seconds: number | null): string {
  return seconds === null ? UNKNOWN : coarse(Math.max(0, Math.floor(seconds)));
}

function coarse(s: number): string {
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m ${pad(s % 60)}s`;
  if (s < 86_400) return `${Math.floor(s / 3600)}h ${pad(Math.floor((s % 3600) / 60))}m`;
  return `${Math.floor(s / 86_400)}d ${Math.floor((s % 86_400) / 3600)}h`;
}

/** Seconds until something happens: 272 → "4:32", 3700 → "1:01:40". */
export function countdown(seconds: number): string {
  const s = Math.max(0, Math.ceil(seconds));
  const minutes = Math.floor(s / 60) % 60;
  const hours = Math.floor(s / 3600);
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(s % 60)}` : `${minutes}:${pad(s % 60)}`;
}

/** Bytes, base 1024, one decimal: 2150 → "2.1 KB". */
export function size(bytes: number | null): string {
  if (bytes === null) return UNKNOWN;
  if (bytes < 1024) return `${Math.round(bytes)} B`;
  let value = bytes / 1024;
  for (const unit of ["KB", "MB", "GB"]) {
    if (value < 1023.95) return `${value.toFixed(1)} ${unit}`;
    value /= 1024;
  }
  return `${value.toFixed(1)} TB`;
}

/** US dollars: 0.4217 → "$0.42", 0.0031 → "$0.0031". */
export function dollars(value: number | null): string {
  if (value === null) return UNKNOWN;
  const digits = value !== 0 && Math.abs(value) < 0.01 ? 4 : 2;
  return `$${value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}

/** Epoch milliseconds as local wall time: "14:03:22". */
export function clock(at: number | null): string {
  if (at === null) return UNKNOWN;
  const time = new Date(at);
  return `${pad(time.getHours())}:${pad(time.getMinutes())}:${pad(time.getSeconds())}`;
}

/** Epoch milliseconds as local wall time: "14:03:22.042". */
export function preciseClock(at: number | null): string {
  return at === null ? UNKNOWN : `${clock(at)}.${String(at % 1000).padStart(3, "0")}`;
}

/** Epoch milliseconds in full, for tooltips. */
export function moment(at: number | null): string | undefined {
  return at === null ? undefined : new Date(at).toISOString().replace("T", " ").replace("Z", " UTC");
}

/** "1 task", "3 tasks". */
export function plural(n: number, noun: string): string {
  return `${count(n)} ${noun}${n === 1 ? "" : "s"}`;
}

function pad(n: number): string {
  return String(n).padStart(2, "0");
}
