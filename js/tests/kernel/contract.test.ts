/** The pictures that the kernel's side makes of recorded streams: each must be shown whole. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import type { Picture, TableName } from "../../src/kernel/contract";
import { isOpen } from "../../src/state/submissions";
import { percent, wholePercent } from "../../src/ui/format";
import { Bench, fakeTime, later } from "../support";

fakeTime();

const folder = resolve(process.cwd(), "../tests/contract");
const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".view.json")) : [];

/** Present in every picture, and what of it must be readable. */
const KEYED: readonly TableName[] = ["phases", "waves", "tasks", "active", "agents", "usage", "checkpoints"];

test("there are pictures to show", () => {
  expect(names).not.toEqual([]);
});

describe.each(names)("%s", (name) => {
  const held = JSON.parse(readFileSync(resolve(folder, name), "utf8")) as {
    version: number;
    now: number;
    picture: Picture;
  };
  const { head, ...tables } = held.picture;

  const show = async () => {
    const bench = await new Bench().show();
    bench.model.receive({ kind: "snapshot", ...held });
    await later();
    return bench;
  };

  test("shows its head", async () => {
    const { get, el } = await show();
    const bar = get.getByRole("progressbar", { name: "Overall progress" });
    expect(bar.getAttribute("aria-valuenow")).toBe(head.percent === null ? null : String(wholePercent(head.percent)));
    expect(el.textContent).toContain(head.title);
    expect(el.textContent).toContain(percent(head.percent));
  });

  test("shows every phase, wave, task, artifact and error", async () => {
    const { get, tab } = bound(await show());
    for (const row of tables.phases.rows) {
      expect(get.getByRole("table", { name: "Phases" }).textContent).toContain(row.name);
    }
    for (const row of tables.waves.rows) {
      expect(get.getByRole("table", { name: "Waves" }).textContent).toContain(`Wave ${row.wave}`);
    }
    await shows(
      tab,
      get,
      "Tasks",
      tables.tasks.rows.map((row) => row.name || row.id),
    );
    await shows(
      tab,
      get,
      "Artifacts",
      tables.artifacts.rows.map((row) => row.path),
    );
    await shows(
      tab,
      get,
      "Errors",
      tables.errors.rows.map((row) => row.message.split("\n", 1)[0] ?? ""),
    );
  });

  test("shows each open checkpoint with its options", async () => {
    const { get } = await show();
    for (const row of tables.checkpoints.rows.filter(isOpen)) {
      const group = get.getByRole("group", { name: row.title });
      const labels = [...group.querySelectorAll(".rc-options button")].map((each) => each.getAttribute("aria-label"));
      expect(labels.sort()).toEqual(row.options.map((option) => option.label).sort());
    }
  });

  test("has rows with unique keys, numbers in growing tables", () => {
    for (const [table, { rows, total }] of Object.entries(tables) as [
      TableName,
      { rows: { key: string }[]; total: number },
    ][]) {
      expect(new Set(rows.map((row) => row.key)).size).toBe(rows.length);
      expect(total).toBeGreaterThanOrEqual(rows.length);
      if (KEYED.includes(table)) continue;
      const numbers = rows.map((row) => Number(row.key));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      expect(numbers.every((number) => Number.isInteger(number) && number >= 0 && number < total)).toBe(true);
    }
  });
});

function bound(bench: Bench) {
  return { get: bench.get, tab: (name: string) => bench.tab(name) };
}

async function shows(tab: (name: string) => Promise<void>, get: Bench["get"], name: string, texts: string[]) {
  await tab(name);
  if (texts.length === 0) return;
  const text = get.getByRole("table", { name }).textContent;
  for (const each of texts) expect(text).toContain(each);
}
