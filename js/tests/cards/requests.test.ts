/** The card of a question about actions: each by its role and name, its decision, and what is sent. */
import { fireEvent, within } from "@testing-library/dom";
import { describe, expect, test, vi } from "vitest";
import { checkpoint, formField, optionRow, requestFields } from "../../dev/fake";
import { approvalOf } from "../../src/cards/bulk";
import type { CheckpointRow } from "../../src/kernel/contract";
import { Bench, fakeTime, later, picture, table } from "../support";

fakeTime();

const send = { name: "send", description: "Sends **it**", args: [{ name: "to", text: "ann" }] };
const erase = { name: "erase", description: null, args: [{ name: "", text: "[1]" }] };
const all = [optionRow("approve", { label: "Approve all" }), optionRow("reject", { label: "Reject all" })];
const FORM = [
  ...requestFields(0, "approve", "edit", "reject", "respond"),
  formField("0.args.to", "text", "to", { path: ["args", "to"], start: '"ann"' }),
  formField("0.args.more", "json", "more", { path: ["args", "more"], start: '["a"]' }),
  ...requestFields(1, "approve", "reject"),
];
const row = (more: Partial<CheckpointRow> = {}) =>
  checkpoint("cp-1", {
    title: "Call send, erase?",
    options: [...all, optionRow("decide", { fills: true })],
    context: {},
    requests: [send, erase],
    form: FORM,
    ...more,
  });
const asked = (more: Partial<CheckpointRow> = {}) => new Bench().show(picture({}, { checkpoints: table([row(more)]) }));
const named = (bench: Bench, role: string, name: string) => bench.get.getByRole(role, { name }) as HTMLElement;
const part = (bench: Bench, name: string) => within(named(bench, "group", name));
const click = async (element: HTMLElement) => {
  element.click();
  await later();
};
const choose = (bench: Bench, name: string, verb: string) =>
  click(part(bench, name).getByRole("radio", { name: verb }));
const type = async (element: HTMLElement, text: string) => {
  fireEvent.input(element, { target: { value: text } });
  await later();
};
const answers = (bench: Bench) => bench.sent("decide").map(({ answer }) => answer);
const isLocked = (element: HTMLElement) => element.getAttribute("aria-disabled") === "true";

