import { within } from "@testing-library/dom";
import { afterEach, describe, expect, test } from "vitest";
import { checkpoint, optionRow } from "../../dev/fake";
import fleet from "../../src/fleet";
import type { FleetPicture, FleetRow, QuestionRow } from "../../src/kernel/contract";
import { fakeTime, later, NOW } from "../support";

fakeTime();

const run = (key: string, changes: Partial<FleetRow> = {}): FleetRow => ({
  key,
  name: `run ${key}`,
  address: `ws://host/${key}`,
  status: "running",
  words: "running",
  link: "live",
  replayed: false,
  percent: 40,
  completed_tasks: 4,
  total_tasks: 10,
  failed_tasks: 0,
  running_tasks: 1,
  cost_usd: null,
  questions: 0,
  started_at: NOW - 60_000,
  ended_at: null,
  last_event_at: NOW - 3000,
  clock_offset: 0,
  ...changes,
});

const asked = (key: string, name: string, changes = {}): QuestionRow => ({
  run: key,
  row: checkpoint(name, {
    deadline: NOW + 90_000,
    options: [optionRow("approve", { label: "Approve" }), optionRow("reject", { label: "Reject", destructive: true })],
    ...changes,
  }),
});

const pictureOf = (changes: Partial<FleetPicture>): FleetPicture => ({
  version: 1,
  now: NOW,
  runs: [],
  questions: [],
  waiting: changes.questions?.length ?? 0,
  notices: [],
  ...changes,
});

