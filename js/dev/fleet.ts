/** The dev page of several runs: `?shows=fleet|inbox&theme=dark|light`. */
import board from "../src/fleet";
import type { CheckpointRow, FleetPicture, FleetRow, QuestionRow } from "../src/kernel/contract";
import { checkpoint, optionRow } from "./fake";

/** Most of the runs differ from this one in a few fields. */
function row(key: string, now: number, changes: Partial<FleetRow>): FleetRow {
  return {
    key,
    name: `run ${key}`,
    address: `ws://localhost:8000/${key}`,
    status: "running",
    words: "running",
    link: "live",
    replayed: false,
    percent: 40,
    completed_tasks: 48,
    total_tasks: 120,
    failed_tasks: 0,
    running_tasks: 3,
    cost_usd: 0.42,
    questions: 0,
    started_at: now - 600_000,
    ended_at: null,
    last_event_at: now - 3000,
    clock_offset: 0,
    ...changes,
  };
}

function picture(now: number): FleetPicture {
  const asked = (run: string, title: string, more: Partial<CheckpointRow> = {}): QuestionRow => ({
    run,
    row: checkpoint(title, {
      title,
      requested_at: now - 40_000,
      deadline: now + 90_000,
      options: [
        optionRow("approve", { label: "Approve" }),
        optionRow("delete", { label: "Delete branch", destructive: true }),
      ],
      default_action: "approve",
      ...more,
    }),
  });
  const reason = "the server closed the connection (1006)";
  return {
    version: 1,
    now,
    runs: [
      row("1", now, {
        name: "nightly backfill of all customers in the European region",
        questions: 2,
        words: "waiting for you · 2",
      }),
      row("2", now, { name: "authentication_feature", failed_tasks: 4, percent: 71.4 }),
      row("3", now, { name: "release", link: "retrying", reason, words: "connection lost" }),
      row("4", now, { name: "evaluation", status: "completed", words: "completed", link: "ended", percent: 100 }),
      row("5", now, {
        name: "migration",
        status: "failed",
        words: "failed",
        link: "ended",
        percent: 12,
        cost_usd: null,
      }),
    ],
    questions: [
      asked("1", "Merge the branch?", { deadline: now + 42_000, context: { cost: 0.42, risk: "medium" } }),
      asked("1", "Say what to do", { options: [], free_text: true, description: "The two sources differ." }),
      asked("2", "Review the specification", { context: { spec: "# A plan" } }),
      asked("2", "Deploy to staging", { status: "decided", decision: "approve", decided_by: "you" }),
    ],
    waiting: 3,
    notices: ["ws://localhost:9: nothing listens there"],
  };
}

function show(host: HTMLElement, shows: string): void {
  const values: Record<string, unknown> = { picture: picture(Date.now()), opened: "", shows };
  const listeners = new Map<string, Set<(value?: unknown) => void>>();
  const model = {
    get: (name: string) => values[name],
    on: (name: string, callback: (value?: unknown) => void) =>
      void listeners.set(name, new Set([...(listeners.get(name) ?? []), callback])),
    off: (name: string, callback: (value?: unknown) => void) => void listeners.get(name)?.delete(callback),
    send: (message: unknown) => {
      const { kind, run } = message as { kind: string; run?: string };
      if (kind !== "open") return;
      values.opened = run;
      for (const callback of listeners.get("change:opened") ?? []) callback();
    },
  };
  board.render({ model, el: host });
}

const ask = new URLSearchParams(location.search);
const theme = ask.get("theme");
if (theme) document.body.dataset.jpThemeLight = String(theme !== "dark");
const host = document.querySelector<HTMLElement>("#host");
if (host) show(host, ask.get("shows") ?? "fleet");
