import { fireEvent } from "@testing-library/dom";
import { describe, expect, test } from "vitest";
import { checkpoint } from "../../dev/fake";
import { full } from "../rows";
import { Bench, fakeTime, later, NOW, picture } from "../support";

fakeTime();

const type = async (bench: Bench, key: string, target?: Element | null) => {
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
  fireEvent(target ?? bench.get.getByRole("tablist", { name: "Views" }), event);
  await later();
  return event;
};
const shown = (bench: Bench) => bench.get.getByRole("tab", { selected: true }).getAttribute("aria-label");

describe("a key", () => {
  test("shows a tab by its number", async () => {
    const bench = await new Bench().show(full());
    await type(bench, "2");
    expect(shown(bench)).toBe("Tasks");
    await type(bench, "9");
    expect(shown(bench)).toBe("Tasks");
  });

  test("goes to the search of the tab", async () => {
    const bench = await new Bench().show(full());
    await bench.tab("Tasks");
    const event = await type(bench, "/");
    expect(event.defaultPrevented).toBe(true);
    expect(document.activeElement?.getAttribute("type")).toBe("search");
  });

  test("is text in a field, and nothing with a modifier", async () => {
    const bench = await new Bench().show(full());
    await bench.tab("Tasks");
    await type(bench, "3", bench.el.querySelector("input[type=search]"));
    expect(shown(bench)).toBe("Tasks");
    fireEvent.keyDown(bench.get.getByRole("tablist", { name: "Views" }), { key: "3", ctrlKey: true });
    await later();
    expect(shown(bench)).toBe("Tasks");
  });

  test("opens the question that is due first", async () => {
    const bench = await new Bench().show(picture());
    fireEvent.pointerDown(bench.get.getByRole("tablist", { name: "Views" })); // somebody works here: nothing opens itself
    await later();
    const set = [
      checkpoint("b", { title: "Later?", deadline: NOW + 90_000 }),
      checkpoint("c", { title: "Go on?", deadline: NOW + 60_000 }),
    ];
    await bench.patch({ checkpoints: { set, total: 2 } });
    expect(bench.get.queryByRole("dialog")).toBeNull();
    await type(bench, "a");
    bench.get.getByRole("dialog", { name: "Go on?" });
  });

  test("shows all keys, and Escape ends that", async () => {
    const bench = await new Bench().show(full());
    await type(bench, "?");
    const dialog = bench.get.getByRole("dialog", { name: "Keys" });
    expect(dialog.textContent).toContain("Search in the shown tab");
    await type(bench, "Escape", dialog);
    expect(bench.get.queryByRole("dialog")).toBeNull();
  });
});
