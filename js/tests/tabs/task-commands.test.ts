/** Commands for a task: offered where the server takes them, asked twice where they destroy, answered in words. */
import { describe, expect, test } from "vitest";
import { task } from "../../dev/fake";
import { NOTHING } from "../rows";
import { Bench, fakeTime, later, picture, table } from "../support";

fakeTime();

const OFFERED = ["cancel", "pause", "resume", "retry"];

/** The panel with the drawer of the one task open. */
async function opened(status: "running" | "paused" | "failed" | "completed", commands: string[] = OFFERED) {
  const rows = [task("t1", { name: "Log in", status, cut: ["details"] })];
  const bench = await new Bench().show(picture({ commands }, { tasks: table(rows) }));
  await bench.tab("Tasks");
  bench.get.getByRole("button", { name: "Details of Log in" }).click();
  await later();
  return bench;
}

const press = async (bench: Bench, name: string | RegExp) => {
  bench.get.getByRole("button", { name }).click();
  await later();
};

describe("commands for a task", () => {
  test("fit its status", async () => {
    const names = async (status: "running" | "paused" | "failed" | "completed") => {
      const bench = await opened(status);
      const all = bench.get.getAllByRole("button").map((button) => button.textContent);
      return ["Pause", "Resume", "Retry", "Cancel task"].filter((name) => all.includes(name));
    };
    expect(await names("running")).toEqual(["Pause", "Cancel task"]);
    expect(await names("paused")).toEqual(["Resume", "Cancel task"]);
    expect(await names("failed")).toEqual(["Retry"]);
    expect(await names("completed")).toEqual([]);
  });

  test("are not offered where the server takes none", async () => {
    const bench = await opened("running", []);
    expect(bench.get.queryByRole("button", { name: "Pause" })).toBeNull();
  });

  test("leave once, and lock until the server has answered", async () => {
    const bench = await opened("running");
    await press(bench, "Pause");
    await press(bench, "Pause");
    const [sent, ...more] = bench.sent("command");
    expect([sent?.task, sent?.command, more.length]).toEqual(["t1", "pause", 0]);
    expect(bench.el.textContent).toContain("Pause: sent, not answered yet");
    bench.model.receive({ kind: "answer", id: sent?.id ?? "", ok: true, error: null });
    await later();
    expect(bench.el.textContent).toContain("Pause: the server took it");
  });

  test("that destroy are asked for twice", async () => {
    const bench = await opened("running");
    await press(bench, "Cancel task");
    expect(bench.sent("command")).toEqual([]);
    await press(bench, /press again to confirm/);
    expect(bench.sent("command").map((message) => message.command)).toEqual(["cancel"]);
  });

  test("forget the first press of two after a while", async () => {
    const bench = await opened("running");
    await press(bench, "Cancel task");
    await later(6000);
    await press(bench, "Cancel task");
    expect(bench.sent("command")).toEqual([]);
  });

  test("that are refused say why and can be given again", async () => {
    const bench = await opened("failed");
    await press(bench, "Retry");
    bench.model.receive({ kind: "answer", id: bench.sent("command")[0]?.id ?? "", ok: false, error: "not yours" });
    await later();
    expect(bench.el.textContent).toContain("Retry: not yours");
    await press(bench, "Retry");
    expect(bench.sent("command")).toHaveLength(2);
  });
});

test("a task's drawer has what was told of it once, and a pull request can be followed", async () => {
  const bench = await opened("running");
  const url = "https://example.org/pulls/7";
  const row = task("t1", { name: "Log in", status: "running", details: [["Pull request", url]] });
  bench.model.receive({ kind: "task", id: bench.sent("task")[0]?.id ?? "", row, history: NOTHING });
  await later();
  expect(bench.get.getByRole("link", { name: url }).getAttribute("href")).toBe(url);
});
