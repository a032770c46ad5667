/** The drawer of a task: its parts, its focus, and the ways to it. */
import { describe, expect, test } from "vitest";
import { task } from "../../dev/fake";
import { artifact, failure, NOTHING, subtask } from "../rows";
import { Bench, fakeTime, later, lines, NOW, picture, table } from "../support";

fakeTime();

const row = task("t1", {
  name: "Log in",
  status: "failed",
  error: "boom",
  started_at: NOW - 40_000,
  ended_at: NOW - 10_000,
  duration_s: 30,
  attempts: 2,
  max_retries: 4,
  tokens: 1200,
  cost_usd: 0.5,
  subtasks: [subtask("s1")],
  subtasks_total: 1,
});
const history = {
  ...NOTHING,
  errors: [failure(0, { message: "first" }), failure(1, { attempt: 2, message: "second" })],
  errors_total: 2,
  files: [artifact(0)],
  files_total: 1,
  questions: [
    {
      key: "c",
      title: "Ship it?",
      status: "decided" as const,
      answer: "Approve",
      by: "policy",
      asked_at: NOW - 30_000,
      decided_at: NOW - 25_000,
    },
  ],
  questions_total: 1,
  output: lines(0, 3) as never,
  output_searched: 3,
};

async function open() {
  const bench = await new Bench().show(
    picture(
      {},
      {
        ...{ tasks: table([row, task("t2")]), errors: table([failure(0)]), artifacts: table([artifact(0)]) },
        output: table([
          { key: "0", task: "t1", name: "Log in", stream: "stdout", text: "hello", at: NOW },
          { key: "1", task: "t2", stream: "stdout", text: "hello too", at: NOW },
        ]),
      },
    ),
  );
  await bench.tab("Tasks");
  const opener = bench.get.getByRole("button", { name: "Details of Log in" });
  opener.focus();
  opener.click();
  await later();
  return bench;
}

const dialog = (bench: Bench) => bench.get.queryByRole("dialog", { name: "Task Log in" });
const press = async (key: string, more: KeyboardEventInit = {}) => {
  document.activeElement?.dispatchEvent(
    new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }),
  );
  await later();
};

describe("the drawer of a task", () => {
  test("has its error, attempts, files, questions and output", async () => {
    const bench = await open();
    const [asked] = bench.sent("task");
    expect(asked?.task).toBe("t1");
    bench.model.receive({ kind: "task", id: asked?.id ?? "", row, history });
    await later();
    const text = dialog(bench)?.textContent ?? "";
    for (const word of ["failed", "boom", "Sub s1", "attempt 2 of 4", "second", "Traceback: here"])
      expect(text).toContain(word);
    for (const word of ["src/file_0.py", "Ship it?", "Approve by your policy", "line 2", "1,200", "$0.50"])
      expect(text).toContain(word);
    expect(text.indexOf("second")).toBeLessThan(text.indexOf("first"));
  });

  test("shows what is here until the kernel answers, and without one", async () => {
    const bench = await open();
    expect(dialog(bench)?.textContent).toContain("Test assertion failed");
    expect(dialog(bench)?.textContent).toContain("src/file_0.py");
  });

  test("asks again when something has changed, and not otherwise", async () => {
    const bench = await open();
    bench.model.receive({ kind: "task", id: bench.sent("task")[0]?.id ?? "", row, history });
    await later(5000);
    expect(bench.sent("task")).toHaveLength(1);
    await bench.patch({ tasks: { set: [{ ...row, tokens: 9 }] } });
    await later(2500);
    expect(bench.sent("task")).toHaveLength(2);
    expect(dialog(bench)?.textContent).toContain("9");
  });

  test("takes the focus, keeps it, and gives it back on Escape", async () => {
    const bench = await open();
    expect(document.activeElement).toBe(dialog(bench));
    await press("Tab", { shiftKey: true });
    const last = document.activeElement;
    expect(dialog(bench)?.contains(last)).toBe(true);
    await press("Tab");
    expect(document.activeElement).toBe(bench.get.getByRole("button", { name: "Close" }));
    await press("Escape");
    expect(dialog(bench)).toBeNull();
    expect(document.activeElement).toBe(bench.get.getByRole("button", { name: "Details of Log in" }));
  });

  test("is reached from the errors, the artifacts and the output", async () => {
    const bench = await open();
    await press("Escape");
    for (const [tab, name] of [
      ["Errors", "Run tests"],
      ["Artifacts", "t1"],
      ["Output", "Log in"],
    ] as const) {
      await bench.tab(tab);
      bench.get.getAllByRole("button", { name }).at(-1)?.click();
      await later();
      expect(dialog(bench)).not.toBeNull();
      await press("Escape");
    }
  });

  test("says so of a task that the run does not have", async () => {
    const bench = await open();
    await press("Escape");
    await bench.patch({ head: { current_task: "ghost", current_task_name: "Ghost", ended_at: null } });
    bench.get.getByRole("button", { name: "Ghost" }).click();
    await later();
    const asked = bench.sent("task").at(-1);
    expect(asked?.task).toBe("ghost");
    bench.model.receive({ kind: "task", id: asked?.id ?? "", row: null, history: null });
    await later();
    expect(bench.get.getByRole("dialog", { name: "Task ghost" }).textContent).toContain("has told nothing");
  });
});
