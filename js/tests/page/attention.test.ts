import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { checkpoint } from "../../dev/fake";
import type { CheckpointRow } from "../../src/kernel/contract";
import { Bench, fakeTime, later, NOW, picture, table } from "../support";

fakeTime();

const row = (id: string, more: Partial<CheckpointRow> = {}) => checkpoint(id, { title: `Go on with ${id}?`, ...more });
const asked = (...rows: CheckpointRow[]) => new Bench().show(picture({}, { checkpoints: table(rows) }));
const decided = (id: string) => row(id, { status: "decided", decision: "approve", decided_by: "you", decided_at: NOW });
const announced = (bench: Bench) => bench.el.querySelector("[aria-live=polite]")?.textContent;
const hide = (hidden: boolean) => Object.defineProperty(document, "hidden", { value: hidden, configurable: true });

beforeEach(() => {
  document.title = "Notebook";
});
afterEach(() => {
  Reflect.deleteProperty(document, "hidden");
});

describe("the page's title", () => {
  test("counts the open questions and is restored when none is left", async () => {
    const bench = await asked(row("a"), row("b"));
    expect(document.title).toBe("(2) Notebook");
    await bench.patch({ checkpoints: { set: [decided("a")] } });
    expect(document.title).toBe("(1) Notebook");
    await bench.patch({ checkpoints: { set: [decided("b")] } });
    expect(document.title).toBe("Notebook");
  });

  test("is restored when the view goes", async () => {
    const bench = await asked(row("a"));
    bench.view.abort();
    expect(document.title).toBe("Notebook");
  });

  test("counts all widgets of the page, each question once", async () => {
    const first = await asked(row("a"));
    const second = await asked(row("a"), row("b"));
    expect(document.title).toBe("(2) Notebook");
    second.view.abort();
    expect(document.title).toBe("(1) Notebook");
    first.view.abort();
    expect(document.title).toBe("Notebook");
  });

  test("keeps the count when the host changes it", async () => {
    const bench = await asked(row("a"));
    document.title = "Other (7) notebook";
    await later();
    expect(document.title).toBe("(1) Other (7) notebook");
    await bench.patch({ checkpoints: { set: [row("b")] } });
    expect(document.title).toBe("(2) Other (7) notebook");
    bench.view.abort();
    expect(document.title).toBe("Other (7) notebook");
  });

  test("that is empty gets the count alone", async () => {
    document.title = "";
    const bench = await asked(row("a"));
    await later();
    expect(document.title.trim()).toBe("(1)");
    bench.view.abort();
    expect(document.title).toBe("");
  });

  test("does not wait for a paint, as a hidden page has none", async () => {
    const bench = await asked(row("a"));
    vi.stubGlobal("requestAnimationFrame", () => 0);
    await bench.patch({ checkpoints: { set: [row("b")] } });
    vi.unstubAllGlobals();
    expect(document.title).toBe("(2) Notebook");
  });

  test("counts no recording and no answered question", async () => {
    const bench = new Bench();
    const held = picture({}, { checkpoints: table([row("a")]) });
    bench.model.traits.picture = { version: 1, now: NOW, picture: held };
    await bench.show();
    await later(5000);
    expect(bench.get.getByRole("group", { name: "Go on with a?" })).toBeTruthy();
    expect(document.title).toBe("Notebook");
    await asked(row("b", { status: "sending", delivery: "sent" }));
    expect(document.title).toBe("Notebook");
  });
});

