/** The dev page plays a run of the execution family. */
import type { RunStatus, TaskRow, UsageRow } from "../src/kernel/contract";
import { type FakeKernel, task } from "./fake";
import { event, NOUNS, named, PHASES, pick } from "./names";

/**
 * The example run: 5 phases, 120 tasks, 8 waves, 45 artifacts, errors with retries. `at` is the share that is done at
 * once; `clean` is a run without failures.
 */
export function execution(kernel: FakeKernel, at: number, clean = false): () => void {
  const now = Date.now();
  const started = now - at * 620_000 - 1000;
  kernel.setHead({
    title: "authentication_feature",
    link: "live",
    status: "running",
    total_tasks: 120,
    started_at: started,
    estimated_duration_s: 600,
    token_budget: 60_000,
    cost_limit: 1,
    expected_artifacts: 45,
    tokens_used: 0,
    cost_usd: 0,
  });
  const phaseOf = (n: number) => {
    let rest = n;
    for (const [i, [, size]] of PHASES.entries()) {
      if (rest < size) return i;
      rest -= size;
    }
    return PHASES.length - 1;
  };
  let done = 0;
  let failed = 0;
  const running: TaskRow[] = [];
  const put = (row: TaskRow) => kernel.put("tasks", row);
  const finish = (time: number) => {
    const first = running.shift();
    if (first) {
      const bad = !clean && Number(first.id.slice(5)) % 41 === 40;
      const seconds = (time - (first.started_at ?? time)) / 1000;
      if (bad) failed++;
      else done++;
      put({
        ...first,
        status: bad ? "failed" : "completed",
        progress: bad ? 62 : 100,
        ended_at: time,
        duration_s: seconds,
        tokens: 420 + ((done * 37) % 800),
        cost_usd: 0.003 + (done % 5) / 1000,
        attempts: bad ? 4 : null,
        max_retries: 4,
        error: bad ? "AssertionError: expected 401, got 200" : null,
      });
      kernel.add("events", event("progress_update", first.id, time, `{"task_id":"${first.id}","status":"completed"}`));
      if (done % 8 < 3) {
        const path = `src/${pick(["services", "models", "tests", "api/v2/handlers"], done)}/${pick(NOUNS, done).replaceAll(" ", "_").replace(".py", "")}_${done}.py`;
        kernel.add("artifacts", {
          path,
          size: 700 + done * 91,
          type: "file",
          language: "python",
          task: first.id,
          action: "created",
          at: time,
        });
      }
      if (done % 17 === 9 || bad) {
        const stack =
          'Traceback (most recent call last):\n  File "tests/test_auth.py", line 42, in test_refuses\n    assert status == 401\nAssertionError: expected 401, got 200';
        kernel.add("errors", {
          task: first.id,
          task_name: first.name,
          message: "Test assertion failed: expected 401, got 200",
          error_type: "AssertionError",
          recoverable: !bad,
          attempt: bad ? 4 : 1,
          max_retries: 4,
          stack,
          at: time,
          group: "assertion",
          outcome: bad ? "fatal" : "recovered",
        });
      }
    }
    begin(time);
    rest(time);
  };
  const begin = (time: number) => {
    const begun = done + failed + running.length;
    if (begun < 120) {
      const phase = phaseOf(begun);
      const id = `task_${String(begun + 1).padStart(3, "0")}`;
      const name = named(begun);
      const row = task(id, {
        name,
        phase,
        phase_name: PHASES[phase]?.[0] ?? null,
        wave: 1 + Math.floor(begun / 15),
        status: "running",
        progress: null,
        started_at: time,
      });
      running.push(row);
      put(row);
    }
  };
  const rest = (time: number) => {
    const wave = 1 + Math.floor(Math.min(119, done + failed) / 15);
    for (const [i, [name, size]] of PHASES.entries()) {
      const mine = (kernel.rows.tasks as TaskRow[]).filter((row) => row.phase === i);
      const completed = mine.filter((row) => row.status === "completed").length;
      const bad = mine.filter((row) => row.status === "failed").length;
      const over = completed + bad === size;
      const status: RunStatus = over ? (bad > 0 ? "partial" : "completed") : mine.length > 0 ? "running" : "pending";
      const share = (completed / size) * 100;
      kernel.put("phases", {
        key: String(i),
        number: i,
        name,
        tasks: size,
        completed,
        failed: bad,
        cancelled: 0,
        progress: share,
        status,
        started_at: mine[0]?.started_at ?? null,
        duration_s: over ? size * 5.1 : null,
      } as never);
    }
    for (let w = 1; w <= wave; w++) {
      const over = w < wave || done + failed === 120;
      kernel.put("waves", {
        key: String(w),
        wave: w,
        status: over ? "completed" : "running",
        atoms: over ? 100 : null,
        atoms_completed: over ? 100 - (w % 3) : null,
        failed: over ? w % 3 : null,
        success_rate: over ? 1 - (w % 3) / 100 : null,
        artifacts: null,
        duration_s: over ? 41 + w * 3.3 : null,
      } as never);
    }
    kernel.replace("active", [...running].reverse());
    const last = running.at(-1);
    const over = done + failed >= 120;
    const seconds = Math.floor((time - started) / 4000) * 4;
    const usage: UsageRow = {
      key: String(seconds),
      at: time,
      tasks: done,
      tokens: done * 562,
      cost_usd: done * 0.0035,
    };
    kernel.put("usage", usage);
    kernel.setHead({
      percent: (done / 120) * 100,
      completed_tasks: done,
      failed_tasks: failed,
      counts: {
        pending: 120 - done - failed - running.length,
        running: running.length,
        paused: 0,
        completed: done,
        failed,
        cancelled: 0,
        skipped: 0,
      },
      current_task: last?.id ?? null,
      current_task_name: last?.name ?? null,
      current_wave: wave,
      tokens_used: done * 562,
      cost_usd: done * 0.0035,
      artifacts: kernel.rows.artifacts.length,
      errors: kernel.rows.errors.length,
      errors_fatal: failed,
      errors_open: 0,
      events: kernel.rows.events.length,
      ...(over
        ? {
            status: failed ? ("partial" as const) : ("completed" as const),
            ended_at: time,
            duration_s: (time - started) / 1000,
            link: "ended" as const,
          }
        : {}),
    });
  };
  kernel.add(
    "events",
    event("execution_started", null, started, '{"execution_id":"exec_20251116_abc123","total_tasks":120}'),
  );
  const steps = Math.round(at * 123);
  if (at > 0) for (let i = 0; i < 3; i++) begin(started + i * 900);
  for (let i = 0; i < steps; i++) finish(started + ((i + 1) / Math.max(1, steps)) * (now - started));
  return () => {
    if (done + failed < 120) finish(Date.now());
  };
}
