/** The switch of the system notifications: off until a person presses it. */

import { useEffect, useReducer } from "preact/hooks";
import { notifier } from "../page/attention";
import type { Notifying } from "../page/notifier";
import { Button } from "../ui/button";
import { Icon } from "../ui/icons";

const SAYS: Record<Notifying, { text: string; title: string }> = {
  off: {
    text: "Notify me",
    title: "Show a system notification when the run asks something, ends or fails while this page is hidden",
  },
  on: {
    text: "Notify me",
    title: "On: a system notification is shown when the run asks something, ends or fails unseen",
  },
  denied: { text: "Notify me: blocked by the browser", title: "Allow notifications for this page in the browser" },
  unsupported: { text: "Notify me: not supported here", title: "This browser or address (no HTTPS) has none" },
};

export function NotifyButton() {
  const [, repaint] = useReducer<number, void>((n) => n + 1, 0);
  useEffect(() => notifier().watch(repaint), []);
  const { state } = notifier();
  const { text, title } = SAYS[state];
  return (
    <Button
      class="rc-notify"
      aria-pressed={state === "on"}
      aria-disabled={state === "denied" || state === "unsupported"}
      title={title}
      onClick={() => void notifier().toggle()}
    >
      <Icon name={state === "on" ? "check" : "bell"} />
      {text}
    </Button>
  );
}
