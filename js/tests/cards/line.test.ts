/** The line above the tabs: the answers of a single plain question, and words where nothing is asked. */
import { within } from "@testing-library/dom";
import { describe, expect, test, vi } from "vitest";
import { checkpoint, formField, optionRow } from "../../dev/fake";
import type { CheckpointRow, Head } from "../../src/kernel/contract";
import { Bench, fakeTime, later, NOW, picture, table } from "../support";

fakeTime();

const FORM = {
  options: [optionRow("train", { label: "Train", fills: true }), optionRow("skip", { label: "Skip" })],
  form: [formField("fast", "boolean", "Fast")],
};
const asked = (...rows: Partial<CheckpointRow>[]) =>
  new Bench().show(
    picture(
      {},
      { checkpoints: table(rows.map((row, at) => checkpoint(`c${at}`, { title: `Question ${at}`, ...row }))) },
    ),
  );
const line = (bench: Bench) => within(bench.get.getByRole("region", { name: "Questions" }));

describe("a single question", () => {
  test("with one field is answered in the line, where there is room", async () => {
    vi.spyOn(HTMLElement.prototype, "offsetWidth", "get").mockReturnValue(900);
    const bench = await asked(FORM);
    expect(bench.get.queryByRole("dialog")).toBeNull();
    line(bench).getByRole("checkbox", { name: "Fast" }).click();
    await later();
    line(bench).getByRole("button", { name: "Train" }).click();
    expect(bench.sent("decide").map(({ answer }) => [answer.option, answer.modifications])).toEqual([
      ["train", { fast: true }],
    ]);
    await later();
    expect(line(bench).getByRole("group", { name: "Question 0" }).textContent).toContain("Train: sending…");
    vi.restoreAllMocks();
  });

  test("with one field opens by itself in a narrow line", async () => {
    const bench = await asked(FORM);
    bench.get.getByRole("dialog", { name: "Question 0" });
    expect(line(bench).queryByRole("button", { name: "Train" })).toBeNull();
  });

  test("with more to read has no answers in the line", async () => {
    const bench = await asked({ context: { spec: "# Read me" } });
    bench.get.getByRole("button", { name: "Close" }).click();
    await later();
    expect(
      line(bench)
        .getAllByRole("button")
        .map(({ textContent }) => textContent),
    ).toEqual(["Question 0"]);
  });
});

test("several questions have no answers in the line", async () => {
  const bench = await asked(FORM, FORM);
  expect(line(bench).queryByRole("button", { name: "Train" })).toBeNull();
});

describe("where nothing is asked, the line names", () => {
  const counts = { pending: 0, running: 0, paused: 0, completed: 4, failed: 1, cancelled: 0, skipped: 0 };
  test.each<[string, Partial<Head>, RegExp]>([
    ["a run that has not begun", { started_at: null }, /^Nothing has begun yet\.$/],
    ["a run without tasks", {}, /^No task has begun yet\.$/],
    ["the numbers of tasks", { counts }, /^Tasks: 4 completed, 1 failed$/],
    ["the end", { counts, ended_at: NOW, duration_s: 63 }, /^Ended at .+, after 1m 03s: 4 completed, 1 failed$/],
  ])("%s", async (_, head, words) => {
    const bench = await new Bench().show(picture(head));
    expect(bench.el.querySelector(".rc-meanwhile")?.textContent).toMatch(words);
  });
});
