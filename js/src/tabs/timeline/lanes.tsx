/** The names of the lanes at the left, and the densities of lanes whose bars are too many. */

import type { TimelineBar, TimelineLane, TimelineWindow } from "../../kernel/contract";
import { Clip } from "../../ui/clip";
import { count, duration } from "../../ui/format";
import { memo } from "../../ui/memo";
import { Density } from "./densities";
import { laneLabel, lengthOf } from "./words";

export interface LanesProps {
  window: TimelineWindow;
  bars: readonly TimelineBar[];
  /** The drawn rows: [start, end). */
  start: number;
  end: number;
  /** Milliseconds after the origin, to the second: the end of what lasts. */
  now: number;
  critical: boolean;
  /** Pixels by which the densities are moved. */
  shift: number;
  zoomIn: () => void;
}

export const Lanes = memo((props: LanesProps) => {
  const { window, bars, start, end, now } = props;
  if (window.by === "task" && !window.dense) {
    return (
      <>
        {bars.map((bar) => (
          <div key={bar.key} class="rc-tl-lane rc-tl-name" style={`--r:${bar.row};--n:1`} aria-hidden="true">
            <Clip title={bar.name}>{bar.name}</Clip>
            <span class="rc-note">{duration(lengthOf(bar, now))}</span>
          </div>
        ))}
      </>
    );
  }
  const lanes = window.lanes.filter(({ row, rows }) => row < end && row + rows > start);
  return (
    <>
      {lanes.map((lane) => (
        <div key={lane.index} class="rc-tl-lane" style={`--r:${lane.row};--n:${lane.rows}`}>
          <span class="rc-tl-lane-name">
            <Clip title={lane.name}>{lane.name || "All tasks"}</Clip>
            <span class="rc-note">{count(lane.tasks)}</span>
          </span>
          {lane.density && <Strip {...props} lane={lane} />}
        </div>
      ))}
    </>
  );
});

function Strip({ window, lane, critical, shift, zoomIn }: LanesProps & { lane: TimelineLane }) {
  if (!lane.density) return null;
  const style = `--a:${window.start / 1000};--e:${window.stop / 1000}`;
  return (
    <div class="rc-tl-plane">
      <div class="rc-tl-move" style={{ transform: `translateX(${shift}px)` }}>
        <button
          type="button"
          class="rc-tl-strip"
          style={style}
          aria-label={`${laneLabel(lane)}. Zoom in`}
          onClick={zoomIn}
        >
          <Density density={lane.density} path={critical} />
        </button>
      </div>
    </div>
  );
}
