import { describe, expect, test } from "vitest";
import { checkpoint, task } from "../dev/fake";
import type { ArtifactRow, ErrorRow, OutputRow, PhaseRow, SubtaskRow, WaveRow } from "../src/model";
import { Bench, fakeTime, later, lines, NOW, picture, table } from "./support";

fakeTime();

const phase = (number: number, more: Partial<PhaseRow> = {}): PhaseRow => ({
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
const wave = (n: number): WaveRow => ({
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
const subtask = (id: string, more: Partial<SubtaskRow> = {}): SubtaskRow => ({
  id,
  name: `Sub ${id}`,
  description: null,
  status: "running",
  progress: 30,
  duration_s: null,
  ...more,
});
const artifact = (n: number): ArtifactRow => ({
  key: String(n),
  path: `src/file_${n}.py`,
  size: 2150,
  type: "file",
  language: "python",
  task: "t1",
  action: "created",
  at: NOW,
});
const failure = (n: number, more: Partial<ErrorRow> = {}): ErrorRow => ({
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
const full = () =>
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

describe("the panel", () => {
  test("is a region that keeps its keys from the notebook's shortcuts", async () => {
    const { get, el } = await new Bench().show(full());
    const root = get.getByRole("region", { name: "Run console" });
    expect(root.getAttribute("data-lm-suppress-shortcuts")).toBe("true");
    let heard = 0;
    el.addEventListener("keydown", () => heard++);
    get.getByRole("tab", { name: "Tasks" }).dispatchEvent(new KeyboardEvent("keydown", { key: "d", bubbles: true }));
    expect(heard).toBe(0);
  });

  test("says how far the run is, in whole percent that mean done only at 100", async () => {
    const bench = await new Bench().show(full());
    const bar = () => bench.get.getByRole("progressbar", { name: "Overall progress" });
    expect(bar().getAttribute("aria-valuenow")).toBe("37");
    await bench.patch({ head: { percent: 99.99 } });
    expect(bar().getAttribute("aria-valuenow")).toBe("99");
    await bench.patch({ head: { percent: 100 } });
    expect(bar().getAttribute("aria-valuenow")).toBe("100");
  });

  test("has a bar without a value while nothing is known", async () => {
    const { get } = await new Bench().show(picture({ percent: null }));
    expect(get.getByRole("progressbar", { name: "Overall progress" }).hasAttribute("aria-valuenow")).toBe(false);
  });

  test("shows counts, tokens and cost against their limits", async () => {
    const limits = { tokens_used: 34_500, token_budget: 100_000, cost_usd: 0.42, cost_limit: 2 };
    const { get, el } = await new Bench().show(picture({ ...limits, total_tasks: 120, completed_tasks: 45 }));
    expect(el.textContent).toContain("45 / 120");
    expect(el.textContent).toContain("34,500 / 100,000");
    expect(get.getByRole("progressbar", { name: "Token budget" }).getAttribute("aria-valuenow")).toBe("34");
    expect(get.getByRole("progressbar", { name: "Cost limit" }).getAttribute("aria-valuenow")).toBe("21");
  });

  test("lets the elapsed time tick while the run runs, and no longer", async () => {
    const bench = await new Bench().show(picture());
    expect(bench.el.textContent).toContain("1m 00s");
    await later(5000);
    expect(bench.el.textContent).toContain("1m 05s");
    await bench.patch({ head: { ended_at: NOW + 3000, duration_s: 63, status: "completed", link: "ended" } });
    await later(5000);
    expect(bench.el.textContent).toContain("1m 03s");
  });

  test("estimates what is left from the pace so far", async () => {
    const { el } = await new Bench().show(picture({ percent: 25 }));
    expect(el.textContent).toContain("~3m left");
  });

  test("counts in the footer what was odd", async () => {
    const { el } = await new Bench().show(full());
    expect(el.querySelector("footer")?.textContent).toContain("2 malformed");
    expect(el.querySelector("footer")?.textContent).toContain("3 missed");
    expect(el.querySelector("footer")?.textContent).not.toContain("duplicates");
  });
});

describe("the connection", () => {
  const says = (bench: Bench) => bench.get.getByRole("status", { name: "Connection" }).textContent;

  test("is a status that counts down to the next attempt", async () => {
    const retrying = { link: "retrying", attempt: 3, retry_at: NOW + 8000, reason: "closed (1006)" } as const;
    const bench = await new Bench().show(picture(retrying));
    expect(says(bench)).toBe("retrying in 8 s (attempt 3)");
    await later(3000);
    expect(says(bench)).toBe("retrying in 5 s (attempt 3)");
    expect(bench.el.textContent).toContain("closed (1006)");
    bench.get.getByRole("button", { name: "Reconnect now" }).click();
    await later();
    expect(bench.sent("link")).toMatchObject([{ action: "reconnect" }]);
  });

  test.each([
    ["live", "live"],
    ["connecting", "connecting"],
    ["ended", "ended"],
    ["stopped", "stopped"],
  ] as const)("%s reads %s", async (link, text) => {
    expect(says(await new Bench().show(picture({ link })))).toBe(text);
  });

  test("that failed says why", async () => {
    const bench = await new Bench().show(picture({ link: "failed", reason: "HTTP 401" }));
    expect(says(bench)).toBe("failed: HTTP 401");
    bench.get.getByRole("button", { name: "Reconnect now" });
  });

  test("speaks up only when it is lost and when it is back", async () => {
    const bench = await new Bench().show(picture());
    const announced = () => bench.el.querySelector("[aria-live=polite]")?.textContent;
    expect(announced()).toBe("");
    await bench.patch({ head: { link: "retrying", attempt: 1 } });
    expect(announced()).toContain("connection was lost");
    await bench.patch({ head: { link: "live" } });
    expect(announced()).toContain("connection is back");
    await bench.patch({ checkpoints: { set: [checkpoint("c", { title: "Go on?" })], total: 1 } });
    expect(announced()).toBe("Needs your decision: Go on?.");
    await bench.patch({ head: { ended_at: NOW, status: "completed", link: "ended" } });
    expect(announced()).toContain("The run has finished: completed.");
  });
});

describe("the tabs", () => {
  const names = ["Overview", "Tasks", "Timeline", "Output", "Artifacts", "Errors", "Decisions"];

  test("are named plainly, whatever their badges say", async () => {
    const { get } = await new Bench().show(full());
    get.getByRole("tablist", { name: "Views" });
    expect(get.getAllByRole("tab").map((tab) => tab.getAttribute("aria-label"))).toEqual(names);
  });

  test("are walked with the arrow keys, Home and End", async () => {
    const { get } = await new Bench().show(full());
    const press = async (key: string) => {
      get.getByRole("tablist").dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
      await later();
      return get.getByRole("tab", { selected: true }).getAttribute("aria-label");
    };
    expect(await press("ArrowRight")).toBe("Tasks");
    expect(document.activeElement?.getAttribute("aria-label")).toBe("Tasks");
    expect(await press("End")).toBe("Decisions");
    expect(await press("ArrowRight")).toBe("Overview");
    expect(await press("ArrowLeft")).toBe("Decisions");
    expect(await press("Home")).toBe("Overview");
    expect(get.getAllByRole("tab").filter((tab) => tab.tabIndex === 0)).toHaveLength(1);
  });
});

describe("the overview", () => {
  test("has a table of phases and one of waves, with a named bar for each phase", async () => {
    const { get } = await new Bench().show(full());
    const phases = get.getByRole("table", { name: "Phases" });
    expect(phases.textContent).toContain("12/20");
    expect(get.getByRole("progressbar", { name: "Discovery" }).getAttribute("aria-valuenow")).toBe("60");
    const waves = get.getByRole("table", { name: "Waves" });
    expect(waves.textContent).toContain("Wave 1");
    expect(waves.textContent).toContain("98.3%");
    expect(waves.textContent).toContain("118/120");
  });

  test("shows the newest output, artifacts and errors", async () => {
    const { get } = await new Bench().show(full());
    expect(get.getByRole("log", { name: "Output" }).textContent).toContain("line 29");
    expect(get.getByRole("table", { name: "Artifacts" }).textContent).toContain("2.1 KB");
    expect(get.getByRole("table", { name: "Errors" }).textContent).toContain("attempt 1 of 4");
  });

  test("of tasks without phases shows the tasks with their subtasks", async () => {
    const row = task("t1", { name: "Log in", status: "running", progress: 40, subtasks: [subtask("s1")] });
    const { get } = await new Bench().show(picture({}, { tasks: table([row]), active: table([row]) }));
    expect(get.queryByRole("table", { name: "Phases" })).toBeNull();
    expect(get.getByRole("table", { name: "Tasks" }).textContent).toContain("Sub s1");
    expect(get.getByRole("progressbar", { name: "Sub s1" }).getAttribute("aria-valuenow")).toBe("30");
  });

  test("leads to the whole of what it shows the end of", async () => {
    const { get } = await new Bench().show(full());
    get.getByRole("button", { name: "30 lines" }).click();
    await later();
    expect(get.getByRole("tab", { selected: true }).getAttribute("aria-label")).toBe("Output");
  });
});

describe("tasks", () => {
  const rows = [
    task("t1", { name: "Log in", status: "running", progress: 40, tokens: 1200, subtasks: [subtask("s1")] }),
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

  test("open for subtasks and errors", async () => {
    const bench = await open();
    const [first, second] = bench.get.getAllByRole("button", { name: "Details" });
    expect(first?.getAttribute("aria-expanded")).toBe("false");
    first?.click();
    second?.click();
    await later();
    expect(shown(bench)).toContain("Sub s1");
    expect(shown(bench)).toContain("boom");
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

  test("too many for the picture are drawn as far as seen, and asked for by page and filter", async () => {
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
    const found = [task("t77777", { status: "failed" })];
    bench.model.receive({ kind: "page", id: request?.id ?? "", table: "tasks", offset: 0, total: 1, rows: found });
    await later();
    expect(shown(bench)).toContain("t77777");
  });
});

describe("errors, artifacts and decisions", () => {
  test("errors open for the stack", async () => {
    const bench = await new Bench().show(full());
    await bench.tab("Errors");
    const errors = bench.get.getByRole("table", { name: "Errors" });
    expect(errors.textContent).toContain("attempt 1 of 4");
    bench.get.getByRole("button", { name: "Details" }).click();
    await later();
    expect(errors.textContent).toContain("Traceback: here");
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
      requested_at: NOW - 65_000,
      sent_at: NOW - 1000,
      acknowledged_at: NOW,
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

  test("has a bar for each task that began, under the name of its phase", async () => {
    const rows = [
      task("t1", { phase_name: "Analysis", status: "completed", started_at: NOW - 50_000, ended_at: NOW - 30_000 }),
      task("t2", { phase_name: "Planning", status: "running", started_at: NOW - 20_000 }),
      task("t3", { phase_name: "Planning" }),
      task("t4", { phase_name: "Planning", status: "completed", ended_at: NOW - 5000, duration_s: 10 }),
    ];
    const bench = await new Bench().show(picture({}, { phases: table([phase(1)]), tasks: table(rows) }));
    await bench.tab("Timeline");
    const list = bench.get.getByRole("list", { name: "Tasks in time" });
    expect(list.textContent).toContain("Planning 3");
    expect(list.querySelectorAll(".rc-gantt-track > i")).toHaveLength(3);
  });

  test("lists every event, what was not understood marked as such, and opens them", async () => {
    const events = table([event(0, "known"), event(1, "unknown"), event(2, "malformed")]);
    const bench = await new Bench().show(picture({}, { events }));
    await bench.tab("Timeline");
    const list = bench.get.getByRole("table", { name: "Events" });
    expect(list.textContent).toContain("unknown");
    expect(list.textContent).toContain("malformed");
    bench.get.getAllByRole("button", { name: "Details" })[0]?.click();
    await later();
    expect(list.querySelector("pre")?.textContent).toBe('{\n  "n": 2\n}');
  });
});
