/** A strip that stays in sight at the edge of the panel while its target is scrolled away. */

import type { ComponentChildren, RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Button } from "./button";

interface StickyProps {
  /** The element that it points to. */
  target: RefObject<HTMLElement | null>;
  children: ComponentChildren;
}

/** Visible pixels of the target that are enough to notice it. */
const ENOUGH = 30;

/**
 * Notebooks put outputs into several boxes that scroll, most of which never do: `position: sticky` would hold on to the
 * innermost. So the place is measured whenever anything scrolls.
 */
export function Sticky({ target, children }: StickyProps) {
  const strip = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState<number | null>(null);
  useLayoutEffect(() => {
    const element = target.current;
    const panel = element?.closest<HTMLElement>(".rc-root");
    if (!element || !panel) return undefined;
    let frame: number | null = null;
    const place = () => {
      frame = null;
      setTop(placeOf(panel, element, strip.current?.offsetHeight ?? 0));
    };
    const look = () => {
      frame ??= requestAnimationFrame(place);
    };
    const resized = new ResizeObserver(look);
    resized.observe(panel);
    document.addEventListener("scroll", look, { capture: true, passive: true });
    window.addEventListener("resize", look);
    place();
    return () => {
      if (frame !== null) cancelAnimationFrame(frame);
      resized.disconnect();
      document.removeEventListener("scroll", look, { capture: true });
      window.removeEventListener("resize", look);
    };
  }, [target]);
  const show = () => {
    target.current?.scrollIntoView({ block: "start" });
    target.current?.focus({ preventScroll: true });
  };
  return (
    <div ref={strip} class="rc-pin" style={{ top: `${top ?? 0}px` }} hidden={top === null}>
      {children}
      <Button class="rc-button rc-small" onClick={show}>
        Show
      </Button>
    </div>
  );
}

/** The strip's place, in pixels from the panel's top; null when it is not needed. */
export function placeOf(panel: HTMLElement, target: HTMLElement, height: number): number | null {
  const seen = sightOf(panel);
  const frame = panel.getBoundingClientRect();
  const own = target.getBoundingClientRect();
  const isInSight = frame.bottom > seen.top + height && frame.top < seen.bottom - height;
  const above = own.bottom < seen.top + ENOUGH;
  const below = own.top > seen.bottom - ENOUGH;
  if (!isInSight || (!above && !below)) return null;
  return above ? seen.top - frame.top : seen.bottom - frame.top - height;
}

/** The visible part of the page at the panel's place, which none of the boxes around it hides. */
function sightOf(panel: HTMLElement): { top: number; bottom: number } {
  let top = 0;
  let bottom = window.innerHeight;
  // The window hides what the body hides: JupyterLab's body has no height of its own.
  for (let box = parentOf(panel); box && box !== document.body; box = parentOf(box)) {
    if (getComputedStyle(box).overflowY === "visible") continue;
    const edge = box.getBoundingClientRect();
    top = Math.max(top, edge.top);
    bottom = Math.min(bottom, edge.bottom);
  }
  return { top, bottom };
}

function parentOf(node: Element): Element | null {
  if (node.parentElement) return node.parentElement;
  const root = node.getRootNode();
  return root instanceof ShadowRoot ? root.host : null;
}