describe("what cannot wait", () => {
  test("is shown in words and announced once: the last minute", async () => {
    const bench = await asked(row("a", { deadline: NOW + 63_000 }));
    expect(bench.el.textContent).not.toContain("ast minute");
    await later(4000);
    expect(bench.get.getByRole("group", { name: "Go on with a?" }).textContent).toContain(
      "Last minute: after it, the run goes on with Approve",
    );
    expect(announced(bench)).toBe("Last minute to decide: Go on with a?.");
    await bench.patch({ checkpoints: { set: [row("b")] } });
    expect(announced(bench)).toBe("Needs your decision: Go on with b?.");
    await later(5000);
    await bench.patch({ head: { clock_offset: -20_000 } });
    await bench.patch({ head: { clock_offset: 0 } });
    expect(announced(bench)).toBe("Needs your decision: Go on with b?.");
  });

  test("is shown in words and announced once: a reminder", async () => {
    const bench = await asked(row("a"), row("b"));
    await bench.patch({ checkpoints: { set: [row("a", { reminded: true })] } });
    const group = bench.get.getByRole("group", { name: "Go on with a?" });
    expect(group.textContent).toContain("Reminder: the run still waits for your answer");
    expect(bench.get.getByRole("region", { name: "Questions" }).textContent).toContain("reminded of 1 question");
    expect(announced(bench)).toBe("Reminder, needs your decision: Go on with a?.");
    await bench.patch({ checkpoints: { set: [row("c")] } });
    await bench.patch({ checkpoints: { set: [row("a", { reminded: true, description: "more" })] } });
    expect(announced(bench)).toBe("Needs your decision: Go on with c?.");
  });

  test("is announced with a question that arrives so late", async () => {
    const bench = await asked();
    await bench.patch({ checkpoints: { set: [row("a", { deadline: NOW + 20_000 })] } });
    expect(announced(bench)).toBe("Needs your decision: Go on with a?. Less than a minute is left.");
  });

  test("can wait after an answer, and after the deadline", async () => {
    const bench = await asked(row("a", { deadline: NOW + 20_000, reminded: true }));
    bench.get.getByRole("button", { name: "Approve" }).click();
    await later();
    expect(bench.el.querySelector(".rc-urgent")).toBeNull();
    const late = await asked(row("b", { deadline: NOW - 1, reminded: true }));
    expect(late.el.querySelector(".rc-urgent")).toBeNull();
  });
});

