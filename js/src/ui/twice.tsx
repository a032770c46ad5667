/** A press that has to come twice: what cannot be undone is asked for again before it is done. */
import type { ComponentProps } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Button } from "./button";

/** Milliseconds after which the first press is forgotten. */
const SURE_MS = 5000;

interface Props extends Omit<ComponentProps<typeof Button>, "class"> {
  label: string;
  /** True if one press is not enough. */
  asks: boolean;
  locked: boolean;
  class: string;
  act: () => void;
  /** Says to a screen reader that a second press is needed; without it the button has a status of its own. */
  tell?: (words: string) => void;
}

export function TwiceButton({ label, asks, locked, act, tell, class: kind, ...more }: Props) {
  const again = `${label}: press again to confirm`;
  const { sure, press } = useTwice(asks && !locked, act, () => tell?.(again));
  return (
    <>
      <Button
        class={`${kind}${sure ? " rc-sure" : ""}`}
        aria-label={sure ? again : label}
        aria-disabled={locked}
        {...more}
        {...(locked ? {} : press)}
      >
        {asks ? <Words label={label} sure={sure} /> : label}
      </Button>
      {asks && !tell && (
        <span class="rc-hidden" role="status">
          {sure && again}
        </span>
      )}
    </>
  );
}

/**
 * The properties of a button. `tell`: says to a screen reader that a second press is needed. A double click and a key
 * that is held down are one press.
 */
function useTwice(asks: boolean, act: () => void, tell: () => void) {
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

const AGAIN = "Press again";

/** The words on the button: as wide before the first press as after it, so that nothing beside it moves. */
function Words({ label, sure }: { label: string; sure: boolean }) {
  const [shown, other] = sure ? [AGAIN, label] : [label, AGAIN];
  return (
    <span class="rc-twice" data-other={other}>
      {shown}
    </span>
  );
}
