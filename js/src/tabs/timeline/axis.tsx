/** The clock above the lanes: round times, waves and questions. A stretch drawn on it is shown. */

import { useRef, useState } from "preact/hooks";
import type { TimelineQuestion, TimelineWindow } from "../../kernel/contract";
import { clock, duration, moment, plural } from "../../ui/format";
import { type Span, tickWord } from "./scale";

export interface AxisProps {
  window: TimelineWindow;
  span: Span;
  /** Pixels of the span. */
  width: number;
  /** Round times, in milliseconds after the origin. */
  times: readonly number[];
  /** Pixels by which everything is moved. */
  shift: number;
  now: number;
  show: (span: Span) => void;
  /** Leads to a task, by its id. */
  open: (taskId: string) => void;
}

/** The height of the clock in CSS pixels. It has room for waves and questions before there are any. */
export const AXIS_HEIGHT = 48;

export function Axis({ window, span, width, times, shift, now, show, open }: AxisProps) {
  const { origin } = window;
  const brush = useBrush(span, width, show);
  const move = { transform: `translateX(${shift}px)` };
  return (
    <>
      <div class="rc-tl-axis" title="Drag to zoom in" {...brush.handlers}>
        <div class="rc-tl-move" style={move}>
          {times.map((at) => (
            <span key={at} style={`--a:${at / 1000}`}>
              {tickWord(at)}
            </span>
          ))}
        </div>
        {brush.drawn && (
          <i
            class="rc-tl-brush"
            style={{ left: `${brush.drawn[0]}px`, width: `${brush.drawn[1] - brush.drawn[0]}px` }}
          />
        )}
      </div>
      <div class="rc-tl-marks">
        <div class="rc-tl-move" style={move}>
          {window.waves.map((wave) => (
            <span
              key={wave.name}
              class="rc-tl-wave"
              style={`--a:${wave.start / 1000}${wave.end === null ? "" : `;--e:${wave.end / 1000}`}`}
              title={`Wave ${wave.name}: ${wave.status}, ${duration(((wave.end ?? now) - wave.start) / 1000)}, from ${moment(origin + wave.start)}`}
            >
              Wave {wave.name}
            </span>
          ))}
          {window.questions.map((question) => (
            <button
              key={question.key}
              type="button"
              class={`rc-tl-question${question.end === null ? " rc-tl-open" : ""}`}
              style={`--a:${question.start / 1000}`}
              tabIndex={-1}
              aria-label={questionLabel(question, now)}
              title={`${questionLabel(question, now)}, at ${clock(origin + question.start)}`}
              onClick={() => question.task !== null && open(question.task)}
            />
          ))}
        </div>
      </div>
    </>
  );
}

function questionLabel({ title, start, end, count }: TimelineQuestion, now: number): string {
  const time = duration(((end ?? now) - start) / 1000);
  if (count > 1) return `${plural(count, "question")}, the first: ${title}`;
  return end === null ? `Question: ${title}, open for ${time}` : `Question: ${title}, closed after ${time}`;
}

/** A stretch that is drawn with the pointer; it is shown when the pointer is let go. */
function useBrush(span: Span, width: number, show: (span: Span) => void) {
  const from = useRef<number | null>(null);
  const [drawn, draw] = useState<[number, number] | null>(null);
  const at = (event: PointerEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return Math.min(box.width, Math.max(0, event.clientX - box.left));
  };
  const timeAt = (x: number) => span.from + (x / width) * (span.to - span.from);
  const end = () => {
    from.current = null;
    draw(null);
  };
  const handlers = {
    onPointerDown: (event: PointerEvent) => {
      if (event.button !== 0) return;
      (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
      from.current = at(event);
    },
    onPointerMove: (event: PointerEvent) => {
      if (from.current === null) return;
      const x = at(event);
      draw([Math.min(x, from.current), Math.max(x, from.current)]);
    },
    onPointerUp: () => {
      if (drawn && drawn[1] - drawn[0] > 4) show({ from: timeAt(drawn[0]), to: timeAt(drawn[1]) });
      end();
    },
    onPointerCancel: end,
  };
  return { drawn, handlers };
}
