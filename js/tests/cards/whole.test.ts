/** A decision's context is shown whole, or the card names what is missing. */
import { describe, expect, test } from "vitest";
import { checkpoint, optionRow } from "../../dev/fake";
import type { CheckpointRow } from "../../src/kernel/contract";
import { Bench, fakeTime, later, picture, table } from "../support";

fakeTime();

const row = (more: Partial<CheckpointRow> = {}) => checkpoint("cp-1", { title: "Approve the plan", ...more });
const asked = (...rows: CheckpointRow[]) => new Bench().show(picture({}, { checkpoints: table(rows) }));
const press = async (bench: Bench, name: string) => {
  bench.get.getByRole("button", { name }).click();
  await later();
};
const diffOf = (added: number, removed: number, context: number) =>
  [
    "--- a/app.py",
    "+++ b/app.py",
    `@@ -1,${removed + context} +1,${added + context} @@`,
    ...Array.from({ length: context }, (_, i) => ` context ${i}`),
    ...Array.from({ length: removed }, (_, i) => `-removed ${i}`),
    ...Array.from({ length: added }, (_, i) => `+added ${i}`),
  ].join("\n");
const part = (whole: string) => row({ context: { changes: [whole.slice(0, 800)] } });
const cutOf = (whole: string): CheckpointRow => ({
  ...part(whole),
  cut: ["context.changes"],
  rest: { "context.changes": [whole.slice(800).split("\n").length - 1, whole.length - 800] },
});
const detail = (bench: Bench, whole: CheckpointRow | null) => {
  const id = bench.sent("detail").at(-1)?.id ?? "";
  bench.model.receive({ kind: "detail", id, table: "checkpoints", key: "cp-1", row: whole });
};

describe("a diff", () => {
  test("of 183 lines shows each of them, and counts them all", async () => {
    const diff = diffOf(60, 30, 90);
    const bench = await asked(row({ context: { changes: [diff] } }));
    expect(bench.el.textContent).toContain("+60 −30");
    const linesOf = (kind: string) => bench.el.querySelector(`.rc-diff-${kind} span`)?.textContent?.split("\n");
    expect(linesOf("add")).toHaveLength(60);
    expect(linesOf("del")).toHaveLength(30);
    expect([...bench.el.querySelectorAll(".rc-diff-line")].map((line) => line.textContent).join("\n")).toBe(diff);
  });

  test("that is cut says how much is missing, until it has come", async () => {
    const diff = diffOf(60, 30, 90);
    const bench = await asked(cutOf(diff));
    const missing = bench.el.querySelector(".rc-missing");
    expect(missing?.textContent).toContain(`${diff.slice(800).split("\n").length - 1} more lines of changes`);
    expect(missing?.classList.contains("rc-tone-failed")).toBe(true);
    expect(bench.el.textContent).toContain("so far");
    detail(bench, row({ context: { changes: [diff] } }));
    await later();
    expect(bench.el.querySelector(".rc-missing")).toBeNull();
    expect(bench.el.textContent).toContain("+60 −30");
    expect(bench.el.textContent).not.toContain("so far");
  });

  test("of thousands of lines shows its beginning, counts all, and shows all on request", async () => {
    const diff = diffOf(5000, 2000, 1000);
    const bench = await asked(row({ context: { changes: [diff] } }));
    expect(bench.el.textContent).toContain("+5,000 −2,000");
    expect(bench.el.textContent).not.toContain("added 4999");
    await press(bench, "Show all 8,003 lines");
    const runs = [...bench.el.querySelectorAll(".rc-diff-line")];
    expect(runs.length).toBeLessThan(10);
    expect(runs.map((run) => run.textContent).join("\n")).toBe(diff);
  });
});

