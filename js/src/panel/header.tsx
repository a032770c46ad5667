/** Title, connection, overall progress and the numbers that people look at first. */

import type { ComponentChildren } from "preact";
import type { Head } from "../kernel/contract";
import type { Store } from "../state/store";
import { TaskLink } from "../tabs/task-link";
import { Button } from "../ui/button";
import { Choice } from "../ui/choice";
import { count, dollars, plural, ticking, UNKNOWN, wholePercent } from "../ui/format";
import { Bar, Icon, StatusMark } from "../ui/icons";
import { useNow, useStore } from "./context";
import { useView } from "./view";

export function Header() {
  const store = useStore("head", "attachment");
  const head = store.head;
  if (!head) return <Waiting store={store} />;
  return (
    <header class="rc-header">
      <div class="rc-title-line">
        <h2 class="rc-title" title={head.url}>
          {head.title || head.url}
        </h2>
        {head.runs && store.reachable && (
          <Choice name="Run" value={head.run as number} of={head.runs} pick={(run) => store.replay("run", run)} />
        )}
        <Connection head={head} past={store.attachment === "recorded" ? "recorded" : head.replay && "replay"} />
        <span class="rc-run-status">
          <StatusMark status={head.status} />
        </span>
        <span class="rc-percent">
          {head.percent === null ? UNKNOWN : wholePercent(head.percent)}
          {head.percent !== null && <small>%</small>}
        </span>
        <SizeButtons />
      </div>
      <Bar name="Overall progress" value={head.percent} status={barStatus(head)} says={progressText(head)} large />
      <Facts head={head} />
    </header>
  );
}

function SizeButtons() {
  const { compact = false, maximised, change, maximise } = useView();
  return (
    <span class="rc-size">
      <Button
        class="rc-icon-button"
        aria-label="Compact"
        aria-pressed={compact}
        title={compact ? "Show the whole panel" : "Leave one line"}
        onClick={() => {
          maximise(false);
          change({ compact: maximised || !compact });
        }}
      >
        <Icon name={compact && !maximised ? "down" : "line"} />
      </Button>
      <Button
        class="rc-icon-button"
        aria-label="Maximise"
        aria-pressed={maximised}
        title={maximised ? "Back into the notebook (Escape)" : "Cover the whole page"}
        onClick={() => maximise(!maximised)}
      >
        <Icon name={maximised ? "inward" : "outward"} />
      </Button>
    </span>
  );
}

function Waiting({ store }: { store: Store }) {
  return (
    <header class="rc-header">
      <div class="rc-title-line">
        <h2 class="rc-title">Run console</h2>
        <span class="rc-pill rc-link-connecting" role="status" aria-label="Connection" aria-live="off">
          {store.reachable ? "waiting for the kernel" : "no kernel"}
        </span>
      </div>
      <Bar name="Overall progress" value={null} status={store.reachable ? "running" : "pending"} large />
    </header>
  );
}

/** `past`: the name of a picture of the past. */
function Connection({ head, past }: { head: Head; past: string | null }) {
  const now = useNow(head.link === "retrying");
  const words = past && head.link !== "ended" ? pastText(head, past) : linkText(head, now);
  return (
    // The element is a status by role; the announcements have their own live region, or each second would be read out.
    <span
      class={`rc-pill rc-link-${past === "replay" ? "ended" : past || head.link}`}
      role="status"
      aria-label="Connection"
      aria-live="off"
      title={`${head.url} (${head.protocol})`}
    >
      <i aria-hidden="true" />
      <span>{words}</span>
    </span>
  );
}

function pastText(head: Head, past: string): string {
  return past === "replay" && head.link === "live" ? past : `${past} (was ${head.link})`;
}

/** The state of a bar without a value: it moves as long as events may still come. */
function barStatus(head: Head): Head["status"] {
  const waits = head.percent === null && (head.link === "connecting" || head.link === "live");
  return waits && head.status === "pending" ? "running" : head.status;
}

export function linkText(head: Head, now: number): string {
  switch (head.link) {
    case "retrying": {
      const wait = head.retry_at === null ? null : Math.max(0, Math.ceil((head.retry_at - now) / 1000));
      return `retrying ${wait === null || wait === 0 ? "now" : `in ${wait} s`} (attempt ${head.attempt})`;
    }
    case "idle":
      return "not started";
    case "failed":
      return head.reason ? `failed: ${head.reason}` : "failed";
    default:
      return head.link;
  }
}

function progressText(head: Head): string | undefined {
  if (head.percent === null) return undefined;
  const tasks = head.total_tasks === null ? "" : `, ${head.completed_tasks} of ${plural(head.total_tasks, "task")}`;
  return `${wholePercent(head.percent)} percent${tasks}`;
}

