import { afterEach, describe, expect, test, vi } from "vitest";
import type { MatchFound, OutputRow } from "../../src/kernel/contract";
import { Bench, fakeTime, later, lines, NOW, picture, table } from "../support";

fakeTime();
afterEach(() => vi.unstubAllGlobals());

const TOTAL = 5472;
const line = (n: number, text: string, more: Partial<OutputRow> = {}): OutputRow => ({
  key: String(n),
  task: "t1",
  stream: "stdout",
  text,
  at: NOW,
  ...more,
});
const newest = () => lines(TOTAL - 200, TOTAL) as OutputRow[];
const open = async (rows = newest(), total = TOTAL) => {
  const bench = await new Bench().show(picture({}, { output: table(rows, total) }));
  await bench.tab("Output");
  return bench;
};
/** The panel of a saved notebook. */
const recorded = async (rows: OutputRow[], total: number) => {
  const bench = new Bench();
  bench.model.set("picture", { version: 3, now: NOW, picture: picture({}, { output: table(rows, total) }) });
  await bench.show();
  await later(4000);
  await bench.tab("Output");
  return bench;
};
const log = (bench: Bench) => bench.get.getByRole("log", { name: "Output" });
const says = (bench: Bench) => bench.get.getByRole("status", { name: "Matches" }).textContent;
const box = (bench: Bench) => bench.get.getByRole("searchbox", { name: "Search output" }) as HTMLInputElement;
const press = async (bench: Bench, name: string) => {
  bench.get.getByRole("button", { name }).click();
  await later();
};
const fill = async (input: HTMLInputElement, text: string) => {
  input.value = text;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  await later();
};
const key = async (input: HTMLInputElement, key: string, more: Partial<KeyboardEventInit> = {}) => {
  input.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
  await later();
};
const choose = async (bench: Bench, value: string) => {
  const select = bench.get.getByRole("combobox", { name: "Stream" }) as HTMLSelectElement;
  select.value = value;
  select.dispatchEvent(new Event("change", { bubbles: true }));
  await later();
};
const question = (bench: Bench) => bench.sent("match").at(-1);
const answer = async (bench: Bench, found: Partial<MatchFound> = {}) => {
  const id = question(bench)?.id ?? "";
  const line = found.line ?? 12;
  bench.model.receive({ kind: "match", id, line, place: line, ordinal: 2, matches: 5472, shown: TOTAL, ...found });
  await later();
};
/** Answers the requests for lines. */
const serve = async (bench: Bench, total = TOTAL) => {
  for (const { id, offset = 0, limit = 100 } of bench.sent("page").splice(0)) {
    const rows = lines(offset, Math.min(total, offset + limit));
    bench.model.receive({ kind: "page", id, table: "output", offset, total, rows });
  }
  await later();
};
const shownTexts = (bench: Bench) => [...log(bench).querySelectorAll(".rc-line-text")].map((each) => each.textContent);