describe("while something is not here", () => {
  test("approving takes a second press, rejecting does not", async () => {
    const bench = await asked(cutOf(diffOf(60, 30, 90)));
    await press(bench, "Approve");
    expect(bench.sent("decide")).toEqual([]);
    expect(bench.el.textContent).toContain("Press again to answer without having seen it.");
    await press(bench, "Approve");
    expect(bench.sent("decide")).toMatchObject([{ answer: { option: "approve" } }]);
    const other = await asked(cutOf(diffOf(60, 30, 90)));
    await press(other, "Reject");
    expect(other.sent("decide")).toMatchObject([{ answer: { option: "reject" } }]);
  });

  test("one press is enough once it is here", async () => {
    const diff = diffOf(60, 30, 90);
    const bench = await asked(cutOf(diff));
    detail(bench, row({ context: { changes: [diff] } }));
    await later();
    await press(bench, "Approve");
    expect(bench.sent("decide")).toHaveLength(1);
  });

  test("it is not among those that are approved with one press", async () => {
    const bench = await asked(cutOf(diffOf(60, 30, 90)), checkpoint("cp-2", { title: "Another" }));
    await bench.ask();
    const box = bench.get.getByRole<HTMLInputElement>("checkbox", { name: "Select Approve the plan" });
    box.click();
    await later();
    expect(box.checked).toBe(false);
    expect(box.title).toBe("Not all of this question is loaded.");
  });

  test("it is asked for again when no answer comes", async () => {
    const bench = await asked(cutOf(diffOf(60, 30, 90)));
    const before = bench.sent("detail").length;
    await later(7000);
    expect(bench.sent("detail").length).toBe(before + 1);
  });
});

test("a row in parts is put together", async () => {
  const diff = diffOf(60, 30, 90);
  const bench = await asked(cutOf(diff));
  const text = JSON.stringify(row({ context: { changes: [diff] } }));
  const half = Math.ceil(text.length / 2);
  for (const [number, piece] of [text.slice(0, half), text.slice(half)].entries()) {
    const request = bench.sent("detail").at(-1);
    expect(request?.part ?? 0).toBe(number);
    const told = { kind: "detail", table: "checkpoints", key: "cp-1", row: null, parts: 2, part: number, text: piece };
    bench.model.receive({ ...told, id: request?.id ?? "" } as never);
    await later();
  }
  expect(bench.el.textContent).toContain("+60 −30");
});

test("later options come by the page, and are found by name", async () => {
  const option = (n: number) => optionRow(`o${n}`, { label: `Option ${n}` });
  const numbers = (from: number) => Array.from({ length: 50 }, (_, i) => option(from + i));
  const bench = await asked(row({ options: numbers(0), options_total: 100_000 }));
  expect(bench.el.textContent).toContain("1 to 50 of 100,000 options");
  await press(bench, "Next");
  const [request] = bench.sent("page").filter(({ table }) => table === "options");
  expect(request).toMatchObject({ of: "cp-1", offset: 50, search: "" });
  bench.model.receive({
    kind: "page",
    id: request?.id ?? "",
    table: "options",
    offset: 50,
    total: 100_000,
    rows: numbers(50) as never,
  });
  await later();
  await press(bench, "Option 77");
  expect(bench.sent("decide")).toMatchObject([{ answer: { option: "o77" } }]);
});

test("of very many questions it is said how many wait", async () => {
  const bench = new Bench();
  await bench.show(
    picture({ questions: 10_000 }, { checkpoints: table([row(), checkpoint("cp-2", { title: "Another" })]) }),
  );
  await bench.ask();
  expect(bench.el.textContent).toContain("10,000 questions");
  expect(bench.el.textContent).toContain("Here are the 2 that are due first");
  expect(document.title).toContain("(10000)");
});

test("what reads as something else is marked wherever it is shown", async () => {
  const bidi = "app/\u202eyp.niam";
  const bench = await asked(
    row({ title: bidi, description: bidi, type: bidi, context: { spec: bidi, changes: [bidi], risk: bidi } }),
  );
  bench.get.getByRole("group", { name: "app/⟨U+202E⟩yp.niam" });
  expect(bench.el.outerHTML).not.toContain("\u202e");
});
