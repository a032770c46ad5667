import { describe, expect, test } from "vitest";
import { checkpoint, optionRow } from "../../dev/fake";
import { approvalOf } from "../../src/cards/bulk";
import type { CheckpointRow } from "../../src/kernel/contract";
import { Bench, fakeTime, later, NOW, picture, table } from "../support";

fakeTime();

const one = (more: Partial<CheckpointRow> = {}) => checkpoint("cp-1", { title: "Plan", ...more });
const two = (more: Partial<CheckpointRow> = {}) => checkpoint("cp-2", { title: "Merge", ...more });
const three = (more: Partial<CheckpointRow> = {}) => checkpoint("cp-3", { title: "Deploy", ...more });
/** Several questions are shown as a list. */
const asked = async (...rows: CheckpointRow[]) => {
  const bench = await new Bench().show(picture({}, { checkpoints: table(rows) }));
  if (rows.length > 1) await bench.ask();
  return bench;
};
const box = (bench: Bench, title: string) =>
  bench.get.getByRole("checkbox", { name: `Select ${title}` }) as HTMLInputElement;
const bar = (bench: Bench) => bench.get.queryByRole("button", { name: /^Approve \d+ selected$/ });
const tick = async (bench: Bench, ...titles: string[]) => {
  for (const title of titles) box(bench, title).click();
  await later();
};
const write = async (bench: Bench, title: string, text: string) => {
  await bench.ask(title);
  const field = bench.get.getByRole("group", { name: title }).querySelector("textarea");
  if (field) field.value = text;
  field?.dispatchEvent(new Event("input", { bubbles: true }));
  await later();
};

describe("ticking", () => {
  test("is offered from two questions on, with nothing ticked", async () => {
    const bench = await asked(one());
    expect(bench.get.queryByRole("checkbox")).toBeNull();
    await bench.patch({ checkpoints: { set: [two()] } });
    await bench.ask();
    expect([box(bench, "Plan").checked, box(bench, "Merge").checked]).toEqual([false, false]);
    expect(bar(bench)).toBeNull();
  });

  test("needs an option to approve, and says so", async () => {
    const bench = await asked(
      one(),
      two({ options: [optionRow("merge"), optionRow("reject", { destructive: true })] }),
    );
    expect(box(bench, "Merge").disabled).toBe(true);
    expect(box(bench, "Merge").title).toContain("no plain option to approve");
    await tick(bench, "Merge");
    expect(bar(bench)).toBeNull();
    expect(box(bench, "Plan").disabled).toBe(false);
  });

  test("can be taken back", async () => {
    const bench = await asked(one(), two());
    await tick(bench, "Plan");
    expect(bar(bench)?.textContent).toBe("Approve 1 selected");
    await tick(bench, "Plan");
    expect(bar(bench)).toBeNull();
  });

  test("belongs to the view it was done in", async () => {
    const bench = await asked(one(), two());
    const other = document.createElement("div");
    bench.widget.render({ model: bench.model, el: other, signal: bench.view.signal });
    await tick(bench, "Plan");
    expect(other.querySelectorAll("input:checked")).toHaveLength(0);
  });

  test("is undone by a decision, and not moved to a new question", async () => {
    const bench = await asked(one(), two());
    await tick(bench, "Plan", "Merge");
    expect(bar(bench)?.textContent).toBe("Approve 2 selected");
    await bench.patch({ checkpoints: { set: [one({ status: "decided", decision: "reject", decided_by: "other" })] } });
    expect(bar(bench)?.textContent).toBe("Approve 1 selected");
    await bench.patch({ checkpoints: { set: [one(), three()] } });
    expect([box(bench, "Plan").checked, box(bench, "Merge").checked, box(bench, "Deploy").checked]).toEqual([
      false,
      true,
      false,
    ]);
  });

  test("is undone when the deadline passes", async () => {
    const bench = await asked(one({ deadline: NOW + 2500 }), two());
    await tick(bench, "Plan", "Merge");
    await later(3500);
    expect(box(bench, "Plan").checked).toBe(false);
    expect(bar(bench)?.textContent).toBe("Approve 1 selected");
    await tick(bench, "Plan");
    expect(box(bench, "Plan").checked).toBe(false);
  });

  test("is undone by an answer in the card, even a refused one", async () => {
    const bench = await asked(one(), two());
    await tick(bench, "Plan", "Merge");
    await bench.ask("Plan");
    bench.get.getByRole("button", { name: "Reject" }).click();
    await bench.ask();
    expect(bar(bench)?.textContent).toBe("Approve 1 selected");
    const id = bench.sent("decide")[0]?.id ?? "";
    bench.model.receive({ kind: "answer", id, ok: false, error: "not allowed" });
    await later();
    expect(box(bench, "Plan").checked).toBe(false);
  });
});