describe("the search in the output", () => {
  test("asks the kernel, and shows the match in its place among all lines", async () => {
    const bench = await open();
    await fill(box(bench), "line 12");
    expect(question(bench)).toMatchObject({ text: "line 12", regex: false, shown: { task: "", stream: "" }, step: 0 });
    expect(says(bench)).toBe("searching…");
    await answer(bench, { line: 12, ordinal: 2, matches: 5472 });
    expect(says(bench)).toBe("3 of 5,472");
    await serve(bench);
    const current = log(bench).querySelector(".rc-line-current");
    expect(current?.querySelector(".rc-line-text")?.textContent).toBe("line 12");
    expect(current?.querySelector("mark")?.textContent).toBe("line 12");
    expect(shownTexts(bench)).toContain("line 10");
    expect(shownTexts(bench)).toContain("line 14");
    expect(log(bench).querySelectorAll(".rc-line").length).toBeLessThan(60);
  });

  test("goes on and back by buttons and by keys, from the present match", async () => {
    const bench = await open();
    await fill(box(bench), "line");
    await answer(bench, { line: 700 });
    await key(box(bench), "Enter");
    expect(question(bench)).toMatchObject({ near: 700, step: 1 });
    await answer(bench, { line: 701 });
    await key(box(bench), "Enter", { shiftKey: true });
    expect(question(bench)).toMatchObject({ near: 701, step: -1 });
    await answer(bench, { line: 700 });
    await press(bench, "Next match");
    expect(question(bench)).toMatchObject({ near: 700, step: 1 });
    await answer(bench, { line: 701 });
    await key(box(bench), "Escape");
    expect(box(bench).value).toBe("");
    expect(says(bench)).toBe("");
    expect(log(bench).querySelector(".rc-line-current")).toBeNull();
  });

  test("lets the newest question replace those before it", async () => {
    const bench = await open();
    await fill(box(bench), "a");
    const [first] = bench.sent("match");
    await fill(box(bench), "ab");
    expect(question(bench)).toMatchObject({ text: "ab" });
    bench.model.receive({ kind: "match", id: first?.id ?? "", line: 3, place: 3, ordinal: 0, matches: 1, shown: 9 });
    await later();
    expect(says(bench)).toBe("searching…");
    await answer(bench, { line: null, matches: 0, ordinal: 0 });
    expect(says(bench)).toBe("no match");
  });

  test("asks again when no answer comes", async () => {
    const bench = await open();
    await fill(box(bench), "a");
    await later(10_000);
    expect(bench.sent("match")).toHaveLength(2);
    await answer(bench);
    expect(says(bench)).toBe("3 of 5,472");
  });

  test("says what is wrong with a pattern", async () => {
    const bench = await open();
    await press(bench, "Regular expression");
    await fill(box(bench), "(");
    expect(question(bench)).toMatchObject({ text: "(", regex: true });
    const error = "expected a regular expression: missing ): (";
    bench.model.receive({ kind: "answer", id: question(bench)?.id ?? "", ok: false, error });
    await later();
    expect(says(bench)).toBe(error);
  });

  test("counts the matches of new lines without a move", async () => {
    const bench = await open();
    await fill(box(bench), "line");
    await answer(bench, { line: TOTAL - 50, ordinal: 8, matches: 10 });
    const before = log(bench).scrollTop;
    await bench.patch({ output: { set: lines(TOTAL, TOTAL + 3) as OutputRow[], total: TOTAL + 3 } });
    await later(1000);
    expect(question(bench)).toMatchObject({ near: TOTAL - 50, step: 0 });
    await answer(bench, { line: TOTAL - 50, ordinal: 8, matches: 13 });
    expect(says(bench)).toBe("9 of 13");
    expect(log(bench).scrollTop).toBe(before);
  });

  test("goes from error to error", async () => {
    const bench = await open();
    await press(bench, "Next error");
    expect(question(bench)).toMatchObject({ errors: true, step: 0 });
    await answer(bench, { line: 40, ordinal: 0, matches: 7 });
    expect(says(bench)).toBe("error 1 of 7");
    await press(bench, "Next error");
    expect(question(bench)).toMatchObject({ errors: true, near: 40, step: 1 });
  });

  test("searches the saved lines without a kernel, and says so", async () => {
    const rows = [line(5, "one"), line(6, "two", { stream: "stderr" }), line(7, "\u001b[1mon\u001b[0me more")];
    const bench = await recorded(rows, 900);
    await fill(box(bench), "ONE");
    expect(says(bench)).toBe("1 of 2 in the 3 lines here");
    expect(bench.el.textContent).toContain("900 lines, 897 not saved");
    await press(bench, "Next match");
    expect(says(bench)).toBe("2 of 2 in the 3 lines here");
    await press(bench, "Previous match");
    expect(says(bench)).toBe("1 of 2 in the 3 lines here");
    await press(bench, "Only matching lines");
    expect(shownTexts(bench)).toEqual(["one", "one more"]);
    expect(bench.sent("match")).toEqual([]);
  });

  test("survives a look at another tab", async () => {
    const bench = await open();
    await fill(box(bench), "line");
    await bench.tab("Tasks");
    await bench.tab("Output");
    expect(box(bench).value).toBe("line");
  });
});