describe("a system notification", () => {
  class FakeNotification {
    static permission: NotificationPermission = "default";
    static answer: NotificationPermission = "granted";
    static asked = 0;
    static made: FakeNotification[] = [];
    static async requestPermission() {
      FakeNotification.asked++;
      FakeNotification.permission = FakeNotification.answer;
      return FakeNotification.answer;
    }
    closed = false;
    onclick: (() => void) | null = null;
    constructor(
      readonly title: string,
      readonly options: NotificationOptions,
    ) {
      FakeNotification.made.push(this);
    }
    close() {
      this.closed = true;
    }
  }
  const toggle = (bench: Bench) => bench.get.getByRole("button", { name: /^Notify me/ });
  const pressed = (bench: Bench) => toggle(bench).getAttribute("aria-pressed");
  const press = (bench: Bench) => {
    toggle(bench).click();
    return later();
  };
  const made = FakeNotification.made;

  beforeEach(() => {
    Object.assign(FakeNotification, { permission: "default", answer: "granted", asked: 0 });
    made.length = 0;
    vi.stubGlobal("Notification", FakeNotification);
    // The page's session begins: nothing is remembered.
    sessionStorage.clear();
    Reflect.deleteProperty(globalThis, Symbol.for("runconsole.attention.2"));
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  test("comes once, after a press, while the page is hidden", async () => {
    const bench = await asked(row("a"));
    expect([FakeNotification.asked, pressed(bench)]).toEqual([0, "false"]);
    await press(bench);
    expect([FakeNotification.asked, pressed(bench)]).toEqual([1, "true"]);
    await bench.patch({ checkpoints: { set: [row("seen")] } });
    expect(made).toHaveLength(0);
    hide(true);
    await bench.patch({ checkpoints: { set: [row("b", { title: "<b>Ship?</b>" })] } });
    await bench.patch({ checkpoints: { set: [row("b", { title: "<b>Ship?</b>", reminded: true })] } });
    expect(made.map(({ title, options }) => [title, options.body])).toEqual([
      ["<b>Ship?</b>", "Needs your decision: A run"],
      ["<b>Ship?</b>", "Reminder, needs your decision: A run"],
    ]);
  });

  test("comes once at the end of a run that was at work here, however many views it has", async () => {
    const bench = await asked();
    const other = await asked();
    await press(bench);
    hide(true);
    for (const each of [bench, other]) await each.patch({ head: { status: "failed", ended_at: NOW, link: "ended" } });
    expect(made.map(({ title, options }) => [title, options.body])).toEqual([["A run", "The run has ended: failed"]]);
    const past = await new Bench().show(
      picture({ url: "ws://past", status: "completed", ended_at: NOW, link: "ended" }),
    );
    await past.patch({ head: { events: 9 } });
    expect(made).toHaveLength(1);
  });

  test("comes once more when the last minute begins", async () => {
    const bench = await asked(row("a", { deadline: NOW + 90_000 }));
    await press(bench);
    hide(true);
    const beat = () => bench.model.receive({ kind: "heartbeat", version: 0, now: Date.now(), subshell: true });
    beat();
    expect(made).toHaveLength(0);
    for (const seconds of [40, 10]) {
      vi.setSystemTime(Date.now() + seconds * 1000);
      beat();
    }
    expect(made.map(({ options }) => options.body)).toEqual(["Last minute to decide: A run"]);
  });

  test("comes once for all views of the question", async () => {
    const bench = await asked();
    const other = await asked();
    bench.widget.render({ model: bench.model, el: document.createElement("div"), signal: bench.view.signal });
    await press(bench);
    expect(pressed(other)).toBe("true");
    hide(true);
    for (const each of [bench, other]) await each.patch({ checkpoints: { set: [row("b")] } });
    expect(made).toHaveLength(1);
  });

  test("shows the window when clicked, and goes with the answer", async () => {
    const focus = vi.spyOn(window, "focus").mockImplementation(() => {});
    const bench = await asked();
    await press(bench);
    hide(true);
    await bench.patch({ checkpoints: { set: [row("a"), row("b")] } });
    made[0]?.onclick?.();
    expect(focus).toHaveBeenCalledOnce();
    expect(made.map(({ closed }) => closed)).toEqual([true, false]);
    await bench.patch({ checkpoints: { set: [decided("b")] } });
    expect(made[1]?.closed).toBe(true);
  });

  test("does not come when never asked for or switched off", async () => {
    const bench = await asked();
    hide(true);
    await bench.patch({ checkpoints: { set: [row("a")] } });
    hide(false);
    await press(bench);
    await press(bench);
    expect(pressed(bench)).toBe("false");
    hide(true);
    await bench.patch({ checkpoints: { set: [row("b")] } });
    expect(made).toHaveLength(0);
  });

  test("is remembered for the session of the page", async () => {
    const bench = await asked();
    await press(bench);
    bench.close();
    Reflect.deleteProperty(globalThis, Symbol.for("runconsole.attention.2"));
    expect(pressed(await asked())).toBe("true");
    expect(FakeNotification.asked).toBe(1);
  });

  test("works without a storage", async () => {
    vi.stubGlobal("sessionStorage", {
      getItem: () => {
        throw new Error("closed");
      },
      setItem: () => {
        throw new Error("closed");
      },
    });
    const bench = await asked();
    await press(bench);
    expect(pressed(bench)).toBe("true");
  });

  test("that is denied is said to be, and cannot be pressed again", async () => {
    FakeNotification.answer = "denied";
    const bench = await asked();
    await press(bench);
    expect(toggle(bench).textContent).toBe("Notify me: blocked by the browser");
    expect(toggle(bench).getAttribute("aria-disabled")).toBe("true");
    await press(bench);
    expect([FakeNotification.asked, pressed(bench)]).toEqual([1, "false"]);
  });

  test("that the browser does not have is said so", async () => {
    vi.stubGlobal("Notification", undefined);
    const bench = await asked();
    expect(toggle(bench).textContent).toBe("Notify me: not supported here");
    expect(toggle(bench).getAttribute("aria-disabled")).toBe("true");
    await press(bench);
    expect(pressed(bench)).toBe("false");
  });

  test("that cannot be made breaks nothing", async () => {
    const bench = await asked();
    await press(bench);
    FakeNotification.made.push = () => {
      throw new TypeError("Illegal constructor");
    };
    hide(true);
    await bench.patch({ checkpoints: { set: [row("a")] } });
    Reflect.deleteProperty(made, "push");
    expect(document.title).toBe("(1) Notebook");
  });
});
