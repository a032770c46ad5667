/** The small signs: status, bars, icons, text with links. */
import type { ComponentChildren } from "preact";
import type { DecisionState, RunStatus } from "../kernel/contract";
import { links } from "./ansi";
import { wholePercent } from "./format";

/** Paths in a box of 16 × 16, drawn with the current color. */
const PATHS = {
  check: "M3.5 8.5l3 3 6-7",
  cross: "M4.5 4.5l7 7m0-7l-7 7",
  pause: "M6 4.5v7m4-7v7",
  play: "M5 3.5v9l7-4.5z",
  skip: "M4 8h8",
  stop: "M4.2 11.8l7.6-7.6M8 2.5a5.5 5.5 0 100 11 5.5 5.5 0 000-11z",
  clock: "M8 2.5a5.5 5.5 0 100 11 5.5 5.5 0 000-11zM8 5v3.2l2 1.3",
  circle: "M8 3.5a4.5 4.5 0 100 9 4.5 4.5 0 000-9z",
  arc: "M8 3a5 5 0 015 5",
  warn: "M8 2.8L14 13H2L8 2.8zm0 3.7v3m0 1.6v.4",
  info: "M8 2.5a5.5 5.5 0 100 11 5.5 5.5 0 000-11zM8 7.2v3.6M8 5v.4",
  chevron: "M6 4l4 4-4 4",
  back: "M10 4L6 8l4 4",
  line: "M3 8h10",
  outward: "M9.5 3H13v3.5M13 3L9 7M6.5 13H3V9.5M3 13l4-4",
  inward: "M9 3.5V7h3.5M9 7l4-4M7 12.5V9H3.5M7 9l-4 4",
  aside: "M2.5 3.5h11v9h-11zM9.5 3.5v9",
  down: "M8 3v9m-4-4l4 4 4-4",
  up: "M8 13V4M4 8l4-4 4 4",
  filter: "M2.5 4h11M4.5 8h7M6.5 12h3",
  wrap: "M2.5 4h11M2.5 8h8.5a2.2 2.2 0 010 4.5H8m2-2l-2 2 2 2M2.5 12.5h2.5",
  save: "M8 2.5v7.5M4.8 7L8 10.2 11.2 7M3 13.2h10",
  copy: "M6 6h7v7H6zM10 6V3H3v7h3",
  hand: "M8 2.5a5.5 5.5 0 100 11 5.5 5.5 0 000-11zM6.3 6.5a1.7 1.7 0 113 1.2c-.6.5-1.3.8-1.3 1.6m0 1.6v.3",
  bell: "M4 11.5c1-1 1-2 1-4a3 3 0 016 0c0 2 0 3 1 4zm2.8 2h2.4",
} as const;
export type IconName = keyof typeof PATHS;

export function Icon({ name, tone }: { name: IconName; tone?: string }) {
  return (
    <svg class={`rc-icon${tone ? ` rc-tone-${tone}` : ""}`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

const STATUS: Record<RunStatus, { icon: IconName; word: string }> = {
  pending: { icon: "circle", word: "pending" },
  running: { icon: "arc", word: "running" },
  paused: { icon: "pause", word: "paused" },
  completed: { icon: "check", word: "completed" },
  failed: { icon: "cross", word: "failed" },
  cancelled: { icon: "stop", word: "cancelled" },
  skipped: { icon: "skip", word: "skipped" },
  partial: { icon: "warn", word: "partly failed" },
  interrupted: { icon: "warn", word: "interrupted" },
};

interface StatusMarkProps {
  status: RunStatus;
  /** The word is for screen readers only. */
  quiet?: boolean;
  /** Another tone and other words than the status has. */
  tone?: string;
  word?: string | undefined;
}

/** A status as sign and word; never shown by color alone. */
export function StatusMark({ status, quiet = false, tone = status, word }: StatusMarkProps) {
  const known = STATUS[status] ?? STATUS.pending;
  const text = word ?? known.word;
  return (
    <span class={`rc-status rc-tone-${tone}`} title={quiet ? text : undefined}>
      <Icon name={known.icon} />
      <span class={quiet ? "rc-hidden" : undefined}>{text}</span>
    </span>
  );
}

const DELIVERY: Record<DecisionState, { icon: IconName; tone: string }> = {
  queued: { icon: "clock", tone: "paused" },
  sent: { icon: "arc", tone: "running" },
  acknowledged: { icon: "check", tone: "completed" },
  applied: { icon: "check", tone: "completed" },
  refused: { icon: "cross", tone: "failed" },
  expired: { icon: "clock", tone: "cancelled" },
  unknown: { icon: "hand", tone: "paused" },
};

export function DeliveryMark({ state }: { state: DecisionState }) {
  const { icon, tone } = DELIVERY[state] ?? DELIVERY.unknown;
  return (
    <span class={`rc-status rc-tone-${tone}`}>
      <Icon name={icon} />
      <span>{state}</span>
    </span>
  );
}

export interface BarProps {
  /** Its accessible name. */
  name: string;
  /** 0 to 100; null is unknown: an indeterminate bar. */
  value: number | null;
  status?: RunStatus | undefined;
  /** The screen reader's text instead of the bare percentage. */
  says?: string | undefined;
  large?: boolean;
  /** Of a completed thing: the bar shows its time, by the longest of the table (`--rc-longest`). */
  seconds?: number | null;
}

/** A progress bar. An unknown value moves only while something runs. */
export function Bar({ name, value, status = "running", says, large = false, seconds }: BarProps) {
  const known = value !== null;
  const whole = known ? wholePercent(value) : undefined;
  const timed = seconds !== undefined;
  const kind = known ? "" : ` rc-bar-unknown${status === "running" ? " rc-bar-moving" : ""}`;
  const length = Math.min(100, Math.max(0, value ?? 0)) / 100;
  const scale = timed ? `min(1, ${Math.max(0, seconds ?? 0)} / var(--rc-longest))` : length;
  return (
    <div
      role="progressbar"
      aria-label={name}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={whole}
      aria-valuetext={says}
      class={`rc-bar rc-tone-${status}${large ? " rc-bar-large" : ""}${timed ? " rc-bar-time" : ""}${kind}`}
    >
      <i style={known || timed ? { transform: `scaleX(${scale})` } : undefined} />
    </div>
  );
}

/** Text of the stream; its http(s) addresses can be followed, no other part of it has a meaning. */
export function Text({ children }: { children: string }) {
  return (
    <>
      {links(children).map(({ text, href }) =>
        href === null ? (
          text
        ) : (
          <a href={href} target="_blank" rel="noopener noreferrer nofollow">
            {text}
          </a>
        ),
      )}
    </>
  );
}

/** A heading with its content below. */
export function Section(props: {
  title: string;
  note?: ComponentChildren;
  class?: string;
  children: ComponentChildren;
}) {
  return (
    <section class={`rc-section ${props.class ?? ""}`}>
      <h3 class="rc-section-title">
        {props.title}
        {props.note !== undefined && <span class="rc-note">{props.note}</span>}
      </h3>
      {props.children}
    </section>
  );
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="rc-empty">{children}</p>;
}
