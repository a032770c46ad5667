/** Lines between the header and the run: problems of the link or the kernel, and the server's warnings. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Attachment } from "../kernel/connection";
import type { Head } from "../kernel/contract";
import { isOver } from "../kernel/link";
import { Button } from "../ui/button";
import { Clip } from "../ui/clip";
import { clock, count } from "../ui/format";
import { Icon, type IconName, Text } from "../ui/icons";
import { useStore } from "./context";
import { NotifyButton } from "./notify";
import { StormNotice } from "./storm";
import { useView } from "./view";

const KERNEL: Partial<Record<Attachment, { tone: string; icon: IconName; text: string }>> = {
  recorded: {
    tone: "paused",
    icon: "info",
    text: "Recorded: no kernel attached. This is the run as it was last saved.",
  },
  gone: { tone: "failed", icon: "warn", text: "The kernel is gone; run the cell again." },
  silent: {
    tone: "paused",
    icon: "clock",
    text: "Kernel busy or unreachable: nothing was heard from it for some seconds. If it was restarted, run the cell again.",
  },
};

export function Notices() {
  const store = useStore("head", "attachment");
  const head = store.head;
  const kernel = KERNEL[store.attachment];
  const stopped = head?.status === "interrupted";
  const broken =
    head !== null && (stopped || (store.reachable && (head.link === "retrying" || head.link === "failed")));
  const canConnect = head !== null && store.reachable && !head.replay;
  return (
    <div class="rc-strips">
      {kernel && (
        <Notice tone={kernel.tone} icon={kernel.icon}>
          {kernel.text}
        </Notice>
      )}
      <StormNotice />
      {broken && <LinkStrip head={head} reconnect={canConnect ? () => store.link("reconnect") : null} />}
      {head?.notice && !broken && (
        <Notice tone="quiet" icon="info">
          <span>
            <Text>{head.notice}</Text>
          </span>
        </Notice>
      )}
      {head?.alerts.map((alert) => (
        <Notice key={`${alert.at} ${alert.text}`} tone={alertTone(alert.level)} icon="warn">
          <span>
            <Text>{alert.text}</Text>
          </span>
          {alert.at !== null && <time>{clock(alert.at)}</time>}
        </Notice>
      ))}
    </div>
  );
}

function Notice({ tone, icon, children }: { tone: string; icon: IconName; children: ComponentChildren }) {
  return (
    <p class={`rc-strip rc-strip-${tone}`}>
      <Icon name={icon} tone={tone} />
      {children}
    </p>
  );
}

const PATIENCE_MS = 3000;

function LinkStrip({ head, reconnect }: { head: Head; reconnect: (() => void) | null }) {
  const [asked, setAsked] = useState(false);
  const attempt = useRef(head.attempt);
  useEffect(() => {
    if (!asked) return undefined;
    const timer = setTimeout(() => setAsked(false), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [asked]);
  if (attempt.current !== head.attempt) attempt.current = head.attempt;
  const failed = head.link === "failed";
  const press = () => {
    if (asked) return;
    setAsked(true);
    reconnect?.();
  };
  return (
    <div class={`rc-strip rc-strip-${failed ? "failed" : "paused"}`}>
      <Icon name="warn" tone={failed ? "failed" : "paused"} />
      <span>
        <b>{head.status === "interrupted" ? "Interrupted." : failed ? "Connection failed." : "Connection lost."}</b>{" "}
        <Text>{head.reason ?? ""}</Text>
      </span>
      {reconnect && (
        <Button class="rc-button rc-small" aria-disabled={asked} onClick={press}>
          {asked ? "Reconnecting…" : "Reconnect now"}
        </Button>
      )}
    </div>
  );
}

function alertTone(level: string): string {
  return /crit|err|fatal|fail/i.test(level) ? "failed" : /info|debug/i.test(level) ? "quiet" : "paused";
}

const ODDITIES: { name: "malformed" | "unknown" | "duplicates" | "missed"; says: string }[] = [
  { name: "malformed", says: "frames that could not be read; kept in the event log" },
  { name: "unknown", says: "events of a kind this console does not know; kept in the event log" },
  { name: "duplicates", says: "events that arrived more than once and were counted once" },
  { name: "missed", says: "events the server sent and we never got" },
];

/** The source of the run, and the oddities of its events. */
export function Footer() {
  const store = useStore("head", "attachment");
  const view = useView();
  const head = store.head;
  if (!head) return null;
  const over = isOver(head.link);
  const odd = ODDITIES.filter(({ name }) => head[name] > 0);
  return (
    <footer class="rc-footer">
      <Clip title={head.url}>
        {head.url} · {head.protocol}
      </Clip>
      <span class="rc-footer-counts">
        <Button
          class="rc-notify"
          aria-haspopup="dialog"
          aria-expanded={view.drawer === "keys"}
          onClick={() => view.openDrawer(view.drawer === "keys" ? null : "keys")}
        >
          Keys
        </Button>
        {store.reachable && !over && !head.replay && <NotifyButton />}
        <span>{count(head.events)} events</span>
        {odd.map(({ name, says }) => (
          <span key={name} class={name === "missed" || name === "malformed" ? "rc-tone-paused" : ""} title={says}>
            {count(head[name])} {name}
          </span>
        ))}
      </span>
    </footer>
  );
}
