/** The dev page plays a run of the task family. */
import type { SubtaskRow, TaskStatus } from "../src/kernel/contract";
import { checkpoint, type FakeKernel, task } from "./fake";
import { event, pick } from "./names";

/** Four tasks with subtasks, colored output, checkpoints. */
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
    url: "wss://tasks.example/trpc",
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
  kernel.onDecide = ({ id, checkpoint: cp, answer: { option, feedback = null } }) => {
    const row = kernel.rows.checkpoints.find(({ key }) => key === cp) as ReturnType<typeof checkpoint> | undefined;
    if (!row) return kernel.model.receive({ kind: "answer", id, ok: false, error: `there is no checkpoint ${cp}` });
    kernel.model.receive({ kind: "answer", id, ok: true, error: null });
    const put = (more: Partial<typeof row>) => {
      kernel.put("checkpoints", { ...row, answer: option, decision: option, feedback, ...more });
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
        took_s: (Date.now() - (row.requested_at ?? Date.now())) / 1000,
        at: Date.now(),
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
