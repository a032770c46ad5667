/** The drawer of the questions, over the content of the panel: a dialog that leaves the rest of the page as it is. */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Button } from "../ui/button";
import { Icon } from "../ui/icons";

interface DrawerProps {
  name: string;
  close: () => void;
  children: (close: () => void) => ComponentChildren;
}

/** Escape closes it; the focus comes in where a person has opened it, and goes back then. */
export function QuestionDrawer({ name, close, children }: DrawerProps) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = box.current;
    const root = element?.getRootNode() as Document | ShadowRoot | undefined;
    const opener = root?.activeElement;
    if (!element || !(opener instanceof HTMLElement) || !opener.closest(".rc-root")) return undefined;
    element.focus({ preventScroll: true });
    return () => {
      if (opener.isConnected) opener.focus({ preventScroll: true });
    };
  }, []);
  return (
    <div
      ref={box}
      role="dialog"
      aria-label={name}
      class="rc-drawer"
      tabIndex={-1}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || event.defaultPrevented) return;
        event.preventDefault();
        close();
      }}
    >
      {children(close)}
    </div>
  );
}

export function CloseButton({ name, close }: { name: string; close: () => void }) {
  return (
    <Button class="rc-icon-button rc-close" aria-label={name} title={`${name} (Escape)`} onClick={close}>
      <Icon name="cross" />
    </Button>
  );
}
