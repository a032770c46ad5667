/** The controls of a recording: play and pause, position, speed, and the reason of a refused command. */

import { useEffect, useRef, useState } from "preact/hooks";
import { notDone } from "../cards/wording";
import type { Head, ReplayPosition } from "../kernel/contract";
import type { Store } from "../state/store";
import { Button } from "../ui/button";
import { Choice } from "../ui/choice";
import { countdown } from "../ui/format";
import { Icon } from "../ui/icons";
import { useStore } from "./context";

const SPEEDS = [0.5, 1, 2, 5, 10, 50, 0];
/** The least milliseconds between two requests for a position while the scrubber moves. */
const SEEK_MS = 120;
/** Milliseconds for which the scrubber stays at its released place, until the kernel shows that position. */
const SETTLE_MS = 1500;

export function Player() {
  const store = useStore("head", "attachment", "replay");
  const replay = store.head?.replay;
  // Not before the first message: a saved notebook may have no kernel.
  if (!replay || !store.reachable || store.attachment === "waiting") return null;
  const marks = store.head?.replay_marks ?? [];
  // A stopped console plays no more.
  if (store.head?.link === "stopped" && !replay.over) return null;
  return (
    <div class="rc-player" role="group" aria-label="Replay">
      <div class="rc-player-controls">
        <PlayButton replay={replay} store={store} />
        <Scrubber replay={replay} store={store} marks={marks} />
        {marks.length > 0 && <MarkButtons replay={replay} store={store} marks={marks} />}
        <Speed replay={replay} store={store} />
      </div>
      {store.refusal && (
        <p class="rc-player-refusal rc-tone-failed">
          <Icon name="warn" />
          {notDone(store.refusal.error)}
        </p>
      )}
    </div>
  );
}

type ReplayMark = NonNullable<Head["replay_marks"]>[number];

interface Controls {
  replay: ReplayPosition;
  store: Store;
}

function PlayButton({ replay, store }: Controls) {
  const word = replay.playing ? "Pause" : replay.over ? "Play again" : "Play";
  return (
    <Button
      class="rc-button rc-small rc-play"
      aria-label={word}
      title={word}
      onClick={() => store.replay(replay.playing ? "pause" : "play")}
    >
      <Icon name={replay.playing ? "pause" : "play"} />
    </Button>
  );
}

function Scrubber({ replay, store, marks }: Controls & { marks: readonly ReplayMark[] }) {
  const [held, hold] = useState<number | null>(null);
  const [dragging, drag] = useState(false);
  const seek = useThrottled((seconds: number) => store.replay("seek", seconds));
  const arrived = held !== null && Math.abs(held - replay.position_s) <= tolerance(replay);
  useEffect(() => {
    if (held === null || dragging) return undefined;
    const letGo = setTimeout(() => hold(null), arrived ? 0 : SETTLE_MS);
    return () => clearTimeout(letGo);
  }, [held, dragging, arrived]);

  // The last of the even steps may lie behind the end: else no key would lead there.
  const shown = Math.min(held ?? replay.position_s, replay.duration_s);
  const [here, end] = [position(shown), position(replay.duration_s)];
  const last = Math.ceil(replay.duration_s / step(replay)) * step(replay);
  return (
    <>
      <span class="rc-marked">
        <input
          type="range"
          class="rc-scrubber"
          aria-label="Position"
          aria-valuetext={`${here} of ${end}`}
          min={0}
          max={last}
          step={step(replay)}
          value={shown}
          onPointerDown={() => drag(true)}
          onPointerUp={() => drag(false)}
          onPointerCancel={() => drag(false)}
          onInput={(event) => {
            hold(event.currentTarget.valueAsNumber);
            seek(event.currentTarget.valueAsNumber);
          }}
        />
        <span class="rc-marks" aria-hidden="true">
          {marks.map(([at, kind]) => (
            <i key={at} class={`rc-mark-${kind}`} style={{ left: `${(at / last) * 100}%` }} />
          ))}
        </span>
      </span>
      <span class="rc-position" aria-hidden="true">
        {here} <small>/ {end}</small>
      </span>
    </>
  );
}

/** Lead from mark to mark; each says where to. */
function MarkButtons({ replay, store, marks }: Controls & { marks: readonly ReplayMark[] }) {
  const near = Math.max(0.05, tolerance(replay));
  const before = marks.findLast(([at]) => at < replay.position_s - near);
  const after = marks.find(([at]) => at > replay.position_s + 0.05);
  const to = (name: string, mark: ReplayMark | undefined, icon: "back" | "chevron") => {
    const says = mark ? `${name}: ${mark[1]} at ${position(mark[0])}` : name;
    return (
      <Button
        class={`rc-icon-button rc-to-${icon}`}
        aria-label={says}
        title={says}
        aria-disabled={!mark}
        onClick={() => mark && store.replay("seek", mark[0])}
      >
        <Icon name={icon} />
      </Button>
    );
  };
  return (
    <span class="rc-mark-buttons">
      {to("Previous mark", before, "back")}
      {to("Next mark", after, "chevron")}
    </span>
  );
}

/** Calls at once, then at most each `SEEK_MS`, the last time with the last value. */
function useThrottled(work: (value: number) => void): (value: number) => void {
  const state = useRef<{ wanted: number | null; timer: ReturnType<typeof setTimeout> | null }>({
    wanted: null,
    timer: null,
  }).current;
  useEffect(() => () => clearTimeout(state.timer ?? undefined), [state]);
  const go = () => {
    state.timer = null;
    if (state.wanted === null) return;
    work(state.wanted);
    state.wanted = null;
    state.timer = setTimeout(go, SEEK_MS);
  };
  return (value) => {
    state.wanted = value;
    if (state.timer === null) go();
  };
}

/** The distance, in seconds, at which the kernel's position counts as the requested one: it moves on while playing. */
function tolerance(replay: ReplayPosition): number {
  return Math.max(step(replay), replay.playing ? replay.speed * 0.3 : 0);
}

function position(seconds: number): string {
  return countdown(Math.floor(seconds));
}

/** The seconds that one press of an arrow key moves. */
function step(replay: ReplayPosition): number {
  return Math.max(0.1, Math.round(replay.duration_s / 20) / 10);
}

function Speed({ replay, store }: Controls) {
  const speeds = SPEEDS.includes(replay.speed) ? SPEEDS : [...SPEEDS, replay.speed];
  return (
    <Choice
      name="Speed"
      value={replay.speed}
      of={speeds.map((speed) => [speed, speed === 0 ? "fastest" : `${speed}×`] as const)}
      pick={(speed) => store.replay("speed", speed)}
    />
  );
}