describe("the filters of the output", () => {
  test("are applied by the kernel to the whole log", async () => {
    const bench = await open();
    await choose(bench, "stderr");
    const [asked] = bench.sent("page").slice(-1);
    expect(asked).toMatchObject({ table: "output", offset: 0, query: { stream: "stderr" } });
    const rows = [line(17, "bad", { stream: "stderr" }), line(4000, "worse", { stream: "stderr" })];
    bench.model.receive({ kind: "page", id: asked?.id ?? "", table: "output", offset: 0, total: 2, rows });
    await later();
    expect(shownTexts(bench)).toEqual(["bad", "worse"]);
    expect(bench.el.textContent).toContain("2 of 5,472 lines");
    await fill(box(bench), "worse");
    expect(question(bench)).toMatchObject({ shown: { stream: "stderr" }, text: "worse" });
  });

  test("name the tasks with output", async () => {
    const rows = newest().map((row, n) => ({ ...row, task: `t${n % 2}`, name: `Step ${n % 2}` }));
    const bench = await open(rows);
    expect(log(bench).querySelector(".rc-line-task")?.textContent).toMatch(/^Step [01]$/);
    const input = bench.get.getByRole("combobox", { name: "Task" }) as HTMLInputElement;
    input.focus();
    await later();
    const [asked] = bench.sent("page").slice(-1);
    expect(asked).toMatchObject({ table: "writers", search: "" });
    const labels = [{ key: "t0", label: "Step 0 · t0" }] as never[];
    bench.model.receive({ kind: "page", id: asked?.id ?? "", table: "writers", offset: 0, total: 1, rows: labels });
    await later();
    expect([...bench.el.querySelectorAll("datalist option")].map((each) => each.getAttribute("value"))).toEqual([
      "Step 0 · t0",
    ]);
    await fill(input, "Step 0 · t0");
    expect(bench.sent("page").at(-1)).toMatchObject({ query: { task: "Step 0 · t0" } });
  });

  test("say that nothing is like that", async () => {
    const bench = await open();
    await choose(bench, "stderr");
    const id = bench.sent("page").at(-1)?.id ?? "";
    bench.model.receive({ kind: "page", id, table: "output", offset: 0, total: 0, rows: [] });
    await later();
    expect(bench.el.textContent).toContain("None of 5,472 lines is like that.");
  });

  test("replace a request that nobody waits for any more", async () => {
    const bench = await open();
    await press(bench, "Only matching lines");
    await fill(box(bench), "a");
    const first = bench.sent("page").at(-1);
    await fill(box(bench), "ab");
    expect(bench.sent("page").at(-1)).toMatchObject({ query: { text: "ab" }, instead: first?.id });
  });
});

describe("the look of the output", () => {
  test("has times and wrapped lines if they are wanted, and keeps that", async () => {
    const bench = await open([line(0, "a"), line(1, "b")], 2);
    expect(log(bench).querySelector("time")).toBeNull();
    await press(bench, "Timestamps");
    await press(bench, "Wrap lines");
    expect(log(bench).querySelector("time")?.textContent).toMatch(/^\d\d:\d\d:\d\d\.000$/);
    expect(log(bench).className).toContain("rc-log-wrapped");
    await bench.tab("Tasks");
    await bench.tab("Output");
    expect(bench.get.getByRole("button", { name: "Wrap lines" }).getAttribute("aria-pressed")).toBe("true");
  });

  test("numbers the lines, of which some can be chosen and copied", async () => {
    const writeText = vi.fn(async (_: string) => {});
    vi.stubGlobal("navigator", { clipboard: { writeText } });
    vi.stubGlobal("ClipboardItem", undefined);
    const bench = await open([line(0, "a"), line(1, "b"), line(2, "c"), line(3, "d")], 4);
    const numbers = [...log(bench).querySelectorAll<HTMLElement>(".rc-line-number")];
    expect(numbers.map((each) => each.dataset.number)).toEqual(["1", "2", "3", "4"]);
    numbers[1]?.click();
    await later();
    numbers[2]?.dispatchEvent(new MouseEvent("click", { bubbles: true, shiftKey: true }));
    await later();
    expect(log(bench).querySelectorAll(".rc-line-chosen")).toHaveLength(2);
    bench.get.getByTitle("Copy 2 chosen lines").click();
    await later();
    const asked = bench.sent("text").at(-1);
    expect(asked).toMatchObject({ offset: 1, query: { task: "" } });
    bench.model.receive({ kind: "text", id: asked?.id ?? "", text: "b\nc\nd\n", next: 4, total: 4 });
    await later();
    expect(writeText).toHaveBeenCalledWith("b\nc\n");
  });

  test("says how many lines are new below", async () => {
    const bench = await open(lines(0, 150) as OutputRow[], 150);
    Object.defineProperties(log(bench), { scrollHeight: { value: 2700 }, clientHeight: { value: 320 } });
    log(bench).scrollTop = 100;
    log(bench).dispatchEvent(new Event("scroll"));
    await later();
    await bench.patch({ output: { set: lines(150, 162) as OutputRow[], total: 162 } });
    expect(bench.get.getByRole("button", { name: "Jump to latest" }).textContent).toBe("12 new");
  });
});

