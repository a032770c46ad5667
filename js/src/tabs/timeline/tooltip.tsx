/** The details of the bar under the pointer, or of the one with the focus. For the eye: a bar's name has them all. */

import { useLayoutEffect, useRef } from "preact/hooks";
import type { TimelineBar } from "../../kernel/contract";
import { clock, duration, plural } from "../../ui/format";
import { StatusMark } from "../../ui/icons";
import { KIND_WORDS, lengthOf, timesOf } from "./words";

export interface Hint {
  bar: TimelineBar;
  /** Its middle and its edges, in the timeline's pixels. */
  x: number;
  top: number;
  bottom: number;
}

export function Tooltip({ hint, origin, now }: { hint: Hint; origin: number; now: number }) {
  const { bar } = hint;
  const ref = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = ref.current;
    const room = element?.offsetParent;
    if (!element || !room) return;
    const left = Math.min(Math.max(4, hint.x - element.offsetWidth / 2), room.clientWidth - element.offsetWidth - 4);
    const fits = hint.bottom + 6 + element.offsetHeight <= room.clientHeight;
    element.style.left = `${left}px`;
    element.style.top = `${fits ? hint.bottom + 6 : Math.max(0, hint.top - element.offsetHeight - 6)}px`;
  });
  const times = timesOf(bar, now);
  const total = times.reduce((sum, [, seconds]) => sum + seconds, 0) || 1;
  return (
    <div class="rc-tl-tip" ref={ref} aria-hidden="true">
      <p class="rc-tl-tip-name">{bar.name}</p>
      <p class="rc-tl-tip-line">
        <StatusMark status={bar.status} />
        <b>{duration(lengthOf(bar, now))}</b>
      </p>
      {times.length > 1 && (
        <div class={`rc-tl-split rc-tone-${bar.status}`}>
          {times.map(([kind, seconds]) => (
            <i key={kind} class={`rc-tl-kind-${kind}`} style={{ width: `${(seconds / total) * 100}%` }} />
          ))}
        </div>
      )}
      {times.length > 1 &&
        times.map(([kind, seconds]) => (
          <p key={kind} class={`rc-tl-tip-line rc-tone-${bar.status}`}>
            <i class={`rc-tl-swatch rc-tl-kind-${kind}`} />
            <span>{KIND_WORDS[kind]}</span>
            <b>{duration(seconds)}</b>
          </p>
        ))}
      <p class="rc-note">
        {[
          `${clock(origin + bar.start)} – ${bar.end === null ? "now" : clock(origin + bar.end)}`,
          bar.attempts !== undefined && plural(bar.attempts, "attempt"),
          bar.critical && "critical path",
          bar.rank !== undefined && `slowest ${bar.rank} of 5`,
        ]
          .filter(Boolean)
          .join(" · ")}
      </p>
    </div>
  );
}
