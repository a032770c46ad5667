/** The frame of a panel: its height, which events never change, and the scrolling of its lists. */
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { isOver } from "../kernel/link";
import { usePanel, useStore } from "./context";
import { act } from "./shortcuts";
import { useView } from "./view";

const LEAST_HEIGHT = 260;
/** Below this height a question takes the whole panel. */
const LOW = 460;
const MOST_HEIGHT = 4000;
/** The height that nobody has chosen: it gives way to a low window. */
const STANDARD = 600;

export function Frame({ children }: { children: ComponentChildren }) {
  const { head, attachment } = useStore("head", "attachment");
  const { height: given, fill } = usePanel();
  const view = useView();
  const { height = given, compact = false, maximised, maximise } = view;
  const root = useRef<HTMLElement>(null);
  const active = useActive(root);
  useTopLayer(root, maximised);
  const over = head !== null && isOver(head.link);
  // No animation in a picture of the past.
  const paused = head?.replay?.playing === false;
  const still = over || paused || attachment === "recorded" || attachment === "gone";
  const size = fill ? "100%" : `${Math.max(LEAST_HEIGHT, height)}px`;
  const classes = [
    "rc-root",
    still && "rc-still",
    // Else the wheel would stop at each list on its way through the notebook.
    (active || maximised || fill) && "rc-active",
    compact && !maximised && "rc-compact",
    maximised && "rc-maximised",
    !maximised && !fill && height < LOW && "rc-low",
    // Its foot, with the answers, is in sight without scrolling. Frames may be as high as what they hold.
    height === STANDARD && !fill && window.parent === window && "rc-fits",
  ];
  return (
    <div style={fill ? { height: size } : maximised ? { height: compact ? "44px" : size } : undefined}>
      {/* Keys typed here are for the panel, not for the notebook's shortcuts. */}
      <section
        ref={root}
        class={classes.filter(Boolean).join(" ")}
        style={maximised || compact ? undefined : { height: size }}
        aria-label="Run console"
        data-lm-suppress-shortcuts="true"
        onKeyDown={(event) => {
          event.stopPropagation();
          if (event.key === "Escape" && maximised && !event.defaultPrevented) maximise(false);
          else if (act(event, event.currentTarget, view)) event.preventDefault();
        }}
      >
        {children}
      </section>
    </div>
  );
}

/** True from a press into the panel, or the focus, until the next one elsewhere. */
function useActive(root: { current: HTMLElement | null }): boolean {
  const [active, setActive] = useState(false);
  useEffect(() => {
    const look = (event: Event) => setActive(root.current !== null && event.composedPath().includes(root.current));
    document.addEventListener("pointerdown", look, true);
    document.addEventListener("focusin", look, true);
    return () => {
      document.removeEventListener("pointerdown", look, true);
      document.removeEventListener("focusin", look, true);
    };
  }, [root]);
  return active;
}

/** Shows the element above the whole page: hosts put outputs into boxes that would cut off a fixed position. */
function useTopLayer(root: { current: HTMLElement | null }, on: boolean): void {
  useLayoutEffect(() => {
    const element = root.current;
    if (!on || !element) return undefined;
    element.setAttribute("popover", "manual");
    element.showPopover?.();
    return () => {
      element.hidePopover?.();
      element.removeAttribute("popover");
    };
  }, [root, on]);
}

/** The lower edge, by which a person sets the height. */
export function Handle() {
  const { height: given } = usePanel();
  const { height = given, change } = useView();
  const [from, setFrom] = useState<{ y: number; height: number } | null>(null);
  // Keys may come faster than paints.
  const newest = useRef(height);
  newest.current = height;
  const set = (wanted: number) => {
    newest.current = Math.round(Math.min(MOST_HEIGHT, Math.max(LEAST_HEIGHT, wanted)));
    change({ height: newest.current });
  };
  const steps: Readonly<Record<string, number>> = { ArrowUp: -40, ArrowDown: 40, PageUp: -200, PageDown: 200 };
  return (
    <div
      role="separator"
      class="rc-handle"
      aria-orientation="horizontal"
      aria-label="Height of the panel"
      aria-valuemin={LEAST_HEIGHT}
      aria-valuemax={MOST_HEIGHT}
      aria-valuenow={height}
      title="Drag to change the height; double-click for the first one"
      tabIndex={0}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setFrom({ y: event.clientY, height });
      }}
      onPointerMove={(event) => from && set(from.height + event.clientY - from.y)}
      onPointerUp={() => setFrom(null)}
      onPointerCancel={() => setFrom(null)}
      onDblClick={() => set(given)}
      onKeyDown={(event) => {
        const step = steps[event.key];
        if (step === undefined) return;
        event.preventDefault();
        set(newest.current + step);
      }}
    />
  );
}