describe("a question about actions", () => {
  test("shows each whole, and sends one decision for each", async () => {
    const bench = await asked();
    expect(part(bench, "send").getByText("ann")).toBeTruthy();
    expect(part(bench, "send").getByText("it").tagName).toBe("STRONG");
    expect(part(bench, "erase").getByText("[1]")).toBeTruthy();
    const button = named(bench, "button", "Send");
    expect(isLocked(button)).toBe(true);
    await choose(bench, "send", "Edit");
    expect(isLocked(button)).toBe(true);
    expect(bench.get.getByText("Decide every call, then send.")).toBeTruthy();
    await choose(bench, "erase", "Reject");
    await type(part(bench, "send").getByRole("textbox", { name: "to" }), "bob");
    await type(part(bench, "erase").getByRole("textbox", { name: "Reason" }), "keep it");
    await click(button);
    expect(answers(bench)).toEqual([
      {
        option: "decide",
        feedback: null,
        modifications: null,
        decisions: [
          { type: "edit", args: { to: "bob", more: ["a"] } },
          { type: "reject", message: "keep it" },
        ],
      },
    ]);
  });

  test("takes the same decision on all of them by one press, or by the option that it is", async () => {
    const bench = await asked();
    await click(named(bench, "button", "Approve all"));
    expect(answers(bench)).toEqual([{ option: "approve", feedback: null, modifications: null }]);
    const other = await asked();
    await choose(other, "send", "Approve");
    expect(other.get.queryByRole("button", { name: "Approve all" })).toBeNull(); // the decisions say all now
    await choose(other, "erase", "Approve");
    await click(named(other, "button", "Send"));
    expect(answers(other)).toEqual([
      { option: "approve", feedback: null, modifications: null, decisions: [{ type: "approve" }, { type: "approve" }] },
    ]);
  });

  test("has a text to respond with, and sends none for an action that is approved after all", async () => {
    const bench = await asked({
      requests: [send],
      form: FORM.slice(0, 4),
      options: ["approve", "respond"].map((id) => optionRow(id, { fills: id !== "approve" })),
    });
    await choose(bench, "send", "Respond");
    await type(part(bench, "send").getByRole("textbox", { name: "Response" }), "sent by hand");
    await click(named(bench, "button", "Send"));
    expect(answers(bench).map(({ option, decisions }) => [option, decisions])).toEqual([
      ["respond", [{ type: "respond", message: "sent by hand" }]],
    ]);
    const other = await asked({ requests: [send], form: FORM.slice(0, 4) });
    await choose(other, "send", "Reject");
    await type(part(other, "send").getByRole("textbox", { name: "Reason" }), "no");
    await choose(other, "send", "Approve");
    await click(named(other, "button", "Send"));
    expect(answers(other).map(({ decisions }) => decisions)).toEqual([[{ type: "approve" }]]);
  });

  test("keeps arguments that are no JSON here, and says what the kernel refuses beside its field", async () => {
    const n = formField("0.args.n", "number", "n", { path: ["args", "n"], start: "1" });
    const bench = await asked({ requests: [send], form: [...FORM.slice(0, 4), n] });
    await choose(bench, "send", "Edit");
    const more = part(bench, "send").getByRole("textbox", { name: "more" });
    await type(more, "[1");
    await click(named(bench, "button", "Send"));
    expect(answers(bench)).toEqual([]);
    expect(more.getAttribute("aria-invalid")).toBe("true");
    await type(more, "[1]");
    const count = part(bench, "send").getByRole("textbox", { name: "n" });
    await type(count, "many");
    await click(named(bench, "button", "Send"));
    expect(answers(bench)).toEqual([]);
    expect(part(bench, "send").getByText("this is not a number")).toBeTruthy();
    await type(count, "2");
    await click(named(bench, "button", "Send"));
    const id = bench.sent("decide").at(-1)?.id ?? "";
    const fields = { "0.args.to": "is too short" };
    bench.model.receive({ kind: "answer", id, ok: false, error: "expected decisions", fields });
    await later();
    expect(part(bench, "send").getByText("is too short")).toBeTruthy();
  });

  test("leaves out an argument that may be, on request", async () => {
    const choices = [
      { label: "a", value: '"a"' },
      { label: "none", value: "" },
    ];
    const mode = formField("0.args.mode", "choice", "mode", { path: ["args", "mode"], start: '"a"', choices });
    const bench = await asked({ requests: [send], form: [...FORM.slice(0, 4), mode] });
    await choose(bench, "send", "Edit");
    expect((part(bench, "send").getByRole("radio", { name: "a" }) as HTMLInputElement).checked).toBe(true);
    await choose(bench, "send", "none");
    await click(named(bench, "button", "Send"));
    expect(answers(bench)[0]?.decisions).toEqual([{ type: "edit", args: { to: "ann", more: ["a"] } }]);
  });

  test("is answered for all only when the last action has been in sight", async () => {
    const bottoms = { "rc-requests": 900, "rc-checkpoint-body": 400 };
    const at = vi.spyOn(Element.prototype, "getBoundingClientRect").mockImplementation(function (this: Element) {
      return new DOMRect(0, 0, 0, bottoms[this.className as keyof typeof bottoms] ?? 0);
    });
    try {
      const bench = await asked();
      const approve = named(bench, "button", "Approve all");
      expect(isLocked(approve)).toBe(true);
      await click(approve);
      expect(answers(bench)).toEqual([]);
      bottoms["rc-requests"] = 400;
      fireEvent.scroll(bench.el.querySelector(".rc-checkpoint-body") as Element);
      await later();
      expect(isLocked(approve)).toBe(false);
      await click(approve);
      expect(answers(bench)).toHaveLength(1);
    } finally {
      at.mockRestore();
    }
  });

  test("is not answered for all while a part of it is missing", async () => {
    const bench = await asked({ cut: ["requests"], rest: { requests: [0, 500] } });
    expect(isLocked(named(bench, "button", "Approve all"))).toBe(true);
  });

  test("that only says yes or no has its buttons and a box for words", async () => {
    const plain = row({ requests: [erase], options: [optionRow("approve"), optionRow("reject")] });
    delete plain.form;
    const bench = await new Bench().show(picture({}, { checkpoints: table([plain]) }));
    expect(bench.get.queryByRole("radio")).toBeNull();
    await type(named(bench, "textbox", "Feedback"), "no");
    await click(named(bench, "button", "reject"));
    expect(answers(bench)).toEqual([{ option: "reject", feedback: "no", modifications: null }]);
  });

  test("is not approved with others", () => {
    expect(approvalOf(row())).toBeNull();
  });
});