describe("a copy of the output", () => {
  const piece = async (bench: Bench, text: string, next: number, total: number) => {
    bench.model.receive({ kind: "text", id: bench.sent("text").at(-1)?.id ?? "", text, next, total });
    await later();
  };

  test("comes whole from the kernel, piece by piece, without the lines that come meanwhile", async () => {
    const writeText = vi.fn(async (_: string) => {});
    vi.stubGlobal("navigator", { clipboard: { writeText } });
    vi.stubGlobal("ClipboardItem", undefined);
    const bench = await open();
    bench.get.getByTitle("Copy the whole output").click();
    await later();
    expect(bench.sent("text")).toMatchObject([{ offset: 0, stamped: false }]);
    await piece(bench, "a\nb\n", 2, 4);
    expect(bench.get.getByRole("button", { name: "Cancel · 50%" })).toBeTruthy();
    expect(bench.sent("text").at(-1)).toMatchObject({ offset: 2 });
    await piece(bench, "c\nd\ne\nf\n", 6, 6);
    expect(writeText).toHaveBeenCalledWith("a\nb\nc\nd\n");
    expect(bench.get.getByTitle("Copy the whole output").textContent).toContain("Copied");
  });

  test("can be cancelled", async () => {
    const writeText = vi.fn(async (_: string) => {});
    vi.stubGlobal("navigator", { clipboard: { writeText } });
    vi.stubGlobal("ClipboardItem", undefined);
    const bench = await open();
    bench.get.getByTitle("Copy the whole output").click();
    await later();
    await piece(bench, "a\n", 1, 2);
    await press(bench, "Cancel · 50%");
    await piece(bench, "b\n", 2, 2);
    expect(writeText).not.toHaveBeenCalled();
    expect(bench.get.getByTitle("Copy the whole output").textContent).toContain("Not copied");
  });

  test("marks the gaps where no kernel can fill them", async () => {
    const writeText = vi.fn(async (_: string) => {});
    vi.stubGlobal("navigator", { clipboard: { writeText } });
    vi.stubGlobal("ClipboardItem", undefined);
    const bench = await recorded([line(2, "a"), line(3, "b"), line(7, "\u001b[31mc\u001b[0m")], 9);
    bench.get.getByTitle("Copy the whole output").click();
    await later();
    expect(writeText).toHaveBeenCalledWith(
      "… 2 lines missing here …\na\nb\n… 3 lines missing here …\nc\n… 1 line missing here …\n",
    );
  });

  test("can be stored as a file", async () => {
    const made: Blob[] = [];
    const createObjectURL = vi.fn((blob: Blob) => {
      made.push(blob);
      return "blob:x";
    });
    vi.stubGlobal("URL", Object.assign(URL, { createObjectURL, revokeObjectURL: () => {} }));
    const bench = await open();
    await press(bench, "Download the whole output");
    await piece(bench, "a\nb\n", 2, 2);
    expect(await made[0]?.text()).toBe("a\nb\n");
  });
});
