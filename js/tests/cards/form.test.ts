/** The form of a question: its fields by role and name, the values that are sent, the reasons beside them. */
import { fireEvent, within } from "@testing-library/dom";
import { describe, expect, test, vi } from "vitest";
import { checkpoint, choiceRows, formField, optionRow } from "../../dev/fake";
import { approvalOf } from "../../src/cards/bulk";
import type { CheckpointRow, FormField } from "../../src/kernel/contract";
import { Bench, fakeTime, later, NOW, picture, table } from "../support";

fakeTime();

const OPTIONS = [optionRow("train", { fills: true }), optionRow("skip")];
const row = (form: FormField[], more: Partial<CheckpointRow> = {}) =>
  checkpoint("cp-1", { title: "Train it?", type: null, options: OPTIONS, form, ...more });
const asked = (form: FormField[], more: Partial<CheckpointRow> = {}, head = {}) =>
  new Bench().show(picture(head, { checkpoints: table([row(form, more)]) }));
const rate = formField("rate", "number", "Rate", { start: "0.5", description: "Of learning", limits: "at most 1" });
const field = <E extends HTMLElement = HTMLInputElement>(bench: Bench, role: string, name: string | RegExp) =>
  bench.get.getByRole(role, { name }) as unknown as E;
const type = async (element: HTMLElement, text: string) => {
  element.focus();
  fireEvent.input(element, { target: { value: text } });
  await later();
};
const click = async (element: HTMLElement) => {
  element.click();
  await later();
};
const press = (bench: Bench, name: string) => click(field(bench, "button", name));
const answers = (bench: Bench) => bench.sent("decide").map(({ answer }) => answer);
const refuse = async (bench: Bench, fields: Record<string, string>) => {
  const id = bench.sent("decide").at(-1)?.id ?? "";
  bench.model.receive({ kind: "answer", id, ok: false, error: "expected values that fit", fields });
  await later();
};
const described = (element: HTMLElement) =>
  (element.getAttribute("aria-describedby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent);

describe("a field", () => {
  test("has its name, its hints, and says that it is needed", async () => {
    const bench = await asked([rate, formField("name", "text", "Name", { required: true })]);
    const form = field(bench, "group", "Values");
    expect(described(form)).toEqual(["Sent with train · * needed"]);
    expect(described(field(bench, "textbox", "Rate"))).toEqual(["Of learning · at most 1"]);
    expect(field(bench, "textbox", "Name").getAttribute("aria-required")).toBe("true");
    expect(field(bench, "textbox", "Rate").hasAttribute("aria-required")).toBe(false);
  });

  test("of each kind has its role, its default, and gives its value", async () => {
    const bench = await asked([
      formField("text", "text", "Text"),
      formField("lines", "lines", "Lines", { start: '"a\\nb"' }),
      formField("integer", "integer", "Integer"),
      formField("on", "boolean", "On", { start: "true" }),
      formField("few", "choice", "Few", { choices: choiceRows("a", "b"), start: '"b"' }),
      formField("many", "choice", "Many", { choices: choiceRows("p", "q", 3, 4, 5) }),
      formField("tags", "choices", "Tags", { choices: choiceRows("x", "y"), start: '["y"]' }),
      formField("day", "date", "Day"),
      formField("at", "datetime", "At"),
    ]);
    expect(field<HTMLTextAreaElement>(bench, "textbox", "Lines").value).toBe("a\nb");
    expect(field(bench, "textbox", "Integer").inputMode).toBe("numeric");
    expect(field(bench, "checkbox", "On").checked).toBe(true);
    expect([field(bench, "radio", "a").checked, field(bench, "radio", "b").checked]).toEqual([false, true]);
    expect([field(bench, "checkbox", "x").checked, field(bench, "checkbox", "y").checked]).toEqual([false, true]);
    field(bench, "radiogroup", "Few");
    field(bench, "group", "Tags");
    await type(field(bench, "textbox", "Text"), "words");
    await type(field(bench, "textbox", "Integer"), "7");
    await click(field(bench, "checkbox", "On"));
    await click(field(bench, "radio", "a"));
    fireEvent.change(field(bench, "combobox", "Many"), { target: { value: "3" } });
    await click(field(bench, "checkbox", "x"));
    await type(bench.get.getByLabelText("Day"), "2026-05-31");
    const at = bench.get.getByLabelText("At");
    expect(described(at)).toEqual(["your local time"]);
    await type(at, "2026-05-31T18:00");
    await press(bench, "train");
    expect(answers(bench)).toEqual([
      {
        option: "train",
        feedback: null,
        modifications: {
          text: "words",
          lines: "a\nb",
          integer: 7,
          on: false,
          few: "a",
          many: 3,
          tags: ["x", "y"],
          day: "2026-05-31",
          at: new Date("2026-05-31T18:00").toISOString().replace(".000Z", "Z"),
        },
      },
    ]);
  });

  test("of an object stands with the others under its name", async () => {
    const inner = (key: string) => formField(key, "text", `Inner ${key}`, { group: "Limits" });
    const bench = await asked([rate, inner("limits.a"), inner("limits.b")]);
    const group = field(bench, "group", "Limits");
    expect([...group.querySelectorAll("input")].map((input) => input.labels?.[0]?.textContent)).toEqual([
      "Inner limits.a",
      "Inner limits.b",
    ]);
    await type(field(bench, "textbox", "Inner limits.b"), "2");
    await press(bench, "train");
    expect(answers(bench)[0]?.modifications).toEqual({ rate: 0.5, limits: { b: "2" } });
  });

  test("shows what the stream says as text", async () => {
    const bad = "<img src=x onerror=alert(1)>";
    const bench = await asked([
      formField("a", "text", bad, { description: bad, limits: bad, group: null, start: JSON.stringify(bad) }),
    ]);
    expect(bench.el.querySelector("img")).toBeNull();
    expect(field(bench, "textbox", bad).value).toBe(bad);
  });
});

describe("an answer", () => {
  test("by an option that takes no values has none", async () => {
    const bench = await asked([rate]);
    await type(field(bench, "textbox", "Rate"), "2");
    await press(bench, "skip");
    expect(answers(bench)).toEqual([{ option: "skip", feedback: null, modifications: null }]);
  });

  test("takes the form even where an option is named after modifications: there is no second editor", async () => {
    const bench = await asked([rate], { options: [optionRow("modify", { fills: true, modifies: true })] });
    expect(bench.get.queryByRole("button", { name: "Modifications (JSON)" })).toBeNull();
    await press(bench, "modify");
    expect(answers(bench)[0]?.modifications).toEqual({ rate: 0.5 });
  });

  test("in words has the values once they were changed", async () => {
    const bench = await asked([rate], { options: [], free_text: true });
    expect(described(field(bench, "group", "Values"))).toEqual(["Sent with your answer once you change them"]);
    await type(field(bench, "textbox", "Feedback"), "slowly");
    await press(bench, "Send answer");
    await refuse(bench, { "": "the link is down" });
    await type(field(bench, "textbox", "Rate"), "0.1");
    await press(bench, "Send answer");
    expect(answers(bench)).toEqual([
      { option: "", feedback: "slowly", modifications: null },
      { option: "", feedback: "slowly", modifications: { rate: 0.1 } },
    ]);
  });

  test("on its way locks the fields, which keep the focus and their text", async () => {
    const bench = await asked([
      rate,
      formField("on", "boolean", "On"),
      formField("many", "choice", "Many", { choices: choiceRows("p", "q") }),
    ]);
    await type(field(bench, "textbox", "Rate"), "2");
    await press(bench, "train");
    expect(field(bench, "textbox", "Rate").readOnly).toBe(true);
    expect(document.activeElement).toBe(field(bench, "textbox", "Rate"));
    await click(field(bench, "checkbox", "On"));
    expect(field(bench, "checkbox", "On").checked).toBe(false);
    expect(fireEvent.keyDown(field(bench, "combobox", "Many"), { key: "ArrowDown" })).toBe(false);
    expect(fireEvent.mouseDown(field(bench, "combobox", "Many"))).toBe(false);
    expect(fireEvent.keyDown(field(bench, "combobox", "Many"), { key: "Tab" })).toBe(true);
  });

  test("with a date of which a part is typed is not sent", async () => {
    const bench = await asked([formField("day", "date", "Day")]);
    const day = bench.get.getByLabelText("Day") as HTMLInputElement;
    vi.spyOn(day, "validity", "get").mockReturnValue({ badInput: true } as ValidityState);
    await press(bench, "train");
    expect(answers(bench)).toEqual([]);
    expect(described(day)).toEqual(["the date is not complete"]);
    expect(document.activeElement).toBe(day);
    vi.restoreAllMocks();
    await type(day, "2026-05-31");
    expect(day.getAttribute("aria-invalid")).toBeNull();
    await press(bench, "train");
    expect(answers(bench)[0]?.modifications).toEqual({ day: "2026-05-31" });
  });
});

describe("values that the kernel refuses", () => {
  const form = [
    rate,
    formField("name", "text", "Name", { required: true }),
    formField("few", "choice", "Few", { required: true, choices: choiceRows("a", "b") }),
  ];
  const reasons = { name: "a value is needed", few: "expected one of a, b" };

  test("have their reason beside them, until they are changed; the first has the focus", async () => {
    const bench = await asked(form);
    await type(field(bench, "textbox", "Rate"), "2");
    field(bench, "button", "train").focus();
    await press(bench, "train");
    await refuse(bench, reasons);
    const name = field(bench, "textbox", "Name");
    expect(document.activeElement).toBe(name);
    expect([name.getAttribute("aria-invalid"), described(name)]).toEqual(["true", ["a value is needed"]]);
    expect(described(field(bench, "radiogroup", "Few"))).toEqual(["expected one of a, b"]);
    expect(field(bench, "textbox", "Rate").value).toBe("2");
    expect(field(bench, "textbox", "Rate").getAttribute("aria-invalid")).toBeNull();
    expect(bench.el.textContent).toContain("train was not sent: the values do not fit, as the form says.");
    await type(name, "n");
    expect(name.getAttribute("aria-invalid")).toBeNull();
    expect(document.activeElement).toBe(name);
    await click(field(bench, "radio", "a"));
    expect(field(bench, "group", "Train it?").textContent).not.toContain("was not sent");
    await press(bench, "train");
    expect(answers(bench).at(-1)?.modifications).toEqual({ rate: 2, name: "n", few: "a" });
  });

  test("take the focus to the first button of a group", async () => {
    const bench = await asked(form);
    await press(bench, "train");
    await refuse(bench, { few: "a value is needed" });
    expect(document.activeElement).toBe(field(bench, "radio", "a"));
  });

  test("do not take the focus from where the person has gone", async () => {
    const bench = await asked(form);
    const cell = document.createElement("textarea");
    document.body.append(cell);
    await press(bench, "train");
    cell.focus();
    await refuse(bench, reasons);
    expect(document.activeElement).toBe(cell);
    expect(described(field(bench, "textbox", "Name"))).toEqual(["a value is needed"]);
  });

  test("have a reason for all of them below the form", async () => {
    const bench = await asked(form);
    await press(bench, "train");
    await refuse(bench, { "": "they do not go together", other: "is unknown" });
    expect(field(bench, "group", "Values").textContent).toContain("they do not go together; other: is unknown");
  });

  test("in boxes to tick are said of each", async () => {
    const bench = await asked([formField("tags", "choices", "Tags", { choices: choiceRows("x", "y") })]);
    await press(bench, "train");
    await refuse(bench, { "tags.0": "is no tag" });
    expect(described(field(bench, "group", "Tags"))).toEqual(["is no tag"]);
    expect(document.activeElement).toBe(field(bench, "checkbox", "x"));
    await click(field(bench, "checkbox", "y"));
    expect(described(field(bench, "group", "Tags"))).toEqual([undefined]);
  });
});

describe("what was typed into a form", () => {
  test("is there again after a reload, and in another view", async () => {
    const bench = await asked([rate], { requested_at: NOW });
    await type(field(bench, "textbox", "Rate"), "0,7");
    bench.close();
    bench.el.remove();
    const after = await asked([rate], { requested_at: NOW });
    expect(field(after, "textbox", "Rate").value).toBe("0,7");
    await press(after, "train");
    expect(answers(after)[0]?.modifications).toEqual({ rate: "0,7" });
  });

  test("stays under the cursor when the question closes without it, to be copied", async () => {
    const writeText = vi.fn(async () => {});
    vi.stubGlobal("navigator", { clipboard: { writeText } });
    const bench = await asked([rate, formField("on", "boolean", "On")]);
    const before = field(bench, "textbox", "Rate");
    await type(before, "2");
    const end = { status: "decided", decision: "skip", decided_by: "other", decided_at: NOW } as const;
    await bench.patch({ checkpoints: { set: [row([rate, formField("on", "boolean", "On")], end)] } });
    const kept = field(bench, "textbox", "Rate");
    expect(kept).toBe(before);
    expect(document.activeElement).toBe(kept);
    expect([kept.value, kept.readOnly]).toEqual(["2", true]);
    expect(bench.el.textContent).not.toContain("Sent with");
    await press(bench, "Copy");
    expect(writeText).toHaveBeenCalledWith("Rate: 2");
    vi.unstubAllGlobals();
    await press(bench, "Dismiss");
    expect(bench.get.queryByRole("textbox", { name: "Rate" })).toBeNull();
  });

  test("does not keep the card when it was sent", async () => {
    const bench = await asked([rate]);
    await type(field(bench, "textbox", "Rate"), "0.25");
    await press(bench, "train");
    const end = { status: "decided", decision: "train", answer: "train", decided_by: "you", decided_at: NOW } as const;
    await bench.patch({ checkpoints: { set: [row([rate], end)] } });
    expect(bench.get.queryByRole("textbox", { name: "Rate" })).toBeNull();
  });
});

describe("where a form cannot be filled in", () => {
  test("of a replay, it is shown as it was asked", async () => {
    const replay = { position_s: 1, duration_s: 2, speed: 1, playing: false, over: false };
    const bench = await asked([rate, formField("on", "boolean", "On")], {}, { replay });
    await bench.ask("Train it?");
    expect(field(bench, "textbox", "Rate").readOnly).toBe(true);
    await click(field(bench, "checkbox", "On"));
    expect(field(bench, "checkbox", "On").checked).toBe(false);
  });

  test("in the list of questions, one of several fields has no button: the question is opened", async () => {
    const other = checkpoint("cp-2", { title: "Plain?", options: [optionRow("approve"), optionRow("reject")] });
    const name = formField("name", "text", "Name");
    const form = row([rate, name], { options: [optionRow("approve", { fills: true }), optionRow("reject")] });
    const bench = await new Bench().show(picture({}, { checkpoints: table([form, other]) }));
    await bench.ask();
    const buttons = (title: string) =>
      [...field(bench, "group", title).querySelectorAll(".rc-options button")].map((button) => button.textContent);
    expect([buttons("Train it?"), buttons("Plain?")]).toEqual([[], ["approve", "reject"]]);
    expect(approvalOf(form)).toBeNull();
    expect(field(bench, "checkbox", "Select Train it?").disabled).toBe(true);
    const item = within(field(bench, "group", "Train it?"));
    await click(item.getByRole("button", { name: "Train it?" }));
    field(bench, "textbox", "Rate");
  });
});

describe("a form of one simple field", () => {
  const other = checkpoint("cp-2", { title: "Plain?", options: [optionRow("approve"), optionRow("reject")] });
  const listed = async (form: FormField) => {
    const bench = await new Bench().show(picture({}, { checkpoints: table([row([form]), other]) }));
    await bench.ask();
    return { bench, item: within(field(bench, "group", "Train it?")) };
  };

  test("is answered in the list of questions", async () => {
    const { bench, item } = await listed(formField("fast", "boolean", "Fast"));
    await click(item.getByRole("checkbox", { name: "Fast" }));
    await click(item.getByRole("button", { name: "train" }));
    expect(answers(bench)).toEqual([{ option: "train", feedback: null, modifications: { fast: true } }]);
  });

  test("has the reason beside its field, there, too; an answer without values needs none", async () => {
    const { bench, item } = await listed(rate);
    await type(item.getByRole("textbox", { name: "Rate" }), "2");
    await click(item.getByRole("button", { name: "train" }));
    await refuse(bench, { rate: "2 is greater than the maximum of 1" });
    item.getByText("2 is greater than the maximum of 1");
    expect(item.getByRole("textbox", { name: "Rate" }).getAttribute("aria-invalid")).toBe("true");
    await click(item.getByRole("button", { name: "skip" }));
    expect(answers(bench).at(-1)).toEqual({ option: "skip", feedback: null, modifications: null });
  });

  test("of several lines is opened", async () => {
    const { item } = await listed(formField("plan", "lines", "Plan"));
    expect(item.queryByRole("textbox")).toBeNull();
  });
});

test("no key is the panel's in a form", async () => {
  const bench = await asked([rate, formField("on", "boolean", "On")]);
  for (const key of ["2", "a", "m", "?", "/", "j"]) {
    for (const element of [field(bench, "textbox", "Rate"), field(bench, "checkbox", "On")]) {
      expect(fireEvent.keyDown(element, { key })).toBe(true);
    }
  }
  await later();
  expect(field(bench, "tab", "Overview").getAttribute("aria-selected")).toBe("true");
  field(bench, "dialog", "Train it?");
});

test("a form of which a part was cut is asked for, and said to be missing", async () => {
  const bench = await asked([rate], { cut: ["form"], rest: { form: [0, 12] } });
  expect(bench.el.textContent).toContain("Not here: 12 more characters of form.");
  const [asking] = bench.sent("detail");
  const whole = row([{ ...rate, label: "Rate of learning" }]);
  bench.model.receive({ kind: "detail", id: asking?.id ?? "", table: "checkpoints", key: "cp-1", row: whole });
  await later();
  field(bench, "textbox", "Rate of learning");
  expect(bench.el.textContent).not.toContain("Not here");
});
