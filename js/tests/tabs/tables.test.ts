import { describe, expect, test } from "vitest";
import { task } from "../../dev/fake";
import { artifact, failure, full, NOTHING, subtask } from "../rows";
import { Bench, fakeTime, later, NOW, picture, table } from "../support";

fakeTime();

describe("tasks", () => {
  const rows = [
    task("t1", {
      name: "Log in",
      status: "running",
      progress: 40,
      tokens: 1200,
      subtasks: [subtask("s1")],
      subtasks_total: 1,
    }),
    task("t2", { name: "Log out", status: "failed", error: "boom", attempts: 2, max_retries: 4 }),
    task("t3", { status: "completed" }),
  ];
  const counts = { pending: 0, running: 1, paused: 0, completed: 1, failed: 1, cancelled: 0, skipped: 0 };
  const open = async () => {
    const bench = await new Bench().show(picture({ counts }, { tasks: table(rows) }));
    await bench.tab("Tasks");
    return bench;
  };
  const shown = (bench: Bench) => bench.get.getByRole("table", { name: "Tasks" }).textContent ?? "";

  test("are a table with a named bar and a status in words for each", async () => {
    const bench = await open();
    expect(bench.get.getByRole("progressbar", { name: "Log in" }).getAttribute("aria-valuenow")).toBe("40");
    expect(bench.get.getByRole("progressbar", { name: "t3" }).getAttribute("aria-valuenow")).toBe("100");
    for (const word of ["running", "failed", "completed"]) expect(shown(bench)).toContain(word);
    expect(shown(bench)).toContain("2/4");
  });

  test("unfold for subtasks", async () => {
    const bench = await open();
    const parts = bench.get.getByRole("button", { name: "Parts of Log in" });
    expect(parts.getAttribute("aria-expanded")).toBe("false");
    parts.click();
    await later();
    expect(shown(bench)).toContain("Sub s1");
  });

  test("unfold for attempts, which the kernel knows", async () => {
    const bench = await open();
    bench.get.getByRole("button", { name: "Parts of Log out" }).click();
    await later();
    const [asked] = bench.sent("task");
    expect(asked?.task).toBe("t2");
    const history = { ...NOTHING, errors: [failure(0, { attempt: 2, message: "boom again" })], errors_total: 1 };
    bench.model.receive({ kind: "task", id: asked?.id ?? "", row: rows[1] as never, history });
    await later();
    expect(shown(bench)).toContain("boom again");
    expect(shown(bench)).toContain("attempt 2 of 4");
  });

  test("that failed come first, once one has", async () => {
    const bench = await open();
    const first = () => bench.get.getAllByRole("button", { name: /^Details of/ })[0]?.getAttribute("aria-label");
    expect(first()).toBe("Details of Log out");
    bench.get.getByRole("button", { name: "Task" }).click();
    await later();
    expect(first()).toBe("Details of Log in");
  });

  test("are sorted by a column: its first direction, the other, and the usual order again", async () => {
    const bench = await open();
    const order = () =>
      bench.get.getAllByRole("button", { name: /^Details of/ }).map((one) => one.getAttribute("aria-label")?.slice(11));
    const press = async () => {
      bench.get.getByRole("button", { name: "Tokens" }).click();
      await later();
      return bench.get.getByRole("columnheader", { name: "Tokens" }).getAttribute("aria-sort");
    };
    await bench.patch({ tasks: { set: [task("t3", { status: "completed", tokens: 90 })] } });
    expect(await press()).toBe("descending");
    expect(order()).toEqual(["Log in", "t3", "Log out"]);
    expect(await press()).toBe("ascending");
    expect(order()).toEqual(["t3", "Log in", "Log out"]);
    expect(await press()).toBeNull();
    expect(order()).toEqual(["Log out", "Log in", "t3"]);
  });

  test("of a status are shown by the header's counts", async () => {
    const bench = await open();
    await bench.patch({ head: { failed_tasks: 1 } });
    await bench.tab("Overview");
    bench.get.getByRole("button", { name: "1 failed" }).click();
    await later();
    expect(bench.get.getByRole("tab", { name: "Tasks" }).getAttribute("aria-selected")).toBe("true");
    expect(bench.get.getByRole("button", { name: "failed 1" }).getAttribute("aria-pressed")).toBe("true");
    expect(shown(bench)).not.toContain("Log in");
  });

  test("are found by status and by text", async () => {
    const bench = await open();
    bench.get.getByRole("button", { name: "failed 1" }).click();
    await later();
    expect(shown(bench)).toContain("Log out");
    expect(shown(bench)).not.toContain("Log in");
    bench.get.getByRole("button", { name: "all 3" }).click();
    const search = bench.get.getByRole("searchbox", { name: "Filter tasks" }) as HTMLInputElement;
    search.value = "T3";
    search.dispatchEvent(new Event("input", { bubbles: true }));
    await later();
    expect(shown(bench)).not.toContain("Log");
  });

  test("that do not change keep their elements when others do", async () => {
    const bench = await open();
    const bar = bench.get.getByRole("progressbar", { name: "Log in" });
    await bench.patch({ tasks: { set: [task("t3", { status: "failed" })] } });
    expect(bench.get.getByRole("progressbar", { name: "Log in" })).toBe(bar);
  });

  test("too many for the picture are asked for by page and filter", async () => {
    const first = Array.from({ length: 200 }, (_, n) => task(`t${n}`));
    const bench = await new Bench().show(
      picture({ counts: { ...counts, failed: 40 } }, { tasks: table(first, 100_000) }),
    );
    await bench.tab("Tasks");
    const list = bench.get.getByRole("table", { name: "Tasks" });
    expect(list.getAttribute("aria-rowcount")).toBe("100001");
    expect(list.querySelectorAll("[role=row]").length).toBeLessThan(60);
    list.scrollTop = 1_500_000;
    list.dispatchEvent(new Event("scroll"));
    await later();
    expect(bench.sent("page").at(-1)).toMatchObject({ table: "tasks", limit: 100, status: null });
    expect((bench.sent("page").at(-1)?.offset ?? 0) % 100).toBe(0);
    bench.get.getByRole("button", { name: "failed 40" }).click();
    await later();
    const request = bench.sent("page").at(-1);
    expect(request).toMatchObject({ offset: 0, status: "failed" });
    const heading = () => bench.get.getByRole("button", { name: "Time" });
    heading().click();
    await later();
    expect(bench.sent("page").at(-1)).toMatchObject({ sort: "duration", descending: true, status: "failed" });
    heading().click();
    await later();
    heading().click();
    await later();
    const found = [task("t77777", { status: "failed" })];
    bench.model.receive({ kind: "page", id: request?.id ?? "", table: "tasks", offset: 0, total: 1, rows: found });
    await later();
    expect(shown(bench)).toContain("t77777");
  });
});

