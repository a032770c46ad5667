/** A dialog over the content of the panel, with its own scrolling. It keeps the focus until it is closed. */
import type { ComponentChildren, RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Button } from "./button";
import { Icon } from "./icons";

export function Drawer(props: {
  name: string;
  head: ComponentChildren;
  close: () => void;
  children: ComponentChildren;
}) {
  const { name, close } = props;
  const box = useRef<HTMLDivElement>(null);
  useFocus(box, name);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Tab") keepFocus(event, box.current);
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault();
    close();
  };
  return (
    <div ref={box} role="dialog" aria-label={name} class="rc-sheet" tabIndex={-1} onKeyDown={onKeyDown}>
      <div class="rc-sheet-head">
        {props.head}
        <Button class="rc-icon-button" aria-label="Close" title="Close (Escape)" onClick={close}>
          <Icon name="cross" />
        </Button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling area must be reachable by keyboard */}
      <div class="rc-sheet-body" tabIndex={0}>
        {props.children}
      </div>
    </div>
  );
}

/** Takes the focus, again for another name, and gives it back to where it was at first. */
function useFocus(box: RefObject<HTMLElement | null>, name: string): void {
  const opener = useRef<HTMLElement | null>(null);
  useLayoutEffect(() => {
    const root = box.current?.getRootNode() as Document | ShadowRoot | undefined;
    opener.current = (root?.activeElement as HTMLElement | null | undefined) ?? null;
    const views = box.current?.parentElement;
    return () => {
      const back = opener.current?.isConnected
        ? opener.current
        : views?.querySelector<HTMLElement>("[role=tab][tabindex='0']");
      back?.focus({ preventScroll: true });
    };
  }, [box]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a dialog about another thing is another dialog
  useLayoutEffect(() => box.current?.focus({ preventScroll: true }), [box, name]);
}

const STOPS = "a[href], button, input, select, textarea, summary, [tabindex]";

/** Leads the tabulator from the last stop to the first, and back. */
function keepFocus(event: KeyboardEvent, box: HTMLElement | null): void {
  const stops = [...(box?.querySelectorAll<HTMLElement>(STOPS) ?? [])].filter(({ tabIndex }) => tabIndex >= 0);
  const [first, last] = [stops[0], stops.at(-1)];
  const at = event.target;
  const next = event.shiftKey ? (at === first || at === box ? last : null) : at === last ? first : null;
  if (!next) return;
  event.preventDefault();
  next.focus();
}
