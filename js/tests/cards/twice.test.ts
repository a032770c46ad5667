/** Answers that cannot be undone: pressed twice, however they are pressed and wherever they stand. */
import { describe, expect, test } from "vitest";
import { checkpoint, optionRow } from "../../dev/fake";
import type { CheckpointRow } from "../../src/kernel/contract";
import { Bench, fakeTime, later, NOW, picture, table } from "../support";

fakeTime();

const options = [
  optionRow("keep", { label: "Keep" }),
  optionRow("reject", { label: "Reject", destructive: true }),
  optionRow("delete", { label: "Delete", destructive: true, asks_twice: true }),
];

async function asked(more: Partial<CheckpointRow> = {}) {
  const row = checkpoint("c", { title: "The branch?", options, ...more });
  const bench = await new Bench().show(picture({}, { checkpoints: table([row]) }));
  const button = (name: string) => bench.get.getByRole("button", { name });
  const press = async (name: string, detail = 1) => {
    button(name).dispatchEvent(new MouseEvent("click", { bubbles: true, detail }));
    await later(100);
  };
  const sent = () => bench.sent("decide").map(({ answer }) => answer.option);
  return { bench, button, press, sent };
}

const AGAIN = "Delete: press again to confirm";

describe("an answer that cannot be undone", () => {
  test("is sent by the second press, and said to a screen reader", async () => {
    const { bench, button, press, sent } = await asked();
    await press("Delete");
    expect(sent()).toEqual([]);
    expect(button(AGAIN).textContent).toBe("Press again");
    expect(bench.el.querySelector("[aria-live=polite]")?.textContent).toBe(AGAIN);
    await press(AGAIN);
    await press("Delete");
    expect(sent()).toEqual(["delete"]);
  });

  test("is not sent by a double click or a key that is held down", async () => {
    const { button, press, sent } = await asked();
    await press("Delete");
    await press(AGAIN, 2);
    const held = new KeyboardEvent("keydown", { key: "Enter", repeat: true, bubbles: true, cancelable: true });
    button(AGAIN).dispatchEvent(held);
    expect(held.defaultPrevented).toBe(true);
    expect(sent()).toEqual([]);
  });

  test("is asked for anew after five seconds", async () => {
    const { press, sent } = await asked();
    await press("Delete");
    await later(5000);
    await press("Delete");
    expect(sent()).toEqual([]);
  });

  test("is not asked for where nothing can be answered", async () => {
    const { button, press, sent } = await asked({ deadline: NOW - 1000 });
    await press("Delete");
    expect(button("Delete").textContent).toBe("Delete");
    expect(sent()).toEqual([]);
  });
});

test("a plain refusal is one press", async () => {
  const { press, sent } = await asked();
  await press("Reject");
  expect(sent()).toEqual(["reject"]);
});
