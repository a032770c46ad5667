/** A small chart of a quantity over the time of the run, with its limit, and where it leads. */
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { clock } from "../ui/format";
import { linePath, type Point, type Rate, ratePath, roundTop } from "./growth";

export interface Quantity {
  name: string;
  text: (value: number) => string;
  /** Totals, or rates: one of both. */
  points?: readonly Point[];
  rates?: readonly Rate[];
  limit?: number | null;
  /** Where the present pace leads. */
  leads?: Point | null;
  /** The sentence below the name: all that the chart shows, in words. */
  says: string;
}

export interface Span {
  start: number;
  now: number;
  /** The right edge: the present, or a time to come. */
  end: number;
}

interface Props {
  quantity: Quantity;
  span: Span;
  over: boolean;
  /** The times of the cursor, and its place among them; null for none. */
  stops: readonly number[];
  cursor: number | null;
  point: (cursor: number | null) => void;
}

/** A limit this many times above all values would leave them flat: it is only named. */
const FAR = 4;

export function Chart({ quantity, span, over, stops, cursor, point }: Props) {
  const { name, text, points = [], rates = [], limit = null, leads = null } = quantity;
  const place = (at: number) => (at - span.start) / Math.max(1, span.end - span.start);
  const highest = Math.max(0, leads?.value ?? 0, ...[...points, ...rates].map(({ value }) => value ?? 0));
  const near = limit !== null && limit <= highest * FAR;
  const top = roundTop(Math.max(highest, near ? limit : 0));
  const last = points.findLast(({ value }) => value !== null);
  const at = cursor === null ? null : (stops[cursor] ?? null);
  const known = [...points, ...rates].some(({ value }) => value !== null);
  return (
    <figure class="rc-chart">
      <figcaption>
        <b>{name}</b>
        <span class="rc-chart-says">{quantity.says}</span>
      </figcaption>
      <Cursor
        name={`${name} over time`}
        stops={stops}
        cursor={cursor}
        point={point}
        place={place}
        says={(at) => valueText(quantity, at)}
      >
        <svg viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true" focusable="false">
          <path class="rc-chart-area" d={ratePath(rates, place, top)} />
          <path class="rc-chart-line" d={linePath(points, place, top)} />
          {last && leads && <path class="rc-chart-leads" d={linePath([last, leads], place, top)} />}
          {near && limit !== null && <path class="rc-chart-limit" d={`M0 ${100 - (limit / top) * 100}h1000`} />}
        </svg>
        <span class="rc-chart-max">{known ? text(top) : ""}</span>
        {near && limit !== null && (
          <span class="rc-chart-limit-name" style={{ top: `${100 - (limit / top) * 100}%` }}>
            limit {text(limit)}
          </span>
        )}
        {at !== null && <i class="rc-chart-cursor" style={{ left: `${place(at) * 100}%` }} />}
      </Cursor>
      <div class="rc-chart-axis" aria-hidden="true">
        <span>{clock(span.start)}</span>
        <output>{at === null ? "" : `${clock(at)} · ${valueText(quantity, at)}`}</output>
        <span>{span.end > span.now ? `expected ${clock(span.end)}` : over ? clock(span.end) : "now"}</span>
      </div>
    </figure>
  );
}

/** The value at a time, in words. */
export function valueText({ points, rates = [], text }: Quantity, at: number): string {
  const value = points
    ? points.findLast((point) => point.at <= at)?.value
    : rates.findLast(({ from }) => from <= at)?.value;
  return value === null || value === undefined ? "unknown" : text(value);
}

interface CursorProps {
  name: string;
  stops: readonly number[];
  cursor: number | null;
  point: (cursor: number | null) => void;
  place: (at: number) => number;
  says: (at: number) => string;
  children: ComponentChildren;
}

/** The plot: the pointer or the arrow keys move a cursor from time to time. */
function Cursor({ name, stops, cursor, point, place, says, children }: CursorProps) {
  const box = useRef<HTMLDivElement>(null);
  const last = stops.length - 1;
  const here = Math.min(cursor ?? last, last);
  const at = stops[here];
  const follow = (event: PointerEvent) => {
    const { left, width } = box.current?.getBoundingClientRect() ?? { left: 0, width: 0 };
    const share = width === 0 ? 0 : (event.clientX - left) / width;
    const distance = (stop: number) => Math.abs(place(stop) - share);
    const nearest = stops.reduce((best, stop, n) => (distance(stop) < distance(stops[best] as number) ? n : best), 0);
    point(stops.length === 0 ? null : nearest);
  };
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: here - 1,
    ArrowRight: here + 1,
    PageUp: here - 10,
    PageDown: here + 10,
    Home: 0,
    End: last,
  };
  return (
    <div
      ref={box}
      class="rc-chart-plot"
      role="slider"
      tabIndex={0}
      aria-label={name}
      aria-valuemin={0}
      aria-valuemax={Math.max(0, last)}
      aria-valuenow={Math.max(0, here)}
      aria-valuetext={at === undefined ? "unknown" : `${clock(at)}: ${says(at)}`}
      onPointerMove={follow}
      onPointerDown={follow}
      onPointerLeave={() => point(null)}
      onBlur={() => point(null)}
      onKeyDown={(event) => {
        const to = steps[event.key];
        if (to === undefined || last < 0) return;
        event.preventDefault();
        point(Math.min(last, Math.max(0, to)));
      }}
    >
      {children}
    </div>
  );
}