describe("errors, artifacts and decisions", () => {
  const errors = (bench: Bench) => bench.get.getByRole("table", { name: "Errors" }).textContent ?? "";
  const link = { error_type: "LinkError", message: "link broke", group: "link" };
  const several = () =>
    picture(
      { errors: 4, errors_fatal: 1, errors_open: 1 },
      {
        errors: table([
          failure(0, { ...link, outcome: "recovered" }),
          failure(1, { ...link, task: "t2", task_name: "Build", outcome: "open", attempt: 2 }),
          failure(2, { group: "other", outcome: "fatal", recoverable: false }),
          failure(3, { ...link, outcome: "recovered" }),
        ]),
      },
    );

  test("errors open for the stack", async () => {
    const bench = await new Bench().show(full());
    await bench.tab("Errors");
    expect(errors(bench)).toContain("attempt 1 of 4");
    bench.get.getByRole("button", { name: /^Details of/ }).click();
    await later();
    expect(errors(bench)).toContain("Traceback: here");
  });

  test("errors are grouped by their kind, the fatal ones first, and lead to their tasks", async () => {
    const bench = await new Bench().show(several());
    await bench.tab("Errors");
    expect(bench.get.getByRole("table", { name: "Errors" }).getAttribute("aria-rowcount")).toBe("3");
    expect(errors(bench)).toMatch(/AssertionError.*LinkErrorlink broke× 3in 2 tasks/);
    expect(bench.get.getByRole("tabpanel").textContent).toContain("1 fatal 1 open 2 recovered");
    expect(bench.get.getByRole("tab", { name: "Errors" }).innerHTML).toContain(`data-count="1"`);
    bench.get.getByRole("button", { name: "Details of LinkError" }).click();
    await later();
    const list = bench.get.getByRole("list", { name: "Errors of this kind" });
    expect(list.children).toHaveLength(3);
    bench.get.getByRole("button", { name: "Build" }).click();
    await later();
    expect(bench.get.getByRole("dialog", { name: "Task t2" })).not.toBeNull();
  });

  test("errors can be listed one by one, with what became of each", async () => {
    const bench = await new Bench().show(several());
    await bench.tab("Errors");
    bench.get.getByRole("button", { name: "each 4" }).click();
    await later();
    expect(bench.get.getByRole("table", { name: "Errors" }).getAttribute("aria-rowcount")).toBe("5");
    for (const word of ["fatal", "open", "recovered", "attempt 2 of 4"]) expect(errors(bench)).toContain(word);
  });

  test("of more errors than are here the kernel makes the kinds", async () => {
    const bench = await new Bench().show(picture({}, { errors: table([failure(299)], 300) }));
    await bench.tab("Errors");
    const asked = bench.sent("page").at(-1);
    expect(asked).toMatchObject({ table: "error_groups", offset: 0 });
    const kind = { ...failure(0), key: "k", count: 300, tasks: 12, fatal: 2, open: 0, first_at: NOW };
    bench.model.receive({
      kind: "page",
      id: asked?.id ?? "",
      table: "error_groups",
      offset: 0,
      total: 1,
      rows: [kind],
    });
    await later();
    expect(errors(bench)).toContain("× 300in 12 tasks");
    bench.get.getByRole("button", { name: "Details of AssertionError" }).click();
    await later();
    expect(bench.sent("page").at(-1)).toMatchObject({ table: "errors", of: "k", limit: 50 });
  });

  test("a storm of errors is one notice, until it has passed", async () => {
    const storm = { type: "LinkError", message: "broke", count: 12, tasks: 4, since: NOW - 40_000, at: NOW };
    const bench = await new Bench().show(picture({ storm }));
    expect(bench.el.textContent).toContain("LinkError × 12 in 4 tasks within 40s: broke");
    bench.get.getByRole("button", { name: "Show errors" }).click();
    await later();
    expect(bench.get.getByRole("tab", { name: "Errors" }).getAttribute("aria-selected")).toBe("true");
    for (let n = 0; n < 7; n++) {
      bench.model.receive({ kind: "heartbeat", version: 0, now: Date.now(), subshell: true });
      await later(9_000);
    }
    expect(bench.el.textContent).not.toContain("LinkError × 12");
  });

  test("artifacts are grouped by folder and by task", async () => {
    const rows = [
      { ...artifact(0), path: "src/a.py", size: 1024 },
      { ...artifact(1), path: "src/b.py", size: null, task: "t2" },
      { ...artifact(2), path: "docs/c.md" },
    ];
    const bench = await new Bench().show(picture({}, { artifacts: table(rows) }));
    await bench.tab("Artifacts");
    const text = () => bench.get.getByRole("table", { name: "Artifacts" }).textContent ?? "";
    bench.get.getByRole("button", { name: "by folder" }).click();
    await later();
    expect(text()).toMatch(/docs\/1.*src\/21\.0 KB/);
    bench.get.getByRole("button", { name: "Details of src" }).click();
    await later();
    expect(text()).toContain("b.py");
    bench.get.getByRole("button", { name: "by task" }).click();
    await later();
    bench.get.getByRole("button", { name: "t2" }).click();
    await later();
    expect(bench.get.getByRole("dialog", { name: "Task t2" })).not.toBeNull();
  });

  test("artifacts have human sizes, the newest first", async () => {
    const bench = await new Bench().show(full());
    await bench.tab("Artifacts");
    const text = bench.get.getByRole("table", { name: "Artifacts" }).textContent ?? "";
    expect(text).toContain("2.1 KB");
    expect(text.indexOf("file_1")).toBeLessThan(text.indexOf("file_0"));
  });

  test("decisions say who, what and how long", async () => {
    const decision = {
      key: "0",
      checkpoint: "cp-1",
      title: "Approve the plan",
      option: "approve",
      feedback: "ok",
      state: "applied" as const,
      by: "you",
      took_s: 65,
      at: NOW,
      error: null,
    };
    const bench = await new Bench().show(picture({}, { decisions: table([decision]) }));
    await bench.tab("Decisions");
    const text = bench.get.getByRole("table", { name: "Decisions" }).textContent;
    for (const word of ["applied", "Approve the plan", "approve", "you", "1m 05s"]) expect(text).toContain(word);
  });

  test("say so when there are none", async () => {
    const bench = await new Bench().show(picture());
    for (const [name, text] of [
      ["Artifacts", "No artifacts yet."],
      ["Errors", "No errors."],
      ["Decisions", "No decisions yet."],
      ["Output", "No output yet."],
      ["Tasks", "No tasks yet."],
    ] as const) {
      await bench.tab(name);
      expect(bench.el.textContent).toContain(text);
    }
  });
});

describe("the timeline", () => {
  const event = (n: number, kind: "known" | "unknown" | "malformed") => ({
    key: String(n),
    type: kind === "known" ? "task.progress" : "odd.thing",
    task: "t1",
    at: NOW,
    kind,
    payload: `{"n":${n}}`,
  });

  test("lists every event, marks unknown ones, and opens them", async () => {
    const events = table([event(0, "known"), event(1, "unknown"), event(2, "malformed")]);
    const bench = await new Bench().show(picture({}, { events }));
    await bench.tab("Timeline");
    const list = bench.get.getByRole("table", { name: "Events" });
    expect(list.textContent).toContain("unknown");
    expect(list.textContent).toContain("malformed");
    bench.get.getAllByRole("button", { name: /^Details of/ })[0]?.click();
    await later();
    expect(list.querySelector("pre")?.textContent).toBe('{\n  "n": 2\n}');
  });
});
