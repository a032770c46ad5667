import { fireEvent } from "@testing-library/dom";
import { describe, expect, test } from "vitest";
import { checkpoint, task } from "../../dev/fake";
import { full, subtask } from "../rows";
import { Bench, fakeTime, later, NOW, picture, table } from "../support";

fakeTime();

describe("a choice of runs", () => {
  test("stands in the header, and asks the kernel for the chosen one", async () => {
    const runs: [number, string][] = [
      [0, "e1: completed"],
      [1, "e2: running"],
    ];
    const bench = await new Bench().show(picture());
    expect(bench.get.queryByRole("combobox", { name: "Run" })).toBeNull();
    await bench.patch({ head: { run: 1, runs } });
    const choice = bench.get.getByRole<HTMLSelectElement>("combobox", { name: "Run" });
    expect(choice.selectedOptions[0]?.textContent).toBe("e2: running");
    fireEvent.change(choice, { target: { value: "0" } });
    expect(bench.sent("replay").at(-1)).toMatchObject({ action: "run", value: 0 });
  });
});

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

  test("shows the progress; 100 percent means done", async () => {
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
    ["idle", "not started"],
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

  test("of an interrupted run says in amber what became of it", async () => {
    const reason = "the server closed the stream in good order 4 times with 10 of 53 tasks done";
    const bench = await new Bench().show(picture());
    await bench.patch({ head: { status: "interrupted", link: "ended", ended_at: NOW, reason } });
    expect(bench.el.querySelector(".rc-run-status")?.textContent).toBe("interrupted");
    expect(bench.el.querySelector(".rc-run-status .rc-tone-interrupted")).not.toBeNull();
    expect(bench.el.querySelector(".rc-strip-paused")?.textContent).toContain(`Interrupted. ${reason}`);
    bench.get.getByRole("button", { name: "Reconnect now" });
    expect(bench.el.querySelector("[aria-live=polite]")?.textContent).toContain(`The run is interrupted. ${reason}`);
    expect(says(bench)).toBe("ended");
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
  test("has tables of phases and waves, a named bar for each phase", async () => {
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
