/** Title, connection, overall progress and the numbers that people look at first. */

import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import type { Head } from "../kernel/contract";
import type { Store } from "../state/store";
import { Button } from "../ui/button";
import { Choice } from "../ui/choice";
import { Pace, rangeText, remaining } from "../ui/estimate";
import { clock, count, dollars, duration, moment, plural, ticking, UNKNOWN, wholePercent } from "../ui/format";
import { Bar, Icon, StatusMark } from "../ui/icons";
import { isQuiet, silence, standing } from "../ui/standing";
import { limitTone, limitWords, usedShare } from "../usage/limits";
import { useNow, usePanel, useStore } from "./context";
import { useView } from "./view";

export function Header() {
  const store = useStore("head", "attachment", "checkpoints");
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
        <Standing store={store} head={head} />
        <span class="rc-percent">
          {head.percent === null ? UNKNOWN : wholePercent(head.percent)}
          {head.percent !== null && <small>%</small>}
        </span>
        <SizeButtons />
      </div>
      <Bar name="Overall progress" value={head.percent} status={barStatus(head)} says={progressText(head)} large />
      <Facts store={store} head={head} />
    </header>
  );
}

function SizeButtons() {
  const { fill, aside } = usePanel();
  const { compact = false, maximised, change, maximise } = useView();
  return (
    <span class="rc-size">
      {aside && !maximised && (
        <Button class="rc-icon-button" aria-label="Open in side bar" title="Open in the side bar" onClick={aside}>
          <Icon name="aside" />
        </Button>
      )}
      {!fill && (
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
      )}
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

/** The run's status; the kernel's own announcements read its changes out. */
function Standing({ store, head }: { store: Store; head: Head }) {
  const now = useNow(head.status === "running" && head.ended_at === null);
  const { text, tone, mark } = standing(head, now, asked(store));
  return (
    <span class="rc-run-status" role="status" aria-label="Run status" aria-live="off">
      <StatusMark status={mark} tone={tone} word={text} />
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

function Facts({ store, head }: { store: Store; head: Head }) {
  const { showTasks } = useView();
  const ticks = head.started_at !== null && head.ended_at === null;
  const now = useNow(ticks);
  const elapsed = elapsedSeconds(head, now);
  const tasks = usePace(now, head.completed_tasks);
  const countsWidth = 2.4 * count(head.total_tasks).length + 2;
  const perMinute = elapsed === null || !ticks ? null : tasks.recent(now, elapsed);
  // Every fact has its room from the beginning, so that none moves, and no line is added, when another becomes known.
  return (
    <dl class="rc-facts">
      {/* As wide as it can become, so that nothing beside it moves: the counts, what runs and what failed. */}
      <Fact name="Tasks" width={Math.ceil(countsWidth) + 21}>
        <span style={{ minWidth: `${countsWidth}ch` }}>
          {count(head.completed_tasks)}
          {head.total_tasks !== null && <span class="rc-of"> / {count(head.total_tasks)}</span>}
        </span>
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
      <Elapsed head={head} now={now} elapsed={elapsed} asked={asked(store)} />
      <LastEvent head={head} now={now} />
      <Fact name="Rate" width={8}>
        <OverTime name="Rate">{perMinute === null ? UNKNOWN : `${rate(perMinute * 60)} / min`}</OverTime>
      </Fact>
      <Fact
        name="Tokens"
        width={limitWidth(head.token_budget, count)}
        share={usedShare(head.tokens_used, head.token_budget)}
      >
        <OverTime name="Tokens">{count(head.tokens_used)}</OverTime>
        <Limit name="Token budget" used={head.tokens_used} limit={head.token_budget} text={count} />
      </Fact>
      <Fact name="Cost" width={limitWidth(head.cost_limit, dollars)} share={usedShare(head.cost_usd, head.cost_limit)}>
        <OverTime name="Cost">{dollars(head.cost_usd)}</OverTime>
        <Limit name="Cost limit" used={head.cost_usd} limit={head.cost_limit} text={dollars} />
      </Fact>
      <Fact name="Artifacts" width={head.current_wave === null ? 14 : 8}>
        {count(head.artifacts)}
        {head.expected_artifacts !== null && <span class="rc-of"> / {count(head.expected_artifacts)}</span>}
      </Fact>
      {head.current_wave !== null && (
        <Fact name="Wave" width={4}>
          {head.current_wave}
        </Fact>
      )}
    </dl>
  );
}

/** The room for a number, and for its limit with the bar of it. */
function limitWidth(limit: number | null, text: (value: number) => string): number {
  return limit === null ? 9 : 2 * text(limit).length + 9;
}

/** The pace of a number that grows. */
function usePace(now: number, value: number | null): Pace {
  const pace = useRef<Pace | null>(null);
  pace.current ??= new Pace();
  pace.current.note(now, value);
  return pace.current;
}

/** 0.42 → "0.4", 12.3 → "12". */
function rate(perMinute: number): string {
  return perMinute < 10 ? perMinute.toFixed(1) : count(perMinute);
}

/** A number that opens its chart. */
function OverTime({ name, children }: { name: string; children: string }) {
  const { drawer, openDrawer } = useView();
  return (
    <Button
      class="rc-fact-button"
      aria-label={`${name} ${children}, over time`}
      aria-haspopup="dialog"
      aria-expanded={drawer === "usage"}
      title="Show it over time"
      onClick={() => openDrawer(drawer === "usage" ? null : "usage")}
    >
      {children}
    </Button>
  );
}

/** `width`: the room it keeps, in characters. `share`: the used part of its limit, in percent. */
function Fact(props: { name: string; width?: number; share?: number | null; children: ComponentChildren }) {
  const { name, width, share = null, children } = props;
  const words = limitWords(share);
  return (
    <div
      class={`rc-fact rc-fact-${name.split(" ")[0]?.toLowerCase()}`}
      style={width === undefined ? undefined : { minWidth: `${width}ch` }}
    >
      <dt>
        {name}
        {words && <span class={`rc-fact-words rc-tone-${limitTone(share)}`}> · {words}</span>}
      </dt>
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

function Limit(props: { name: string; used: number | null; limit: number | null; text: (value: number) => string }) {
  const { name, used, limit, text } = props;
  const share = usedShare(used, limit);
  if (limit === null || share === null) return null;
  return (
    <span class="rc-limit">
      <span class="rc-of"> / {text(limit)}</span>
      <Bar name={name} value={share} status={limitTone(share)} />
    </span>
  );
}

/** The time so far, and the range of the rest: none while the run waits for a person, or stands still. */
function Elapsed(props: { head: Head; now: number; elapsed: number | null; asked: number }) {
  const { head, now, elapsed, asked } = props;
  const pace = usePace(now, head.percent);
  const waits = head.status !== "running" || asked > 0 || isQuiet(head, now) || elapsed === null;
  const left = waits ? null : remaining(head.percent, elapsed, pace.recent(now, elapsed));
  const guess = waits || head.percent !== null ? null : head.estimated_duration_s;
  return (
    <Fact name="Elapsed" width={20}>
      <span>
        {ticking(elapsed)}
        {left !== null && <span class="rc-of"> · {rangeText(left)}</span>}
        {left === null && guess !== null && elapsed !== null && guess > elapsed && (
          <span class="rc-of"> · {rangeText([guess - elapsed, guess - elapsed])}</span>
        )}
      </span>
    </Fact>
  );
}

/** The age of the newest event: a silence must not look like life. */
function LastEvent({ head, now }: { head: Head; now: number }) {
  const at = head.last_event_at ?? null;
  const seconds = silence(head, now);
  const quiet = isQuiet(head, now);
  const usual = head.usual_gap_s == null ? "" : `, usually one each ${duration(head.usual_gap_s)}`;
  return (
    <Fact name="Last event" width={10}>
      <span
        role="status"
        aria-label="Last event"
        aria-live="off"
        class={quiet ? "rc-tone-paused" : ""}
        title={at === null ? undefined : `${moment(at)}${usual}`}
      >
        {at === null ? UNKNOWN : seconds === null ? clock(at) : `${ticking(seconds)} ago`}
      </span>
    </Fact>
  );
}

/** Open questions that wait for a person's answer. */
function asked(store: Store): number {
  if (!store.reachable) return 0;
  const answered = store.checkpoints(true).filter((row) => row.status === "sending").length;
  return Math.max(0, (store.head?.questions ?? store.checkpoints(true).length) - answered);
}

export function elapsedSeconds(head: Head, now: number): number | null {
  if (head.duration_s !== null) return head.duration_s;
  if (head.started_at === null) return null;
  // The start is by the server's clock, the present by the kernel's.
  const end = head.ended_at ?? now + head.clock_offset;
  return Math.max(0, (end - head.started_at) / 1000);
}
