/** The parts of a card: its context, its options, the modifications, and the strip that points to it. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { checkpoint } from "../../dev/fake";
import { filesOf, pairs } from "../../src/cards/diff";
import { parseModifications } from "../../src/cards/modifications";
import type { CheckpointRow } from "../../src/kernel/contract";
import { placeOf } from "../../src/ui/sticky";
import { Bench, fakeTime, later, NOW, picture, table } from "../support";

fakeTime();

const row = (more: Partial<CheckpointRow> = {}) => checkpoint("cp-1", { title: "Approve the plan", ...more });
const asked = (...rows: CheckpointRow[]) => new Bench().show(picture({}, { checkpoints: table(rows) }));
const button = (bench: Bench, name: string) => bench.get.getByRole("button", { name });
const press = async (bench: Bench, name: string) => {
  button(bench, name).click();
  await later();
};

describe("the context", () => {
  test("shows texts of several lines by name, and a diff as one", async () => {
    const diff = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new";
    const texts = [
      { name: "rollback_plan", text: "first\nsecond" },
      { name: "diff", text: diff },
    ];
    const bench = await asked(row({ context: { texts } }));
    expect(bench.el.textContent).toContain("first\nsecond");
    bench.get.getByRole("tab", { name: "Rollback plan" });
    await bench.tab("Diff");
    expect(bench.el.querySelector(".rc-diff-add")?.textContent).toBe("+new");
    expect(bench.el.textContent).toContain("+1 −1");
  });

  test("marks a high risk with a sign and a word, not by color alone", async () => {
    const { el } = await asked(row({ context: { risk: "high" } }));
    const risk = el.querySelector(".rc-fact-risk");
    expect(risk?.textContent).toBe("risk: high");
    expect(risk?.querySelector("svg")).not.toBeNull();
  });

  test("asks for the whole of a description that was cut", async () => {
    const bench = await asked(row({ description: "the beginning", cut: ["description"] }));
    const [asking] = bench.sent("detail");
    const whole = row({ description: "the beginning and the end" });
    bench.model.receive({ kind: "detail", id: asking?.id ?? "", table: "checkpoints", key: "cp-1", row: whole });
    await later();
    expect(bench.el.textContent).toContain("the beginning and the end");
  });
});

describe("a diff", () => {
  test("marks files, hunks, added and removed lines", () => {
    const lines = [
      "diff --git a/q.sql b/q.sql",
      "--- a/q.sql",
      "+++ b/q.sql",
      "@@ -1,3 +1,3 @@",
      " select 1",
      "--- a comment of SQL",
      "+++ another",
      "\\ No newline at end of file",
      " end",
      "--- a/second",
      "+++ b/second",
      "@@ -1 +1 @@",
      "-old",
      "+new",
    ];
    const files = filesOf(lines.join("\n"));
    const kinds = files.map((file) => file.lines.map(({ kind }) => kind));
    expect(kinds).toEqual([
      ["file", "file", "file", "hunk", "", "del", "add", "", ""],
      ["file", "file", "hunk", "del", "add"],
    ]);
    expect(files.map(({ path, added, removed }) => [path, added, removed])).toEqual([
      ["q.sql", 1, 1],
      ["second", 1, 1],
    ]);
    const numbers = files[0]?.lines.slice(4).map((line) => [line.old, line.new]);
    expect(numbers).toEqual([
      [1, 1],
      [2, null],
      [null, 2],
      [null, null],
      [3, 3],
    ]);
  });

  test("shows both sides beside each other: removed lines with the added ones that follow", () => {
    const [file] = filesOf("@@ -1,3 +1,3 @@\n same\n-a\n-b\n+c\n same");
    const sides = pairs(file?.lines ?? []).map((pair) => pair.map((line) => line?.text ?? null));
    expect(sides).toEqual([
      ["@@ -1,3 +1,3 @@", "@@ -1,3 +1,3 @@"],
      [" same", " same"],
      ["-a", "+c"],
      ["-b", null],
      [" same", " same"],
    ]);
  });

  test("is folded by file, and names each", async () => {
    const changes = ["--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2", "--- a/y\n+++ b/y\n@@ -1 +1 @@\n-3\n+4"];
    const bench = await asked(row({ context: { changes } }));
    expect(bench.el.textContent).toContain("2 files +2 −2");
    await press(bench, "y +1 −1");
    expect([...bench.el.querySelectorAll(".rc-diff-add")].map((line) => line.textContent)).toEqual(["+2"]);
    await press(bench, "Side by side");
    expect(bench.el.querySelectorAll(".rc-diff-pair")).not.toHaveLength(0);
  });
});

describe("the options", () => {
  test("show their meaning, the default and what ends things", async () => {
    const bench = await asked(row());
    const options = [...bench.el.querySelectorAll(".rc-option")];
    const seen = options.map((option) => [...option.querySelectorAll("button, span")].map((part) => part.textContent));
    expect(seen).toEqual([
      ["Approve", "default", "Go on as planned"],
      ["Modify", "Go on with changes"],
      ["Reject", "Stop the task"],
    ]);
    expect(options.map((option) => option.classList.contains("rc-option-apart"))).toEqual([false, false, true]);
    const described = button(bench, "Approve").getAttribute("aria-describedby")?.split(" ") ?? [];
    expect(described.map((id) => document.getElementById(id)?.textContent)).toEqual(["default", "Go on as planned"]);
  });
});

describe("modifications", () => {
  const box = (bench: Bench) =>
    bench.el.querySelector<HTMLTextAreaElement>('textarea[aria-label="Modifications (JSON)"]') as HTMLTextAreaElement;
  const type = async (bench: Bench, text: string) => {
    box(bench).value = text;
    box(bench).dispatchEvent(new Event("input", { bubbles: true }));
    await later();
  };
  const template = '{\n  "valid_minutes": 30\n}';

  test("begin with the context's offer and are sent as shown", async () => {
    const bench = await asked(row({ context: { template } }));
    await press(bench, "Modifications (JSON)");
    expect(box(bench).value).toBe(template);
    await press(bench, "Modify");
    expect(bench.sent("decide")).toMatchObject([
      { answer: { option: "modify", modifications: { valid_minutes: 30 } } },
    ]);
  });

  test("that nobody has looked at are not sent", async () => {
    const bench = await asked(row({ context: { template } }));
    await press(bench, "Modify");
    expect(bench.sent("decide")).toMatchObject([{ answer: { option: "modify", modifications: null } }]);
  });

  test("are sent after the editor was closed, with their option only", async () => {
    for (const [option, sent] of [
      ["Modify", { n: 1 }],
      ["Approve", null],
    ] as const) {
      sessionStorage.clear();
      const bench = await asked(row());
      await press(bench, "Modifications (JSON)");
      await type(bench, '{"n": 1}');
      await press(bench, "Modifications (JSON)");
      await press(bench, option);
      expect(bench.sent("decide")).toMatchObject([{ answer: { modifications: sent } }]);
    }
  });

  test("that are wrong take the focus and say where", async () => {
    const bench = await asked(row());
    await press(bench, "Modifications (JSON)");
    await type(bench, "{\n  valid: 3\n}");
    await press(bench, "Modify");
    expect(bench.sent("decide")).toHaveLength(0);
    expect(document.activeElement).toBe(box(bench));
    expect(box(bench).getAttribute("aria-invalid")).toBe("true");
    const note = document.getElementById(box(bench).getAttribute("aria-describedby") ?? "");
    expect(note?.textContent).toContain("This is not JSON: line 2, column 3. Names and texts need double quotes");
    await type(bench, '{"valid": 3}');
    expect(box(bench).getAttribute("aria-invalid")).toBe("false");
  });

  test.each([
    ["", null],
    [" \n", null],
    ['"a word"', "a word"],
    ["[1, 2.5, 9007199254740991]", [1, 2.5, 9007199254740991]],
  ])("%j are read as they are", (text, value) => {
    expect(parseModifications(text)).toEqual({ value, error: null });
  });

  test.each(["12345678901234567890", '{"a": [{"b": -9007199254740993}]}'])("%s would be sent changed", (text) => {
    expect(parseModifications(text)).toEqual({
      value: null,
      error: "A number here has more digits than can be sent exactly. Write it in double quotes.",
    });
  });
});

describe("the strip", () => {
  afterEach(() => void vi.restoreAllMocks());

  const at = (top: number, bottom: number) => ({ top, bottom }) as DOMRect;
  /** A panel and what is asked in it, in a box that scrolls and shows 100 to 700. */
  const place = (panel: [number, number], target: [number, number]) => {
    const box = document.createElement("div");
    const [root, asking] = [document.createElement("div"), document.createElement("div")];
    box.style.overflowY = "auto";
    box.append(root);
    root.append(asking);
    document.body.append(box);
    vi.spyOn(box, "getBoundingClientRect").mockReturnValue(at(100, 700));
    vi.spyOn(root, "getBoundingClientRect").mockReturnValue(at(...panel));
    vi.spyOn(asking, "getBoundingClientRect").mockReturnValue(at(...target));
    return placeOf(root, asking, 30);
  };

  test.each([
    ["is not there while the question is in sight", [120, 900], [200, 500], null],
    ["is at the upper edge of what can be seen when the question is above", [-800, 900], [-700, -200], 900],
    ["is at the lower edge when the question is below", [600, 1800], [900, 1300], 70],
    ["is not there when the panel itself is out of sight", [-900, 90], [-800, -500], null],
    ["is there while only a sliver of the question shows", [-800, 900], [-700, 125], 900],
  ] as const)("%s", (_, panel, target, expected) => {
    expect(place([...panel], [...target])).toBe(expected);
  });

  test("says how many questions wait and takes a person to them", async () => {
    const bench = await asked(row({ deadline: NOW + 30_000 }), checkpoint("cp-2"));
    const strip = bench.el.querySelector<HTMLElement>(".rc-pin");
    expect(strip?.textContent).toContain("2 questions need your decision");
    expect(strip?.textContent).toContain("last minute for 1 question");
    const scrolled = vi.spyOn(HTMLElement.prototype, "scrollIntoView").mockImplementation(() => {});
    strip?.querySelector("button")?.click();
    expect(scrolled).toHaveBeenCalledOnce();
    expect(document.activeElement?.classList.contains("rc-line-asks")).toBe(true);
  });
});

