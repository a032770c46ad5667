/** The whole run as one strip. A stretch drawn on it is shown; the shown part can be moved and resized. */

import { useRef, useState } from "preact/hooks";
import type { TimelineWindow } from "../../kernel/contract";
import { Density } from "./densities";
import type { Span } from "./scale";

interface Drag {
  part: "new" | "move" | "from" | "to";
  /** The time at which it began. */
  at: number;
  span: Span;
}

/** Pixels at the edge of the shown part by which it is resized. */
const EDGE = 7;

export function Overview(props: { window: TimelineWindow; all: Span; span: Span; show: (span: Span) => void }) {
  const { window, all, span, show } = props;
  const ref = useRef<HTMLDivElement>(null);
  const [drag, setDrag] = useState<Drag | null>(null);
  const share = (at: number) => Math.min(100, Math.max(0, ((at - all.from) / (all.to - all.from)) * 100));
  const timeAt = (event: PointerEvent) => {
    const box = (ref.current as HTMLElement).getBoundingClientRect();
    return all.from + ((event.clientX - box.left) / box.width) * (all.to - all.from);
  };
  const begin = (event: PointerEvent) => {
    if (event.button !== 0) return;
    const box = (ref.current as HTMLElement).getBoundingClientRect();
    ref.current?.setPointerCapture(event.pointerId);
    const at = timeAt(event);
    const edge = (EDGE * (all.to - all.from)) / box.width;
    const whole = span.from <= all.from && span.to >= all.to;
    const near = (one: number) => Math.abs(at - one) <= edge;
    const part = whole
      ? "new"
      : near(span.from)
        ? "from"
        : near(span.to)
          ? "to"
          : at > span.from && at < span.to
            ? "move"
            : "new";
    setDrag({ part, at, span });
  };
  const move = (event: PointerEvent) => {
    if (!drag) return;
    const at = timeAt(event);
    const { part, span: old } = drag;
    if (part === "move") show({ from: old.from + at - drag.at, to: old.to + at - drag.at });
    else {
      const fixed = part === "from" ? old.to : part === "to" ? old.from : drag.at;
      if (Math.abs(at - fixed) > (all.to - all.from) / 500)
        show({ from: Math.min(at, fixed), to: Math.max(at, fixed) });
    }
  };
  const [left, right] = [share(span.from), share(span.to)];
  return (
    <div
      class="rc-tl-overview"
      aria-hidden="true"
      title="Drag to choose a part of the run"
      ref={ref}
      onPointerDown={begin}
      onPointerMove={move}
      onPointerUp={() => setDrag(null)}
      onPointerCancel={() => setDrag(null)}
    >
      <Density density={window.overview} />
      <i style={{ left: 0, width: `${left}%` }} />
      <i style={{ left: `${right}%`, right: 0 }} />
      <b style={{ left: `${left}%`, right: `${100 - right}%` }} />
    </div>
  );
}
