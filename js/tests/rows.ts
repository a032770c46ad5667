/** Rows of every table, for the tests of the views. */
import { task } from "../dev/fake";
import type {
  ArtifactRow,
  ErrorRow,
  OutputRow,
  PhaseRow,
  SubtaskRow,
  TaskHistory,
  WaveRow,
} from "../src/kernel/contract";
import { lines, NOW, picture, table } from "./support";

export const phase = (number: number, more: Partial<PhaseRow> = {}): PhaseRow => ({
  key: String(number),
  number,
  name: ["Discovery", "Analysis"][number] ?? "Other",
  tasks: 20,
  completed: 12,
  failed: 0,
  progress: 60,
  status: "running",
  duration_s: null,
  ...more,
});
export const wave = (n: number): WaveRow => ({
  key: String(n),
  wave: n,
  status: "completed",
  atoms: 120,
  atoms_completed: 118,
  failed: 2,
  success_rate: 0.983,
  artifacts: null,
  duration_s: 45,
});
export const subtask = (id: string, more: Partial<SubtaskRow> = {}): SubtaskRow => ({
  id,
  name: `Sub ${id}`,
  description: null,
  status: "running",
  progress: 30,
  duration_s: null,
  ...more,
});
export const artifact = (n: number): ArtifactRow => ({
  key: String(n),
  path: `src/file_${n}.py`,
  size: 2150,
  type: "file",
  language: "python",
  task: "t1",
  action: "created",
  at: NOW,
});
export const failure = (n: number, more: Partial<ErrorRow> = {}): ErrorRow => ({
  key: String(n),
  task: "t1",
  task_name: "Run tests",
  message: "Test assertion failed",
  error_type: "AssertionError",
  recoverable: true,
  attempt: 1,
  max_retries: 4,
  stack: "Traceback: here",
  at: NOW,
  ...more,
});
/** The history of a task of which only its row is known. */
export const NOTHING: TaskHistory = {
  errors: [],
  errors_total: 0,
  files: [],
  files_total: 0,
  questions: [],
  questions_total: 0,
  output: [],
  output_searched: 0,
};
export const full = () =>
  picture(
    { percent: 37.5, total_tasks: 120, completed_tasks: 45, failed_tasks: 1, events: 12, malformed: 2, missed: 3 },
    {
      phases: table([phase(0), phase(1)]),
      waves: table([wave(1)]),
      tasks: table([task("t1", { name: "Run tests", status: "running", progress: 40 })]),
      active: table([task("t1", { name: "Run tests", status: "running", progress: 40 })]),
      output: table(lines(0, 30) as OutputRow[]),
      artifacts: table([artifact(0), artifact(1)]),
      errors: table([failure(0)]),
    },
  );
