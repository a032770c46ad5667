/** The dev page plays a run too long to send. */
import type { TaskStatus } from "../src/kernel/contract";
import { type FakeKernel, task } from "./fake";
import { named, PHASES } from "./names";

/** 100,000 tasks and a million lines, made on request. */
export function huge(kernel: FakeKernel): () => void {
  const statusOf = (n: number): TaskStatus =>
    n < 61_000 ? (n % 97 === 0 ? "failed" : "completed") : n < 61_012 ? "running" : "pending";
  let lines = 1_000_000;
  const line = (n: number) => ({
    key: String(n),
    task: `task_${n % 5}`,
    stream: n % 9 === 0 ? ("stderr" as const) : ("stdout" as const),
    text: `[${n}] \u001b[3${n % 8}mworker ${n % 5}\u001b[0m wrote a line of output`,
    at: Date.now(),
  });
  const row = (n: number) => {
    const status = statusOf(n);
    return task(`task_${n}`, {
      name: named(n),
      status,
      phase_name: PHASES[Math.floor(n / 20_000)]?.[0] ?? null,
      wave: Math.floor(n / 1000),
      progress: status === "running" ? n % 100 : null,
      duration_s: status === "completed" ? (n % 90) / 3 : null,
      started_at: kernel.head.started_at === null ? null : kernel.head.started_at + n * 10,
      ended_at: status === "completed" ? (kernel.head.started_at ?? 0) + n * 10 + 900 : null,
      tokens: n % 900,
    });
  };
  kernel.made.tasks = { total: () => 100_000, row };
  kernel.made.output = { total: () => lines, row: line };
  kernel.setHead({
    title: "nightly_backfill",
    link: "live",
    status: "running",
    total_tasks: 100_000,
    completed_tasks: 60_371,
    failed_tasks: 629,
    percent: 60.4,
    started_at: Date.now() - 3_600_000,
    current_task: "task_61011",
    current_task_name: named(61_011),
    counts: { pending: 38_988, running: 12, paused: 0, completed: 60_371, failed: 629, cancelled: 0, skipped: 0 },
    output_lines: lines,
    events: 2_400_112,
    duplicates: 12,
    malformed: 3,
    missed: 37,
    notice: "reconnected after 4 s: 12 events recovered, 37 missed",
  });
  for (let n = 61_000; n < 61_012; n++) kernel.put("active", row(n));
  return () => {
    for (let i = 0; i < 30; i++) kernel.mark("output", line(lines++));
    kernel.setHead({ output_lines: lines });
  };
}