class Model {
  readonly sent: Record<string, unknown>[] = [];
  readonly #listeners = new Map<string, Set<(value?: unknown) => void>>();
  readonly #values: Record<string, unknown>;
  constructor(picture: FleetPicture, shows: string) {
    this.#values = { picture, opened: "", shows };
  }
  get = (name: string) => this.#values[name];
  on = (name: string, callback: (value?: unknown) => void) =>
    void this.#listeners.set(name, new Set([...(this.#listeners.get(name) ?? []), callback]));
  off = (name: string, callback: (value?: unknown) => void) => void this.#listeners.get(name)?.delete(callback);
  send = (message: unknown) => void this.sent.push(message as Record<string, unknown>);
  set(name: string, value: unknown) {
    this.#values[name] = value;
    this.fire(`change:${name}`);
  }
  fire(name: string, value?: unknown) {
    for (const callback of this.#listeners.get(name) ?? []) callback(value);
  }
  get listeners() {
    return [...this.#listeners.values()].reduce((sum, all) => sum + all.size, 0);
  }
}

let end = async () => {};

async function show(picture: FleetPicture, shows = "fleet") {
  const model = new Model(picture, shows);
  const el = document.createElement("div");
  document.body.append(el);
  const close = fleet.render({ model, el });
  end = async () => {
    close();
    el.remove();
    await later(); // Preact puts the ends of effects off
    expect(model.listeners).toBe(0);
  };
  await later();
  return { model, el, get: within(el) };
}

afterEach(() => end());

describe("the table of runs", () => {
  test("has a row for each run, without columns that no run fills", async () => {
    const { get } = await show(pictureOf({ runs: [run("a"), run("b", { failed_tasks: 2, percent: null })] }));
    const table = within(get.getByRole("table", { name: "Runs" }));
    expect(table.getAllByRole("columnheader").map((cell) => cell.textContent)).toEqual([
      ...["Run", "State", "Progress", "Tasks", "Failed", "Last event"],
    ]);
    expect(table.getByRole("progressbar", { name: "Progress of run a" }).getAttribute("aria-valuenow")).toBe("40");
    expect(get.getByRole("status").textContent).toBe("2 runs · 0 open questions");
    expect(table.getAllByRole("row")[2]?.textContent).toContain("3s ago");
  });

  test("sorts by a column, down, and as it was", async () => {
    const { get } = await show(pictureOf({ runs: [run("a", { percent: 40 }), run("b", { percent: 9 })] }));
    const names = () => get.getAllByRole("rowheader").map((cell) => cell.textContent);
    for (const expected of [
      ["run b", "run a"],
      ["run a", "run b"],
      ["run a", "run b"],
    ]) {
      get.getByRole("button", { name: "Progress" }).click();
      await later();
      expect(names()).toEqual(expected);
    }
  });

  test("asks for the panel of a run, and for none of an opened one", async () => {
    const { get, model } = await show(pictureOf({ runs: [run("a")] }));
    get.getByRole("button", { name: "run a" }).click();
    model.set("opened", "a");
    await later();
    expect(get.getByRole("button", { name: "run a" }).getAttribute("aria-expanded")).toBe("true");
    get.getByRole("button", { name: "run a" }).click();
    expect(model.sent).toEqual([
      { kind: "open", run: "a" },
      { kind: "open", run: "" },
    ]);
  });
});

describe("the questions", () => {
  test("are answered in place, and say that an answer was refused", async () => {
    const { get, model } = await show(pictureOf({ runs: [run("a")], questions: [asked("a", "c")] }), "inbox");
    const card = within(get.getByRole("article", { name: "Question c" }));
    expect(card.getByRole("timer").textContent).toContain("1:30");
    card.getByRole("button", { name: "Approve" }).click();
    await later();
    expect(model.sent[0]).toMatchObject({
      kind: "decide",
      run: "a",
      checkpoint: "c",
      option: "approve",
      feedback: null,
    });
    card.getByRole("button", { name: "Approve" }).click();
    expect(model.sent).toHaveLength(1);
    model.fire("msg:custom", { kind: "answer", id: model.sent[0]?.id, error: "somebody was faster" });
    await later();
    expect(card.getByRole("alert").textContent).toBe("somebody was faster");
  });

  test("take an answer that cannot be undone at the second press", async () => {
    const options = [optionRow("keep"), optionRow("delete", { label: "Delete", destructive: true, asks_twice: true })];
    const question = asked("a", "c", { options });
    const { get, model } = await show(pictureOf({ runs: [run("a")], questions: [question] }), "inbox");
    get.getByRole("button", { name: "Delete" }).click();
    await later();
    expect(model.sent).toEqual([]);
    expect(get.getAllByRole("status").map(({ textContent }) => textContent)).toContain(
      "Delete: press again to confirm",
    );
    get.getByRole("button", { name: "Delete: press again to confirm" }).click();
    expect(model.sent[0]).toMatchObject({ option: "delete" });
  });

  test.each([
    { context: { spec: "# Read me" } },
    { context: { other: "x".repeat(700) } },
    { description: "x".repeat(700) },
    { cut: ["description"] },
    { form: [] },
    { options_total: 90 },
  ])("with more to read or to fill in are answered in the run's panel: %o", async (changes) => {
    const { get, model } = await show(pictureOf({ runs: [run("a")], questions: [asked("a", "c", changes)] }), "inbox");
    expect(get.queryByRole("button", { name: "Approve" })).toBeNull();
    get.getByRole("button", { name: "Read and answer" }).click();
    expect(model.sent).toEqual([{ kind: "open", run: "a" }]);
  });

  test("in words have a box and a button", async () => {
    const question = asked("a", "c", { options: [], free_text: true });
    const { get, model } = await show(pictureOf({ runs: [run("a")], questions: [question] }), "inbox");
    const box = get.getByRole("textbox", { name: "Your answer" }) as HTMLInputElement;
    box.value = "blue";
    box.dispatchEvent(new Event("input", { bubbles: true }));
    await later();
    get.getByRole("button", { name: "Send" }).click();
    expect(model.sent[0]).toMatchObject({ option: "", feedback: "blue" });
  });

  test("that have closed say how, and more than are here are counted", async () => {
    const closed = (["you", "policy", "timeout"] as const).map((by) =>
      asked("a", by, { status: "decided", decision: "approve", decided_by: by }),
    );
    const { el } = await show(pictureOf({ runs: [run("a")], questions: closed, waiting: 5 }), "inbox");
    expect(el.textContent).toContain("Question you was answered: Approve by you");
    expect(el.textContent).toContain("Question policy was answered: Approve by your policy");
    expect(el.textContent).toContain("Question timeout was answered: Approve by the deadline");
    expect(el.textContent).toContain("and 5 more, due later");
  });

  test("show hidden characters as marks", async () => {
    const { get } = await show(pictureOf({ runs: [run("a", { name: "a\u202eb" })] }));
    get.getByRole("button", { name: "a⟨U+202E⟩b" });
  });
});
