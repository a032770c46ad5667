import { expect, test } from "vitest";
import { task } from "../../dev/fake";
import { phase } from "../rows";
import { Bench, fakeTime, NOW, picture, table } from "../support";

fakeTime();

const running = (id: string) => task(id, { name: id, status: "running" });
const completed = (id: string) => task(id, { name: id, status: "completed" });
const active = (bench: Bench) => bench.get.queryByRole("table", { name: "Active tasks" })?.textContent ?? "";

async function open(): Promise<Bench> {
  const tasks = [running("one"), running("two")];
  const tables = { phases: table([phase(0)]), tasks: table(tasks), active: table(tasks) };
  return await new Bench().show(picture({}, tables));
}

test("a task that has ended keeps its place until another one begins", async () => {
  const bench = await open();
  await bench.patch({ tasks: { set: [completed("one")] }, active: { order: ["two"], total: 1 } });
  expect(active(bench)).toContain("one");
  const three = running("three");
  await bench.patch({ tasks: { set: [three], total: 3 }, active: { set: [three], order: ["two", "three"], total: 2 } });
  expect(active(bench)).not.toContain("one");
  expect(active(bench)).toContain("three");
});

test("after the end of a run no task is active", async () => {
  const bench = await open();
  await bench.patch({
    head: { status: "completed", ended_at: NOW },
    tasks: { set: [completed("one"), completed("two")] },
    active: { order: [], total: 0 },
  });
  expect(active(bench)).toBe("");
});
