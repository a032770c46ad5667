/** A press that has to come twice: what cannot be undone is asked for again before it is done. */
import { useEffect, useState } from "preact/hooks";

/** Milliseconds after which the first press is forgotten. */
const SURE_MS = 5000;

/**
 * The properties of a button. `tell`: says to a screen reader that a second press is needed. A double click and a key
 * that is held down are one press.
 */
export function useTwice(asks: boolean, act: () => void, tell: () => void) {
  const [sure, setSure] = useState(false);
  useEffect(() => {
    const timer = sure ? setTimeout(() => setSure(false), SURE_MS) : undefined;
    return () => clearTimeout(timer);
  }, [sure]);
  const onClick = (event: MouseEvent) => {
    if (!asks) return act();
    if (event.detail > 1) return undefined;
    setSure(!sure);
    return sure ? act() : tell();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (asks && event.repeat) event.preventDefault();
  };
  return { sure: asks && sure, press: { onClick, onKeyDown } };
}

/** The words for a screen reader after the first press. */
export function againFor(label: string): string {
  return `${label}: press again to confirm`;
}

const AGAIN = "Press again";

/** The words on the button: as wide before the first press as after it, so that nothing beside it moves. */
export function Twice({ label, sure }: { label: string; sure: boolean }) {
  const [shown, other] = sure ? [AGAIN, label] : [label, AGAIN];
  return (
    <span class="rc-twice" data-other={other}>
      {shown}
    </span>
  );
}
