/** The run on one page. Missing parts of a run take no room. */

import { useCallback, useRef } from "preact/hooks";
import type { TaskRow, TaskStatus } from "../kernel/contract";
import { useOpenTask, useStore } from "../panel/context";
import { Button } from "../ui/button";
import { count, plural } from "../ui/format";
import { Section } from "../ui/icons";
import { type Column, DataTable } from "../ui/table";
import { ACTIVE, FEW_TASKS, LATEST_ARTIFACTS, LATEST_ERRORS, PHASES, seconds, WAVES } from "./columns";
import { Line } from "./lines";
import { listOf, notSaved, partSource } from "./row-sources";
import { Subtasks } from "./subtasks";

const LINES = 10;
const ARTIFACTS = 6;
const ERRORS = 4;
/** Sections beside each other are narrow, and their tables have few columns. */
const FOLD_BELOW = 400;
/** With few tasks and no phases the tasks themselves are the overview. */
const FEW = 8;

export function Overview({ open }: { open: (tab: string) => void }) {
  const store = useStore("head", "phases", "waves", "active", "tasks", "output", "artifacts", "errors", "pages");
  const { phases, waves, active, tasks, output, artifacts, errors } = store.tables;
  const openTask = useOpenTask();
  const openRow = useCallback((row: TaskRow) => openTask(row.id), [openTask]);
  const allPhases = partSource(store, "phases");
  const allWaves = partSource(store, "waves");
  const structured = phases.rows.length > 0 || waves.rows.length > 0;
  const fewTasks = !structured && tasks.total > 0 && tasks.total <= FEW;
  const goesOn = store.head?.ended_at == null;
  const slots = useSlots(active.rows, (key) => (goesOn ? tasks.get(key) : undefined));
  const shown = fewTasks ? tasks.rows : slots;
  const nothing =
    !structured && shown.length === 0 && output.total === 0 && artifacts.total === 0 && errors.total === 0;
  if (nothing) return <p class="rc-empty">Nothing has happened yet.</p>;
  const activity = shown.length > 0 && (
    <Section
      title={fewTasks ? "Tasks" : "Active tasks"}
      note={activeNote(shown.length, active.total)}
      class="rc-area-active"
    >
      {fewTasks ? (
        <FewTasks tasks={shown} open={openRow} />
      ) : (
        <DataTable
          name="Active tasks"
          columns={ACTIVE}
          rows={listOf(shown)}
          open={openRow}
          label={taskLabel}
          foldBelow={FOLD_BELOW}
        />
      )}
    </Section>
  );
  // Runs with phases but without output leave room on the right.
  const latestRight = output.total === 0;
  const latest = artifacts.total > 0 && (
    <Latest
      title="Artifacts"
      unit="artifact"
      table={artifacts}
      columns={LATEST_ARTIFACTS}
      most={ARTIFACTS}
      open={open}
    />
  );
  return (
    <div class="rc-overview">
      <div class="rc-column">
        {phases.rows.length > 0 && (
          <Section title="Phases" note={notSaved(allPhases)} class="rc-area-phases">
            <DataTable
              name="Phases"
              columns={PHASES}
              rows={allPhases.rows}
              onSeen={allPhases.want}
              length={seconds}
              foldBelow={FOLD_BELOW}
            />
          </Section>
        )}
        {waves.rows.length > 0 && (
          <Section title="Waves" note={notSaved(allWaves)} class="rc-area-waves">
            <DataTable
              name="Waves"
              columns={WAVES}
              rows={allWaves.rows}
              onSeen={allWaves.want}
              reversed
              foldBelow={FOLD_BELOW}
            />
          </Section>
        )}
        {!structured && activity}
        {structured && !latestRight && latest}
      </div>
      <div class="rc-column">
        {structured && activity}
        {output.total > 0 && (
          <Section
            title="Output"
            note={<More total={output.total} unit="line" open={() => open("Output")} />}
            class="rc-area-output"
          >
            <div role="log" aria-label="Output" aria-live="off" class="rc-log rc-log-tail">
              {output.tail(LINES).map((row) => (
                <Line key={row.key} row={row} tagged={tasks.total > 1} />
              ))}
            </div>
          </Section>
        )}
        {errors.total > 0 && (
          <Latest title="Errors" unit="error" table={errors} columns={LATEST_ERRORS} most={ERRORS} open={open} />
        )}
        {(!structured || latestRight) && latest}
      </div>
    </div>
  );
}

const ENDED: readonly TaskStatus[] = ["completed", "failed", "cancelled", "skipped"];

/**
 * The tasks at work, the newest come first. Each keeps its place; one that has ended leaves it to the next that begins,
 * and stays there until then if `latest` has it.
 */
function useSlots(active: readonly TaskRow[], latest: (key: string) => TaskRow | undefined): readonly TaskRow[] {
  const slots = useRef<readonly TaskRow[]>([]);
  const known = new Set(slots.current.map(({ key }) => key));
  const now = new Map(active.map((row) => [row.key, row]));
  const fresh = active.filter(({ key }) => !known.has(key)).reverse();
  const ended = (key: string) => [latest(key)].find((row) => row && ENDED.includes(row.status));
  slots.current = slots.current.flatMap(({ key }) => now.get(key) ?? fresh.shift() ?? ended(key) ?? []).concat(fresh);
  return slots.current;
}

function activeNote(shown: number, total: number): string | undefined {
  return total > shown ? `${count(shown)} of ${count(total)}` : undefined;
}

function More({ total, unit, open }: { total: number; unit: string; open: () => void }) {
  return (
    <Button class="rc-link-button" onClick={open}>
      {plural(total, unit)}
    </Button>
  );
}

interface LatestProps<R extends { key: string }> {
  title: string;
  unit: string;
  table: { total: number; tail(count: number): R[] };
  columns: readonly Column<R>[];
  most: number;
  open: (tab: string) => void;
}

function Latest<R extends { key: string }>({ title, unit, table, columns, most, open }: LatestProps<R>) {
  const note = <More total={table.total} unit={unit} open={() => open(title)} />;
  return (
    <Section title={title} note={note} class={`rc-area-${title.toLowerCase()}`}>
      <DataTable name={title} columns={columns} rows={listOf(table.tail(most).reverse())} foldBelow={FOLD_BELOW} />
    </Section>
  );
}

const VERY_FEW_TASKS = 3;
const WORTH_A_LOOK: readonly TaskRow["status"][] = ["running", "paused", "failed"];

/** The subtasks of a task, below its row. */
const subtasks = (task: TaskRow) =>
  task.subtasks.length === 0 ? null : (
    <div role="row" class="rc-below">
      <div role="cell">
        <Subtasks row={task} />
      </div>
    </div>
  );

const taskLabel = (row: TaskRow) => row.name || row.id;

/** The longest time of a task and its subtasks. */
const longest = (task: TaskRow) => Math.max(...[task, ...task.subtasks].map((one) => one.duration_s ?? 0));

function FewTasks({ tasks, open }: { tasks: readonly TaskRow[]; open: (row: TaskRow) => void }) {
  const all = tasks.length <= VERY_FEW_TASKS;
  const below = (task: TaskRow) => (all || WORTH_A_LOOK.includes(task.status) ? subtasks(task) : null);
  return (
    <DataTable
      name="Tasks"
      columns={FEW_TASKS}
      rows={listOf(tasks)}
      below={below}
      length={longest}
      open={open}
      label={taskLabel}
      foldBelow={FOLD_BELOW}
    />
  );
}
