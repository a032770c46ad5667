/** The controls of the timeline. */

import type { LaneKind, TimelineWindow } from "../../kernel/contract";
import { Button } from "../../ui/button";
import { Choice } from "../../ui/choice";
import { count, duration, plural } from "../../ui/format";
import { ZOOM_STEPS } from "./scale";
import { KINDS } from "./words";

const LANES: readonly (readonly [LaneKind, string])[] = [
  ["worker", "by worker"],
  ["phase", "by phase"],
  ["wave", "by wave"],
  ["task", "task by task"],
];

export interface ToolbarProps {
  window: TimelineWindow;
  group: (by: LaneKind) => void;
  /** 0 to `ZOOM_STEPS`. */
  depth: number;
  zoom: (depth: number) => void;
  /** The visible length, in words. */
  shown: string;
  /** null where nothing new can come. */
  following: boolean | null;
  follow: () => void;
  fit: () => void;
  critical: boolean;
  mark: (critical: boolean) => void;
  /** Tasks that the saved notebook has, of all; null with a kernel. */
  saved: { here: number; total: number } | null;
}

export function Toolbar(props: ToolbarProps) {
  const { window, depth, zoom, following, saved } = props;
  const { path } = window;
  return (
    <div class="rc-toolbar rc-tl-toolbar">
      <Choice name="Lanes" value={window.by} of={LANES} pick={props.group} />
      <span class="rc-tl-zoom">
        <Button class="rc-icon-button" aria-label="Zoom out" onClick={() => zoom(depth - 10)}>
          −
        </Button>
        <input
          type="range"
          class="rc-scrubber"
          aria-label="Zoom"
          aria-valuetext={props.shown}
          min={0}
          max={ZOOM_STEPS}
          value={depth}
          onInput={(event) => zoom(event.currentTarget.valueAsNumber)}
        />
        <Button class="rc-icon-button" aria-label="Zoom in" onClick={() => zoom(depth + 10)}>
          +
        </Button>
      </span>
      <Button class="rc-button rc-small" aria-disabled={depth === 0} onClick={props.fit}>
        Fit
      </Button>
      {following === false && (
        <Button class="rc-button rc-small" onClick={props.follow}>
          Follow
        </Button>
      )}
      <label class="rc-tl-check" title={saved ? "The critical path is not saved with the notebook" : undefined}>
        <input
          type="checkbox"
          checked={props.critical && !saved}
          disabled={saved !== null}
          onChange={(event) => props.mark(event.currentTarget.checked)}
        />
        Critical path
      </label>
      {props.critical && path.tasks > 0 && (
        <span class="rc-note">
          {plural(path.tasks, "task")}, {duration(path.work_s)} of work, {duration(path.wait_s)} between
        </span>
      )}
      <Legend hidden={window.dense} />
      <span class="rc-note rc-tl-count">
        {saved && saved.here < saved.total
          ? `${count(saved.here)} of ${plural(saved.total, "task")} saved`
          : window.waiting > 0
            ? `${count(window.waiting)} not begun`
            : ""}
      </span>
    </div>
  );
}

/** The kinds of time that bars show. */
function Legend({ hidden }: { hidden: boolean }) {
  return (
    <ul class="rc-tl-legend" aria-label="Legend" hidden={hidden}>
      {KINDS.map((kind) => (
        <li key={kind}>
          <i class={`rc-tl-swatch rc-tl-kind-${kind} rc-tone-completed`} />
          {kind}
        </li>
      ))}
    </ul>
  );
}
