/** The state of a view that survives a reload of the page: one entry for all panels of the tab, by the run's address. */
import type { TaskStatus } from "../kernel/contract";
import type { Env } from "../page/env";

export interface TaskChoice {
  status: TaskStatus | null;
  /** A name of an order; null is the usual one. */
  sort: string | null;
  descending: boolean;
}

/** The look of the output, and what is wanted of it. */
export interface OutputView {
  text?: string;
  regex?: boolean;
  /** Only the lines with the text are shown. */
  only?: boolean;
  task?: string;
  stream?: string;
  /** Lines have their times. */
  times?: boolean;
  wrap?: boolean;
}

export interface ViewState {
  /** The name of the selected tab. */
  tab?: string;
  /** The height that a person has set, in CSS pixels. */
  height?: number;
  /** The chosen status of tasks, and their order. */
  tasks?: TaskChoice;
  /** One line is shown. */
  compact?: boolean;
  output?: OutputView;
}

const ENTRY = "runconsole.views.1";
const MOST = 50;

/** The kept state of a run's view; empty if there is none. */
export function recall(env: Env, run: string): ViewState {
  return all(env).find(([name]) => name === run)?.[1] ?? {};
}

/** Keeps changes to the state of a run's view. */
export function remember(env: Env, run: string, change: ViewState): void {
  const others = all(env).filter(([name]) => name !== run);
  const state = { ...recall(env, run), ...change };
  env.keep(ENTRY, JSON.stringify([...others, [run, state]].slice(-MOST)));
}

function all(env: Env): [string, ViewState][] {
  try {
    const kept: unknown = JSON.parse(env.kept(ENTRY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one) => Array.isArray(one) && isRecord(one[1])) : [];
  } catch {
    return []; // another program's entry
  }
}

function isRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}
