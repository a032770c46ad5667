/** The runs that the dev page plays. */
import type { SubtaskRow, TaskRow, TaskStatus } from "../src/model";
import { checkpoint, type FakeKernel, task } from "./fake";

const PHASES = [
  ["Discovery", 5],
  ["Analysis", 15],
  ["Planning", 20],
  ["Execution", 70],
  ["Validation", 10],
] as const;
const VERBS = ["Implement", "Refactor", "Validate", "Document", "Design", "Review"];
const NOUNS = [
  "auth.py",
  "session store",
  "rate limiter",
  "user model",
  "password reset flow",
  "token rotation",
  "audit log",
];

const pick = <T>(items: readonly T[], n: number): T => items[n % items.length] as T;
const named = (n: number) => `${pick(VERBS, n * 7)} ${pick(NOUNS, n * 3 + Math.floor(n / 5))}`;

/** Seed 1: 5 phases, 120 tasks, 8 waves, 45 artifacts, errors with retries. `at` is the share that is done at once. */
export function execution(kernel: FakeKernel, at: number): () => void {
  const now = Date.now();
  const started = now - at * 620_000 - 1000;
  kernel.setHead({
    title: "authentication_feature",
    link: "live",
    status: "running",
    total_tasks: 120,
    started_at: started,
    estimated_duration_s: 600,
    token_budget: 100_000,
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
      const bad = Number(first.id.slice(5)) % 41 === 40;
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
        attempts: bad ? 4 : 1,
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
      const status: TaskStatus = over ? (bad > 0 ? "failed" : "completed") : mine.length > 0 ? "running" : "pending";
      const share = (completed / size) * 100;
      kernel.put("phases", {
        key: String(i),
        number: i,
        name,
        tasks: size,
        completed,
        failed: bad,
        progress: share,
        status,
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

/** Seed 2: four tasks with subtasks, colored output, checkpoints. */
export function tasks(kernel: FakeKernel, open: number): () => void {
  const now = Date.now();
  const steps = ["Reading the specification", "Writing src/auth/session.ts", "Running the tests", "Reviewing the diff"];
  const names = ["Add OAuth login", "Migrate sessions to Redis", "Rate-limit the public API", "Document the auth flow"];
  const sub = (i: number, progress: number): SubtaskRow[] =>
    ["Specification", "Implementation", "Tests", "Review"].map((name, n) => {
      const mine = Math.max(0, Math.min(100, progress * 4 - n * 100));
      const status: TaskStatus = mine >= 100 ? "completed" : mine > 0 ? "running" : "pending";
      return {
        id: `sub-${i}-${n}`,
        name,
        description: `${name} by agent ${n + 1}`,
        status,
        progress: mine,
        duration_s: mine >= 100 ? 12.4 + n * 7 : null,
      };
    });
  let progress = 22;
  const update = () => {
    const rows = names.map((name, i) => {
      const mine = Math.max(0, Math.min(100, progress * 1.3 - i * 22));
      const status: TaskStatus =
        mine >= 100 ? "completed" : i === 1 && open > 0 ? "paused" : mine > 0 ? "running" : "pending";
      return task(`task-${i + 1}`, {
        name,
        status,
        progress: mine,
        step:
          status === "running"
            ? pick(steps, Math.floor(mine / 26))
            : status === "paused"
              ? "Waiting for approval"
              : null,
        phase_name: pick(["specification", "implementation", "validation"], Math.floor(mine / 40)),
        started_at: mine > 0 ? now - 240_000 + i * 50_000 : null,
        ended_at: mine >= 100 ? Date.now() : null,
        subtasks: sub(i, mine),
        worker_id: `worker-${i + 1}`,
        provider_id: "claude-code",
        tokens: Math.round(mine * 310),
        cost_usd: mine * 0.004,
      });
    });
    for (const row of rows) kernel.put("tasks", row);
    kernel.replace(
      "active",
      rows.filter((row) => row.status === "running" || row.status === "paused"),
    );
    const mean = rows.reduce((sum, row) => sum + (row.progress ?? 0), 0) / rows.length;
    const count = (status: TaskStatus) => rows.filter((row) => row.status === status).length;
    kernel.setHead({
      percent: mean,
      completed_tasks: count("completed"),
      counts: {
        pending: count("pending"),
        running: count("running"),
        paused: count("paused"),
        completed: count("completed"),
        failed: 0,
        cancelled: 0,
        skipped: 0,
      },
      current_task: "task-1",
      current_task_name: names[0] ?? null,
      tokens_used: Math.round(mean * 1240),
      cost_usd: mean * 0.016,
      events: kernel.rows.events.length,
      output_lines: kernel.rows.output.length,
    });
  };
  kernel.setHead({
    title: "All tasks",
    url: "wss://ado.example/trpc",
    protocol: "trpc",
    link: "live",
    status: "running",
    total_tasks: 4,
    started_at: now - 245_000,
    tokens_used: 0,
    cost_usd: 0,
    cost_limit: 5,
  });
  const lines = [
    "\u001b[1m$ npm test -- --run auth\u001b[0m",
    "\u001b[32m✓\u001b[0m src/auth/session.test.ts \u001b[2m(14 tests)\u001b[0m \u001b[33m312ms\u001b[0m",
    "\u001b[31m✗\u001b[0m src/auth/oauth.test.ts > refuses an expired state",
    "  \u001b[31mAssertionError\u001b[0m: expected \u001b[32m401\u001b[0m to be \u001b[31m200\u001b[0m",
    "Editing src/auth/oauth.ts (+18 −4)",
    "See https://github.com/example/shop/pull/482 for the review",
    "\u001b[36minfo\u001b[0m  provider claude-code: 12 tool calls, 34.1k tokens <b>not bold</b>",
  ];
  let n = 0;
  const write = () => {
    const text = pick(lines, n);
    kernel.add("output", {
      task: `task-${1 + (n % 3)}`,
      stream: n % 7 === 3 || n % 7 === 2 ? "stderr" : "stdout",
      text,
      at: Date.now(),
    });
    kernel.add(
      "events",
      event(
        n % 11 === 5 ? "agent.thinking" : n % 13 === 6 ? "malformed" : n % 17 === 8 ? "provider.warmup" : "task.output",
        `task-${1 + (n % 3)}`,
        Date.now(),
        JSON.stringify({ taskId: `task-${1 + (n % 3)}`, stream: "stdout", data: text }),
      ),
    );
    n++;
  };
  for (let i = 0; i < 40; i++) write();
  const ask = (id: string, more: Parameters<typeof checkpoint>[1]) =>
    kernel.put("checkpoints", checkpoint(id, { requested_at: Date.now() - 28_000, ...more }));
  if (open > 0)
    ask("cp-1", {
      title: "Approve the specification of “Migrate sessions to Redis”",
      task: "task-2",
      task_name: "Migrate sessions to Redis",
      description:
        "The specification is ready. It replaces the in-memory session store with Redis and adds a migration of open sessions.",
      context: {
        spec: "# Sessions in Redis\n\n## Goals\n- Sessions survive a restart of the API\n- p95 of a session read under 5 ms\n\n## Design\nEvery session is one hash `sess:<id>` with a TTL of 14 days.\nThe cookie stays as it is.\n\n## Migration\n1. Write to both stores\n2. Read from Redis, fall back to memory\n3. Remove the memory store",
        changes: ["add src/session/redis.ts", "modify src/session/index.ts", "remove src/session/memory.ts"],
        cost: 0.42,
        risk: "medium",
      },
      deadline: now + 272_000,
    });
  if (open > 1)
    ask("cp-2", {
      title: "Merge the rate limiter?",
      type: "architecture",
      task: "task-3",
      task_name: "Rate-limit the public API",
      description: "All checks pass. The diff touches the request pipeline.",
      context: {
        changes: [
          "diff --git a/src/api/limit.ts b/src/api/limit.ts\n--- a/src/api/limit.ts\n+++ b/src/api/limit.ts\n@@ -10,6 +10,9 @@ export function limit(req) {\n   const key = keyOf(req);\n-  return true;\n+  const used = counter.hit(key);\n+  if (used > MAX) throw new TooManyRequests();\n+  return used <= MAX;\n }",
        ],
        other: '{\n  "coverage": 91.2,\n  "reviewers": ["ana", "jiri"]\n}',
      },
      default_action: "reject",
      deadline: now + 24_000,
      options: [
        {
          id: "merge",
          label: "Merge",
          description: "Squash and merge now",
          is_default: false,
          destructive: false,
          modifies: false,
        },
        {
          id: "later",
          label: "Ask me later",
          description: null,
          is_default: false,
          destructive: false,
          modifies: false,
        },
        {
          id: "reject",
          label: "Reject",
          description: "Close the pull request",
          is_default: true,
          destructive: true,
          modifies: false,
        },
      ],
    });
  update();
  kernel.onDecide = ({ id, checkpoint: cp, option, feedback }) => {
    const row = kernel.rows.checkpoints.find(({ key }) => key === cp) as ReturnType<typeof checkpoint> | undefined;
    if (!row) return kernel.model.receive({ kind: "answer", id, ok: false, error: `there is no checkpoint ${cp}` });
    kernel.model.receive({ kind: "answer", id, ok: true, error: null });
    const put = (more: Partial<typeof row>) => {
      kernel.put("checkpoints", { ...row, decision: option, feedback, ...more });
      kernel.publish();
    };
    put({ status: "sending", delivery: "sent" });
    setTimeout(() => {
      put({ status: "decided", delivery: "acknowledged", decided_by: "you", decided_at: Date.now() });
      kernel.add("decisions", {
        checkpoint: cp,
        title: row.title,
        option,
        feedback,
        state: "applied",
        by: "you",
        requested_at: row.requested_at,
        sent_at: Date.now() - 300,
        acknowledged_at: Date.now(),
        error: null,
      });
    }, 900);
  };
  return () => {
    progress += 0.6;
    write();
    update();
  };
}

/** 100,000 tasks and a million lines, made when asked for. */
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

function event(type: string, taskId: string | null, at: number, payload: string) {
  const kind =
    type === "malformed"
      ? ("malformed" as const)
      : type === "provider.warmup"
        ? ("unknown" as const)
        : ("known" as const);
  return { type, task: taskId, at, kind, payload };
}