describe("approving what is selected", () => {
  test("answers the ticked questions, each with its own id", async () => {
    const bench = await asked(one(), two({ options: [optionRow("reject"), optionRow("accept")] }), three());
    await write(bench, "Plan", " good ");
    await write(bench, "Deploy", "not this one");
    await bench.ask();
    await tick(bench, "Plan", "Merge");
    bar(bench)?.click();
    await later(50);
    const sent = bench.sent("decide");
    expect(sent).toMatchObject([
      { checkpoint: "cp-1", answer: { option: "approve", feedback: "good", modifications: null } },
      { checkpoint: "cp-2", answer: { option: "accept", feedback: null, modifications: null } },
    ]);
    expect(new Set(sent.map(({ id }) => id)).size).toBe(2);
  });

  test("locks like a press, and a second press sends nothing", async () => {
    const bench = await asked(one(), two());
    await tick(bench, "Plan", "Merge");
    const button = bar(bench);
    button?.click();
    button?.click();
    await later(50);
    expect(bench.sent("decide")).toHaveLength(2);
    expect(bar(bench)).toBeNull();
    for (const title of ["Plan", "Merge"]) {
      await bench.ask(title);
      expect(bench.get.getByRole("button", { name: "Approve" }).getAttribute("aria-disabled")).toBe("true");
    }
  });

  test("leaves out a question that was decided since the last paint", async () => {
    const bench = await asked(one(), two());
    await tick(bench, "Plan", "Merge");
    const decided = two({ status: "decided", decision: "approve", decided_by: "other" });
    bench.model.receive({ kind: "patch", base: 0, version: 1, now: NOW, changes: { checkpoints: { set: [decided] } } });
    bar(bench)?.click();
    expect(bench.sent("decide").map(({ checkpoint: id }) => id)).toEqual(["cp-1"]);
  });

  test("leaves out a question whose deadline has passed", async () => {
    const bench = await asked(one({ deadline: NOW + 60_000 }), two());
    await tick(bench, "Plan", "Merge");
    const button = bar(bench);
    // As in a hidden page: time passes and nothing is painted.
    Object.defineProperty(document, "hidden", { value: true, configurable: true });
    try {
      await later(61_000);
      button?.click();
    } finally {
      Reflect.deleteProperty(document, "hidden");
    }
    expect(bench.sent("decide").map(({ checkpoint: id }) => id)).toEqual(["cp-2"]);
  });

  test("keeps the focus in the region when the bar goes", async () => {
    const bench = await asked(one(), two());
    await tick(bench, "Plan");
    bar(bench)?.focus();
    bar(bench)?.click();
    await later();
    expect(bar(bench)).toBeNull();
    expect(bench.el.contains(document.activeElement)).toBe(true);
    expect(document.activeElement?.tagName).not.toBe("BUTTON");
  });
});

test.each([
  ["the id", [optionRow("reject"), optionRow("approve")], "approve"],
  ["the id before the label", [optionRow("x", { label: "Approve" }), optionRow("YES")], "YES"],
  [
    "the label where the id tells nothing",
    [optionRow("1", { label: "No" }), optionRow("2", { label: "Approve" })],
    "2",
  ],
  ["no option that carries changes", [optionRow("approve", { modifies: true })], null],
  ["no option that ends things", [optionRow("ok", { destructive: true })], null],
  ["no option that only begins so", [optionRow("approve_and_delete")], null],
])("the option to approve is found by %s", (_how, options, expected) => {
  expect(approvalOf(one({ options }))?.id ?? null).toBe(expected);
});
