import { describe, expect, test } from "vitest";
import { task } from "../../dev/fake";
import { Bench, fakeTime, picture, table } from "../support";

fakeTime();

describe("the columns of a table", () => {
  const open = async () => {
    const bench = await new Bench().show(picture({}, { tasks: table([task("t1")]) }));
    await bench.tab("Tasks");
    return bench.get.getByRole("table", { name: "Tasks" });
  };
  const tracks = (element: HTMLElement, limit: string) =>
    element.style.getPropertyValue(`--rc-columns-${limit}`).match(/minmax\([^)]*\)|\S+/g) ?? [];

  test("have a track each, and fewer where a narrow panel hides some", async () => {
    const tasks = await open();
    const headings = [...tasks.querySelectorAll('[role="columnheader"]')];
    expect(tracks(tasks, "Infinity")).toHaveLength(headings.length);
    for (const limit of [1160, 860, 620, 560, 470]) {
      const hidden = headings.filter(({ className }) => Number(/rc-hide-(\d+)/.exec(className)?.[1] ?? 0) >= limit);
      expect(tracks(tasks, `${limit}`)).toHaveLength(headings.length - hidden.length);
    }
  });

  test("may be narrower in a narrow panel", async () => {
    const tasks = await open();
    expect(tracks(tasks, "Infinity")[1]).toBe("minmax(150px, 3fr)");
    expect(tracks(tasks, "860")[1]).toBe("minmax(130px, 2fr)");
    expect(tracks(tasks, "470")).toEqual(["32px", "minmax(120px, 1.6fr)", "minmax(90px, 1fr)", "56px"]);
  });
});