test("the history tells of others and of the time-out", async () => {
  const entry = (key: string, by: string | null, more: object) => ({
    key,
    checkpoint: `cp-${key}`,
    title: `Question ${key}`,
    option: "Approve",
    feedback: null,
    state: "applied" as const,
    by,
    took_s: 65,
    at: NOW,
    error: null,
    ...more,
  });
  const rows = [
    entry("0", "other", {}),
    entry("1", "timeout", {}),
    entry("2", null, { option: null, state: "expired", error: "no longer needed: the task was cancelled" }),
  ];
  const bench = await new Bench().show(picture({}, { decisions: table(rows) }));
  await bench.tab("Decisions");
  const text = bench.get.getByRole("table", { name: "Decisions" }).textContent ?? "";
  for (const words of ["somebody else", "the time-out", "1m 05s", "expired", "no longer needed"]) {
    expect(text).toContain(words);
  }
});

describe("an answer without options", () => {
  const open = (more: Partial<CheckpointRow> = {}) => asked(row({ options: [], free_text: true, ...more }));

  test("is what is typed, and only that", async () => {
    const bench = await open();
    await press(bench, "Send answer");
    expect(bench.sent("decide")).toEqual([]);
    const words = bench.get.getByRole("textbox", { name: "Feedback" }) as HTMLTextAreaElement;
    words.value = "blue";
    words.dispatchEvent(new Event("input", { bubbles: true }));
    await later();
    await press(bench, "Send answer");
    await press(bench, "Send answer");
    expect(bench.sent("decide")).toMatchObject([{ answer: { option: "", feedback: "blue", modifications: null } }]);
  });

  test("is JSON, on request", async () => {
    const bench = await open();
    await press(bench, "Answer as JSON");
    const json = bench.get.getByRole("textbox", { name: "Answer as JSON" }) as HTMLTextAreaElement;
    const type = async (text: string) => {
      json.value = text;
      json.dispatchEvent(new Event("input", { bubbles: true }));
      await later();
      await press(bench, "Send answer");
    };
    await type("{");
    expect(bench.sent("decide")).toEqual([]);
    expect(json.getAttribute("aria-invalid")).toBe("true");
    await type('{"color": "blue"}');
    expect(bench.sent("decide")).toMatchObject([
      { answer: { option: "", feedback: null, modifications: { color: "blue" } } },
    ]);
  });

  test("is impossible without readable options, and says why", async () => {
    const note = "The options cannot be read: [null]";
    const bench = await open({ free_text: false, options_note: note });
    expect(bench.el.textContent).toContain(note);
    expect(bench.el.querySelectorAll(".rc-options button")).toHaveLength(0);
  });
});
