import { fireEvent, within } from "@testing-library/dom";
import { describe, expect, test } from "vitest";
import type { Head, UsageRow } from "../../src/kernel/contract";
import { Bench, fakeTime, later, NOW, picture, table } from "../support";

fakeTime();

const START = NOW - 100_000;
const row = (second: number, more: Partial<UsageRow> = {}): UsageRow => ({
  key: String(second),
  at: START + second * 1000,
  tasks: null,
  tokens: null,
  cost_usd: null,
  ...more,
});
/** A task, and a cent, each second. */
const ROWS = Array.from({ length: 101 }, (_, second) => row(second, { tasks: second, cost_usd: second / 100 }));
const HEAD: Partial<Head> = {
  status: "running",
  link: "live",
  started_at: START,
  percent: 50,
  total_tasks: 200,
  completed_tasks: 100,
  cost_usd: 1,
  cost_limit: 1.2,
};

async function opened(rows: UsageRow[], head: Partial<Head> = HEAD) {
  const bench = await new Bench().show(picture(head, { usage: table(rows) }));
  bench.get.getByRole("button", { name: /^Cost .*over time$/ }).click();
  await later();
  const drawer = within(bench.get.getByRole("dialog", { name: "Over time" }));
  return { bench, drawer };
}

describe("the charts of a run", () => {
  test.each(["Rate", "Tokens", "Cost"])("open from the number %s, and close by it", async (name) => {
    const bench = await new Bench().show(picture(HEAD, { usage: table(ROWS) }));
    const button = bench.get.getByRole("button", { name: new RegExp(`^${name} .*over time$`) });
    button.click();
    await later();
    expect(button.getAttribute("aria-expanded")).toBe("true");
    bench.get.getByRole("dialog", { name: "Over time" });
    button.click();
    await later();
    expect(bench.get.queryByRole("dialog")).toBeNull();
  });

  test("say the rate, the use of the limit, and the time at which it is reached", async () => {
    const { drawer } = await opened(ROWS);
    drawer.getByText(/^5\d \/ min lately, at most 60 \/ min/);
    drawer.getByText(/^\$1\.00 of \$1\.20, 83 % used\. At this pace the limit is reached at about \d\d:\d\d:\d\d\.$/);
  });

  test("say the cost at the end where the limit is not reached", async () => {
    const { drawer } = await opened(ROWS, { ...HEAD, cost_limit: 50 });
    drawer.getByText(/^\$1\.00 of \$50\.00\. At this pace about \$1\.9\d at the end\.$/);
  });

  test("say of what is unknown that it is", async () => {
    const { drawer } = await opened(ROWS);
    const tokens = drawer.getByRole("slider", { name: "Tokens over time" });
    expect(tokens.querySelector(".rc-chart-line")?.getAttribute("d")).toBe("");
    drawer.getByText("Unknown: the server has not reported any.");
    expect(tokens.getAttribute("aria-valuetext")).toMatch(/: unknown$/);
  });

  test("lead nowhere while the run waits for a person, and after its end", async () => {
    for (const head of [{ questions: 1 }, { status: "completed" as const, ended_at: NOW, duration_s: 100 }]) {
      const { bench, drawer } = await opened(ROWS, { ...HEAD, ...head });
      drawer.getByText("$1.00 of $1.20, 83 % used.");
      expect(bench.el.querySelector(".rc-chart-leads")).toBeNull();
      bench.close();
    }
  });

  test("have one cursor, moved by keys", async () => {
    const { drawer } = await opened(ROWS);
    const cost = drawer.getByRole("slider", { name: "Cost over time" });
    fireEvent.keyDown(cost, { key: "Home" });
    fireEvent.keyDown(cost, { key: "Home" });
    await later();
    expect(cost.getAttribute("aria-valuetext")).toMatch(/: \$0\.00$/);
    fireEvent.keyDown(cost, { key: "PageDown" });
    await later();
    expect(cost.getAttribute("aria-valuetext")).toMatch(/: \$0\.10$/);
    expect(cost.getAttribute("aria-valuenow")).toBe("10");
    expect(drawer.getByRole("slider", { name: "Throughput over time" }).getAttribute("aria-valuenow")).toBe("10");
    fireEvent.blur(cost);
    await later();
    expect(cost.getAttribute("aria-valuenow")).toBe("100");
  });

  test("follow the run", async () => {
    const { bench, drawer } = await opened(ROWS);
    await bench.patch({
      head: { cost_usd: 1.25 },
      usage: { set: [row(101, { tasks: 101, cost_usd: 1.25 })], total: 102 },
    });
    drawer.getByText("$1.25 of $1.20, over the limit.", { exact: false });
  });

  test("begin with the first event", async () => {
    const { drawer } = await opened([]);
    drawer.getByText(/^Nothing is known yet/);
  });
});

describe("a limit", () => {
  test("has words in the header from three quarters on, and one announcement for each step", async () => {
    const bench = await new Bench().show(picture({ ...HEAD, cost_usd: 0.5 }, { usage: table(ROWS) }));
    const spoken = () => bench.el.querySelector("[aria-live=polite]")?.textContent;
    expect(bench.get.queryByText(/used$/)).toBeNull();
    await bench.patch({ head: { cost_usd: 0.93 } });
    bench.get.getByText(/77 % used$/);
    expect(spoken()).toBe("The run has used 75 percent of its cost limit.");
    await later(11_000);
    await bench.patch({ head: { cost_usd: 0.95 } });
    expect(spoken()).toBe("");
    await bench.patch({ head: { cost_usd: 1.3 } });
    bench.get.getByText(/over the limit$/);
    expect(spoken()).toBe("The run has used 100 percent of its cost limit.");
  });
});
