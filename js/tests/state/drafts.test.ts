/** Text that is typed into a card and not sent: it outlives a reload, and all views of the run show it. */
import { beforeEach, describe, expect, test, vi } from "vitest";
import { checkpoint } from "../../dev/fake";
import type { CheckpointRow, Picture } from "../../src/kernel/contract";
import { browserEnv } from "../../src/page/env";
import { Drafts } from "../../src/state/drafts";
import { Bench, FakeEnv, fakeTime, later, NOW, picture, table } from "../support";

const ENTRY = "runconsole.drafts.1";
const row = (more: Partial<CheckpointRow> = {}) => checkpoint("cp-1", { requested_at: NOW, ...more });
const decided = (more: Partial<CheckpointRow> = {}) =>
  row({ status: "decided", decision: "reject", decided_by: "other", decided_at: NOW, ...more });

describe("the drafts of a run", () => {
  let env: FakeEnv;
  let run: string | null;
  const opened = () => new Drafts(env, { run: () => run, changed: () => {} });
  /** Returns the draft that a reloaded page finds. */
  const reloaded = (now = row()) => {
    const drafts = opened();
    drafts.follow(now);
    return drafts.of(now.id);
  };
  const type = (feedback: string, now = row(), drafts = opened()) => {
    drafts.follow(now);
    drafts.write(now, { feedback });
    return drafts;
  };
  const kept = (): unknown[] => JSON.parse(env.storage.get(ENTRY) ?? "[]");

  beforeEach(() => {
    env = new FakeEnv();
    run = "ws://localhost:8000/ws";
  });

  test("are there again after a reload, with their option", () => {
    const drafts = type("wait for the migration");
    drafts.write(row(), { modifications: '{"n": 1}', form: { rate: "0,5", on: ["1"] }, sentWith: "modify" });
    expect(reloaded()).toEqual({
      feedback: "wait for the migration",
      modifications: '{"n": 1}',
      form: { rate: "0,5", on: ["1"] },
      sentWith: "modify",
    });
  });

  test("of a form alone are kept, and go when every field has its default again", () => {
    const drafts = opened();
    drafts.write(row(), { form: { rate: "2" } });
    expect(reloaded().form).toEqual({ rate: "2" });
    expect(drafts.isUnsent(decided())).toBe(true);
    drafts.write(row(), { form: null });
    expect(env.storage.has(ENTRY)).toBe(false);
    expect(drafts.isUnsent(decided())).toBe(false);
  });

  test("that an older page has kept are read; a form that is none is no draft", () => {
    const old = { question: "ws://localhost:8000/ws cp-1", asked: NOW, modifications: null, sentWith: null };
    env.storage.set(ENTRY, JSON.stringify([{ ...old, feedback: "of old" }]));
    expect(reloaded()).toEqual({ feedback: "of old", modifications: null, form: null, sentWith: null });
    for (const form of ["text", { rate: 2 }, { on: [1] }]) {
      env.storage.set(ENTRY, JSON.stringify([{ ...old, feedback: "foreign", form }]));
      expect(reloaded().feedback).toBe("");
    }
  });

  test("belong to one question of one run, as it was asked", () => {
    type("mine");
    expect(reloaded(row({ requested_at: NOW + 1 })).feedback).toBe("");
    expect(reloaded(checkpoint("cp-2", { requested_at: NOW })).feedback).toBe("");
    run = "ws://localhost:8001/ws";
    expect(reloaded().feedback).toBe("");
    run = "ws://localhost:8000/ws";
    expect(reloaded().feedback).toBe("mine");
  });

  test("are neither used for nor lost to a question asked again", () => {
    const drafts = type("mine");
    drafts.follow(row({ requested_at: NOW + 1 }));
    expect(drafts.of("cp-1").feedback).toBe("mine");
    expect(reloaded(row({ requested_at: NOW + 1 })).feedback).toBe("");
  });

  test.each(["", "  \n"])("are not kept when nothing is left of them: %j", (nothing) => {
    const drafts = type("something");
    drafts.write(row(), { feedback: nothing });
    expect(env.storage.has(ENTRY)).toBe(false);
    drafts.write(row(), { sentWith: "approve" });
    expect(env.storage.has(ENTRY)).toBe(false);
  });

  test("go when the question closes, and only its own", () => {
    const drafts = type("mine");
    type("other", checkpoint("cp-2"), drafts);
    drafts.follow(decided());
    expect(kept()).toMatchObject([{ question: "ws://localhost:8000/ws cp-2", feedback: "other" }]);
    expect(drafts.isUnsent(decided())).toBe(true);
    drafts.drop("cp-1");
    expect(drafts.isUnsent(decided())).toBe(false);
  });

  test("go when they were sent with the answer that counts", () => {
    const drafts = type("ship it");
    drafts.write(row(), { sentWith: "approve" });
    drafts.follow(decided({ decision: "approve", answer: "approve", decided_by: "you" }));
    expect(drafts.of("cp-1").feedback).toBe("");
    expect(env.storage.has(ENTRY)).toBe(false);
  });

  test("of a question closed during a reload are shown once more", () => {
    type("mine");
    const drafts = opened();
    drafts.follow(decided());
    expect(drafts.isUnsent(decided())).toBe(true);
    expect(env.storage.has(ENTRY)).toBe(false);
  });

  test("of a replay are not kept", () => {
    run = null;
    type("mine");
    expect(env.storage.size).toBe(0);
  });

  test("make room for newer ones: at most fifty, of limited size", () => {
    for (let n = 0; n < 60; n++) type(`text ${n}`, checkpoint(`q${n}`));
    expect(kept()).toHaveLength(50);
    expect(reloaded(checkpoint("q9")).feedback).toBe("");
    expect(reloaded(checkpoint("q10")).feedback).toBe("text 10");
    type("x".repeat(199_990), row());
    expect(kept()).toHaveLength(2);
    expect(reloaded(checkpoint("q59")).feedback).toBe("text 59");
    type("y".repeat(200_001), checkpoint("huge"));
    expect(kept()).toHaveLength(2);
    expect(reloaded().feedback).toHaveLength(199_990);
  });

  test.each(["no JSON", "{}", "null", '[1, null, {"question": "a"}]', '[{"question": "ws://localhost:8000/ws cp-1"}]'])(
    "are not taken from what others have written there: %s",
    (garbage) => {
      env.storage.set(ENTRY, garbage);
      expect(reloaded()).toEqual({ feedback: "", modifications: null, form: null, sentWith: null });
      type("mine");
      expect(reloaded().feedback).toBe("mine");
    },
  );
});