function Facts({ head }: { head: Head }) {
  const { showTasks } = useView();
  return (
    <dl class="rc-facts">
      <Fact name="Tasks">
        {count(head.completed_tasks)}
        {head.total_tasks !== null && <span class="rc-of"> / {count(head.total_tasks)}</span>}
        {head.counts.running > 0 && (
          <Button class="rc-tag-button" title="Show these tasks" onClick={() => showTasks("running")}>
            <Tag tone="running" icon="arc" text={`${count(head.counts.running)} running`} />
          </Button>
        )}
        {head.failed_tasks > 0 && (
          <Button class="rc-tag-button" title="Show these tasks" onClick={() => showTasks("failed")}>
            <Tag tone="failed" icon="cross" text={`${count(head.failed_tasks)} failed`} />
          </Button>
        )}
      </Fact>
      <Elapsed head={head} />
      {head.current_wave !== null && <Fact name="Wave">{head.current_wave}</Fact>}
      {head.tokens_used !== null && (
        <Fact name="Tokens">
          {count(head.tokens_used)}
          <Limit name="Token budget" used={head.tokens_used} limit={head.token_budget} text={count} />
        </Fact>
      )}
      {head.cost_usd !== null && (
        <Fact name="Cost">
          {dollars(head.cost_usd)}
          <Limit name="Cost limit" used={head.cost_usd} limit={head.cost_limit} text={dollars} />
        </Fact>
      )}
      {(head.artifacts > 0 || head.expected_artifacts !== null) && (
        <Fact name="Artifacts">
          {count(head.artifacts)}
          {head.expected_artifacts !== null && <span class="rc-of"> / {count(head.expected_artifacts)}</span>}
        </Fact>
      )}
      {(head.current_task_name ?? head.current_task) !== null && head.ended_at === null && (
        <Fact name="Current task" wide>
          <TaskLink id={head.current_task ?? ""} name={head.current_task_name} />
          {head.current_task_name && head.current_task && <code class="rc-id">{head.current_task}</code>}
        </Fact>
      )}
    </dl>
  );
}

function Fact({ name, wide = false, children }: { name: string; wide?: boolean; children: ComponentChildren }) {
  return (
    <div class={`rc-fact${wide ? " rc-fact-wide" : ""}`}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Tag({ tone, icon, text }: { tone: string; icon: "arc" | "cross"; text: string }) {
  return (
    <span class={`rc-tag rc-tone-${tone}`}>
      <Icon name={icon} />
      {text}
    </span>
  );
}

function Limit(props: { name: string; used: number; limit: number | null; text: (value: number) => string }) {
  const { name, used, limit, text } = props;
  if (limit === null || limit <= 0) return null;
  const share = (used / limit) * 100;
  return (
    <span class="rc-limit">
      <span class="rc-of"> / {text(limit)}</span>
      <Bar name={name} value={share} status={share >= 100 ? "failed" : share >= 85 ? "paused" : "running"} />
    </span>
  );
}

function Elapsed({ head }: { head: Head }) {
  const ticks = head.started_at !== null && head.ended_at === null && head.duration_s === null;
  const now = useNow(ticks);
  const elapsed = elapsedSeconds(head, now);
  if (elapsed === null) return null;
  const left = ticks ? remainingSeconds(head, elapsed) : null;
  return (
    <Fact name="Elapsed">
      {ticking(elapsed)}
      {left !== null && <span class="rc-of"> · {about(left)} left</span>}
    </Fact>
  );
}

export function elapsedSeconds(head: Head, now: number): number | null {
  if (head.duration_s !== null) return head.duration_s;
  if (head.started_at === null) return null;
  // The start is by the server's clock, the present by the kernel's.
  const end = head.ended_at ?? now + head.clock_offset;
  return Math.max(0, (end - head.started_at) / 1000);
}

/** The remaining seconds: from the pace so far once it is meaningful, else from the server's estimate. */
export function remainingSeconds(head: Head, elapsed: number): number | null {
  if (head.status !== "running" || head.percent === null || head.percent >= 100) return null;
  if (head.percent >= 5 && elapsed >= 5) return (elapsed * (100 - head.percent)) / head.percent;
  if (head.estimated_duration_s === null || head.estimated_duration_s <= elapsed) return null;
  return head.estimated_duration_s - elapsed;
}

function about(seconds: number): string {
  if (seconds < 60) return `~${Math.max(5, Math.round(seconds / 5) * 5)}s`;
  if (seconds < 3600) return `~${Math.round(seconds / 60)}m`;
  return `~${(seconds / 3600).toFixed(1)}h`;
}
