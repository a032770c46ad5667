import { describe, expect, test } from "vitest";
import type { AgentRow } from "../../src/kernel/contract";
import { Bench, fakeTime, later, picture, table } from "../support";

fakeTime();

const row = (key: string, level: number, more: Partial<AgentRow> = {}): AgentRow => {
  const [kind = "call", id = ""] = key.split(":");
  return {
    key,
    kind: kind as AgentRow["kind"],
    id,
    level,
    parts: 0,
    name: id,
    status: "completed",
    model: null,
    tokens: null,
    own_tokens: null,
    cost_usd: null,
    own_cost_usd: null,
    started_at: null,
    duration_s: 2,
    error: null,
    arguments: null,
    result: null,
    facts: [],
    ...more,
  };
};

const ROWS = [
  row("task:t", 1, { parts: 1, name: "Plan", tokens: 30, own_tokens: 30 }),
  row("agent:a", 2, { parts: 2, name: "planner", model: "large +1", tokens: 30, own_tokens: 20, cost_usd: 0.5 }),
  row("call:c", 3, { name: "search", arguments: '{"query":"x"}', result: "found <b>it</b>" }),
  row("agent:s", 3, { parts: 1, name: "critic", tokens: 10, own_tokens: 10, facts: [["Input", "9"]] }),
  row("call:d", 4, { name: "run_tests", status: "failed", error: "3 tests failed" }),
];

const open = async (rows = ROWS, total = rows.length) => {
  const bench = await new Bench().show(picture({}, { agents: table(rows, total) }));
  await bench.tab("Agents");
  return bench;
};
const tree = (bench: Bench) => bench.get.getByRole("treegrid", { name: "Agents" });
const names = (bench: Bench) =>
  [...tree(bench).querySelectorAll("[aria-level]")].map(
    (each) => each.querySelector(".rc-name, .rc-call, .rc-task-link")?.textContent,
  );
const press = async (bench: Bench, name: string) => {
  bench.get.getByRole("button", { name }).click();
  await later();
};
const key = async (bench: Bench, name: string) => {
  tree(bench).dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
  await later();
};
const type = async (bench: Bench, text: string) => {
  const field = bench.get.getByRole("searchbox") as HTMLInputElement;
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  await later();
};

describe("agents", () => {
  test("have a tab only where the run has any", async () => {
    const bench = await new Bench().show(picture());
    expect(bench.get.queryByRole("tab", { name: "Agents" })).toBeNull();
    await bench.patch({ agents: { set: [row("agent:a", 1)], total: 1 } });
    await bench.tab("Agents");
    expect(names(bench)).toEqual(["a"]);
  });

  test("are a tree with levels, and sums with and without what is below", async () => {
    const bench = await open();
    expect(names(bench)).toEqual(["Plan", "planner", "search", "critic", "run_tests"]);
    const planner = bench.get.getByRole("row", { name: /planner/ });
    expect(planner.getAttribute("aria-level")).toBe("2");
    expect(planner.getAttribute("aria-expanded")).toBe("true");
    expect([...planner.querySelectorAll("[role=gridcell]")].slice(1).map((cell) => cell.textContent)).toEqual([
      "large +1",
      "20",
      "30",
      "",
      "$0.50",
      "2s",
    ]);
  });

  test("hide what is below them by a press and by the arrow keys", async () => {
    const bench = await open();
    await press(bench, "Parts of planner");
    expect(names(bench)).toEqual(["Plan", "planner"]);
    await press(bench, "Parts of planner");
    expect(names(bench)).toHaveLength(5);
    await key(bench, "ArrowDown");
    await key(bench, "ArrowLeft");
    expect(names(bench)).toEqual(["Plan", "planner"]);
    await key(bench, "ArrowRight");
    expect(names(bench)).toHaveLength(5);
  });

  test("show arguments and result of a call on request, as text", async () => {
    const bench = await open();
    await press(bench, "Details of search");
    const shown = tree(bench).textContent;
    expect(shown).toContain('{\n  "query": "x"\n}');
    expect(shown).toContain("found <b>it</b>");
    expect(tree(bench).querySelector("b")).toBeNull();
  });

  test("keep the details of a call open where rows come and go above it", async () => {
    const bench = await open();
    await press(bench, "Details of run_tests");
    const opened = () =>
      bench.get
        .getAllByRole("button", { name: /^Details of/, expanded: true })
        .map((each) => each.getAttribute("aria-label"));
    const more = row("call:e", 3, { name: "list" });
    const order = ["task:t", "agent:a", "call:e", "call:c", "agent:s", "call:d"];
    await bench.patch({ agents: { set: [more], order, total: 6 } });
    expect(names(bench)).toEqual(["Plan", "planner", "list", "search", "critic", "run_tests"]);
    expect(opened()).toEqual(["Details of run_tests"]);
  });

  test("ask the kernel for what the picture has cut", async () => {
    const bench = await open([row("call:c", 1, { name: "read", result: "beginn", cut: ["result"] })]);
    await press(bench, "Details of read");
    const [asked] = bench.sent("detail");
    expect(asked).toMatchObject({ table: "agents", key: "call:c" });
    const whole = row("call:c", 1, { name: "read", result: "beginning and end" });
    bench.model.receive({ kind: "detail", id: asked?.id ?? "", table: "agents", key: "call:c", row: whole as never });
    await later();
    expect(tree(bench).textContent).toContain("beginning and end");
  });

  test("are found by any word, below what they are part of", async () => {
    const bench = await open();
    await type(bench, "3 TESTS");
    expect(names(bench)).toEqual(["Plan", "planner", "critic", "run_tests"]);
    expect(bench.get.getByText("4 of 5")).toBeTruthy();
    await type(bench, "nowhere");
    expect(bench.get.getByText("Nothing is like that.")).toBeTruthy();
  });

  test("of a large run are asked of the kernel, with what is hidden and what is searched", async () => {
    const bench = await open(ROWS, 9000);
    const answer = async (rows: AgentRow[], total: number) => {
      const id = bench.sent("page").at(-1)?.id ?? "";
      bench.model.receive({ kind: "page", id, table: "agents", offset: 0, total, rows });
      await later();
    };
    expect(bench.sent("page").at(-1)).toMatchObject({ table: "agents", offset: 0, search: null, of: "[]" });
    await answer(ROWS, 9000);
    expect(tree(bench).getAttribute("aria-rowcount")).toBe("9001");
    await press(bench, "Parts of planner");
    expect(names(bench).slice(0, 3)).toEqual(["Plan", "planner", "search"]); // until the answer is here
    expect(bench.sent("page").at(-1)).toMatchObject({ of: '["agent:a"]' });
    await answer(ROWS.slice(0, 2), 2);
    expect(names(bench)).toEqual(["Plan", "planner"]);
    await type(bench, "tests");
    expect(bench.sent("page").at(-1)).toMatchObject({ search: "tests", of: '["agent:a"]' });
  });
});