describe("a tab that keeps nothing", () => {
  const storages: [string, () => unknown][] = [
    ["has no storage", () => undefined],
    ["has none to give", () => null],
    [
      "refuses it",
      () => {
        throw new DOMException("denied", "SecurityError");
      },
    ],
    [
      "has a full one",
      () => ({
        getItem: () => null,
        setItem: () => {
          throw new DOMException("full", "QuotaExceededError");
        },
        removeItem: () => {
          throw new DOMException("denied", "SecurityError");
        },
      }),
    ],
  ];

  test.each(storages)("because it %s, costs the reload its text and nothing else", (_, storage) => {
    vi.spyOn(globalThis, "sessionStorage", "get").mockImplementation(storage as () => Storage);
    try {
      const drafts = new Drafts(browserEnv, { run: () => "a run", changed: () => {} });
      drafts.follow(row());
      drafts.write(row(), { feedback: "mine" });
      expect(drafts.of("cp-1").feedback).toBe("mine");
      drafts.drop("cp-1");
      expect(drafts.of("cp-1").feedback).toBe("");
    } finally {
      vi.restoreAllMocks();
    }
  });
});

describe("a card", () => {
  fakeTime();

  const shown = (...rows: CheckpointRow[]): Picture => picture({}, { checkpoints: table(rows) });
  const box = (el: Element, name = "Feedback") =>
    el.querySelector<HTMLTextAreaElement>(`textarea[aria-label="${name}"]`) as HTMLTextAreaElement;
  const type = (el: Element, text: string, name = "Feedback") => {
    box(el, name).value = text;
    box(el, name).dispatchEvent(new Event("input", { bubbles: true }));
    return later();
  };
  const press = async (bench: Bench, name: string) => {
    bench.get.getByRole("button", { name }).click();
    await later();
  };
  /** The page is loaded again: first the durable picture is there, then the kernel answers. */
  const reload = async (bench: Bench, held: Picture, whole = held) => {
    bench.close();
    const next = new Bench();
    next.model.set("picture", { version: 1, now: NOW, picture: held });
    await next.show();
    next.snapshot(whole);
    await later();
    return next;
  };

  test("has its text again after a reload, and sends it", async () => {
    const text = '<img src=x onerror="alert(1)"> & more';
    let bench = await new Bench().show(shown(row()));
    await type(bench.el, text);
    await press(bench, "Modifications (JSON)");
    await type(bench.el, '{"n": 1}', "Modifications (JSON)");
    bench = await reload(bench, shown(row()));
    expect(box(bench.el).value).toBe(text);
    expect(bench.el.querySelector("img")).toBeNull();
    expect(box(bench.el, "Modifications (JSON)").value).toBe('{"n": 1}');
    await press(bench, "Modify");
    expect(bench.sent("decide")).toMatchObject([
      { answer: { option: "modify", feedback: text, modifications: { n: 1 } } },
    ]);
  });

  test("has it also when the durable picture lacked its question", async () => {
    let bench = await new Bench().show(shown(row()));
    await type(bench.el, "wait");
    bench = await reload(bench, shown(), shown(row()));
    expect(box(bench.el).value).toBe("wait");
  });

  test("closed during a reload says that the text did not count", async () => {
    let bench = await new Bench().show(shown(row()));
    await type(bench.el, "wait");
    bench = await reload(bench, shown(decided()));
    expect(box(bench.el, "Feedback that did not count").value).toBe("wait");
    expect(sessionStorage.getItem(ENTRY)).toBeNull();
    await press(bench, "Dismiss");
    expect(box(bench.el, "Feedback that did not count")).toBeNull();
  });

  test("shows what is typed in another view of the run", async () => {
    const bench = await new Bench().show(shown(row()));
    await type(bench.el, "wait");
    const other = document.createElement("div");
    bench.widget.render({ model: bench.model, el: other, signal: bench.view.signal });
    await later();
    expect(box(other).value).toBe("wait");
    await type(other, "wait for me");
    expect(box(bench.el).value).toBe("wait for me");
    await press(bench, "Modifications (JSON)");
    await type(bench.el, "{}", "Modifications (JSON)");
    expect(box(other, "Modifications (JSON)").value).toBe("{}");
  });

  test("is dismissed in all views of the run", async () => {
    const bench = await new Bench().show(shown(row()));
    const other = document.createElement("div");
    bench.widget.render({ model: bench.model, el: other, signal: bench.view.signal });
    await type(bench.el, "wait");
    await bench.patch({ checkpoints: { set: [decided()] } });
    for (const el of [bench.el, other]) expect(box(el, "Feedback that did not count").value).toBe("wait");
    await press(bench, "Dismiss");
    for (const el of [bench.el, other]) expect(box(el, "Feedback that did not count")).toBeNull();
  });

  test("leaves nothing behind in the tab when it was answered", async () => {
    const bench = await new Bench().show(shown(row()));
    await type(bench.el, "ship it");
    expect(sessionStorage.length).toBe(1);
    await press(bench, "Approve");
    await bench.patch({
      checkpoints: {
        set: [decided({ decision: "approve", answer: "approve", delivery: "applied", decided_by: "you" })],
      },
    });
    expect(sessionStorage.length).toBe(0);
    expect(box(bench.el, "Feedback that did not count")).toBeNull();
  });
});
