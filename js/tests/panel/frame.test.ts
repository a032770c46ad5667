import { fireEvent } from "@testing-library/dom";
import { describe, expect, test, vi } from "vitest";
import { browserEnv } from "../../src/page/env";
import { full } from "../rows";
import { Bench, fakeTime, later, picture } from "../support";

fakeTime();

const panelOf = (bench: Bench) => bench.get.getByRole("region", { name: "Run console" });
const press = async (bench: Bench, name: string) => {
  bench.get.getByRole("button", { name }).click();
  await later();
};

describe("the height", () => {
  test("is one for all tabs and everything that happens", async () => {
    const bench = await new Bench().show(picture());
    expect(panelOf(bench).style.height).toBe("600px");
    await bench.tab("Output");
    await bench.patch({ head: { alerts: [{ level: "warning", text: "slow", at: null }], tokens_used: 5 } });
    expect(panelOf(bench).style.height).toBe("600px");
  });

  test("is set by keyboard, within limits, and kept for the next page", async () => {
    const bench = await new Bench().show(picture());
    const handle = bench.get.getByRole("separator", { name: "Height of the panel" });
    fireEvent.keyDown(handle, { key: "ArrowDown" });
    await later();
    expect(panelOf(bench).style.height).toBe("640px");
    for (let i = 0; i < 4; i++) fireEvent.keyDown(handle, { key: "PageUp" });
    await later();
    expect(panelOf(bench).style.height).toBe("260px");
    expect(handle.getAttribute("aria-valuenow")).toBe("260");
    const again = await new Bench().show(picture());
    expect(panelOf(again).style.height).toBe("260px");
    const other = await new Bench().show(picture({ url: "ws://another/ws" }));
    expect(panelOf(other).style.height).toBe("600px");
  });

  test("follows the pointer at the lower edge; a double click brings the first one back", async () => {
    const bench = await new Bench().show(picture());
    const handle = bench.get.getByRole("separator", { name: "Height of the panel" });
    handle.setPointerCapture = () => {};
    fireEvent.pointerDown(handle, { clientY: 100, pointerId: 1 });
    await later();
    fireEvent.pointerMove(handle, { clientY: 180, pointerId: 1 });
    fireEvent.pointerUp(handle, { pointerId: 1 });
    await later();
    fireEvent.pointerMove(handle, { clientY: 500, pointerId: 1 });
    await later();
    expect(panelOf(bench).style.height).toBe("680px");
    fireEvent.dblClick(handle);
    await later();
    expect(panelOf(bench).style.height).toBe("600px");
  });
});

describe("the lists", () => {
  test("take the wheel only after a press into the panel, or with the focus in it", async () => {
    const bench = await new Bench().show(full());
    const isActive = () => panelOf(bench).classList.contains("rc-active");
    expect(isActive()).toBe(false);
    fireEvent.pointerDown(bench.get.getByRole("tablist", { name: "Views" }));
    await later();
    expect(isActive()).toBe(true);
    fireEvent.pointerDown(document.body);
    await later();
    expect(isActive()).toBe(false);
    bench.get.getByRole("tab", { name: "Overview" }).focus();
    await later();
    expect(isActive()).toBe(true);
  });
});

describe("Compact and Maximise", () => {
  test("leave one line, and bring the panel back", async () => {
    const bench = await new Bench().show(full());
    await press(bench, "Compact");
    expect(bench.get.getByRole("button", { name: "Compact" }).getAttribute("aria-pressed")).toBe("true");
    expect(bench.get.queryByRole("tablist", { name: "Views" })).toBeNull();
    expect(bench.get.getByRole("progressbar", { name: "Overall progress" })).toBeTruthy();
    await press(bench, "Compact");
    expect(bench.get.getByRole("tablist", { name: "Views" })).toBeTruthy();
  });

  test("begin with one line where the cell wants it, until a person opens the panel", async () => {
    const bench = new Bench();
    bench.model.traits.compact = true;
    await bench.show(full());
    expect(bench.get.queryByRole("tablist", { name: "Views" })).toBeNull();
    await press(bench, "Compact");
    expect(bench.get.getByRole("tablist", { name: "Views" })).toBeTruthy();
  });

  test("cover the page; Escape ends it, with the tab as it was", async () => {
    const bench = await new Bench().show(full());
    await bench.tab("Tasks");
    await press(bench, "Maximise");
    expect(panelOf(bench).getAttribute("popover")).toBe("manual");
    fireEvent.keyDown(bench.get.getByRole("button", { name: "Maximise" }), { key: "Escape" });
    await later();
    expect(panelOf(bench).hasAttribute("popover")).toBe(false);
    expect(bench.get.getByRole("tab", { name: "Tasks" }).getAttribute("aria-selected")).toBe("true");
  });
});

test("what was kept is read once, not with every event", async () => {
  const bench = await new Bench().show(full());
  const read = vi.spyOn(browserEnv, "kept");
  for (const events of [1, 2, 3]) await bench.patch({ head: { events } });
  expect(read).not.toHaveBeenCalled();
  read.mockRestore();
});

test("the tab survives a reload of the page", async () => {
  const bench = await new Bench().show(full());
  await bench.tab("Errors");
  bench.close();
  const again = await new Bench().show(full());
  expect(again.get.getByRole("tab", { name: "Errors" }).getAttribute("aria-selected")).toBe("true");
});
