import { fireEvent } from "@testing-library/dom";
import { beforeEach, describe, expect, test } from "vitest";
import { checkpoint } from "../../dev/fake";
import type { Head, ReplayPosition } from "../../src/kernel/contract";
import { Store } from "../../src/state/store";
import { Bench, FakeEnv, FakePort, fakeTime, later, NOW, picture, table } from "../support";

const REPLAY: ReplayPosition = { position_s: 60, duration_s: 600, speed: 10, playing: true, over: false };

/** A head of a replay with changes to its controls. */
function replaying(change: Partial<ReplayPosition> = {}): Partial<Head> {
  return { protocol: "replay", replay: { ...REPLAY, ...change } };
}

describe("the player", () => {
  fakeTime();
  let bench: Bench;

  beforeEach(async () => {
    bench = await new Bench().show(picture(replaying()));
  });

  const player = () => bench.get.getByRole("group", { name: "Replay" });
  const scrubber = () => bench.get.getByRole<HTMLInputElement>("slider", { name: "Position" });
  const moves = (change: Partial<ReplayPosition>) => bench.patch({ head: replaying(change) });
  const drag = (seconds: number) => fireEvent.input(scrubber(), { target: { value: String(seconds) } });
  const seeks = () =>
    bench
      .sent("replay")
      .filter(({ action }) => action === "seek")
      .map(({ value }) => value);

  test("shows the position, in words too, and the speed", () => {
    expect(player()).toBeTruthy();
    expect(scrubber().valueAsNumber).toBe(60);
    expect(scrubber().getAttribute("aria-valuetext")).toBe("1:00 of 10:00");
    expect(bench.get.getByRole<HTMLSelectElement>("combobox", { name: "Speed" }).value).toBe("10");
  });

  test("has a button whose name is what it does", async () => {
    bench.get.getByRole("button", { name: "Pause" }).click();
    await moves({ playing: false });
    bench.get.getByRole("button", { name: "Play" }).click();
    await moves({ playing: false, over: true, position_s: 600 });
    bench.get.getByRole("button", { name: "Play again" }).click();
    expect(bench.sent("replay").map(({ action, value }) => [action, value])).toEqual([
      ["pause", null],
      ["play", null],
      ["play", null],
    ]);
  });

  test("keeps the keyboard on its button while that changes its name", async () => {
    bench.get.getByRole("button", { name: "Pause" }).focus();
    await moves({ playing: false });
    expect(document.activeElement).toBe(bench.get.getByRole("button", { name: "Play" }));
  });

  test("has marks, and buttons that lead to the next and the previous one", async () => {
    expect(bench.get.queryByRole("button", { name: /mark/ })).toBeNull();
    const replay_marks: Head["replay_marks"] = [
      [30, "phase"],
      [90, "question"],
      [480, "error"],
    ];
    await bench.patch({ head: { replay_marks } });
    const marks = [...bench.el.querySelectorAll<HTMLElement>(".rc-marks i")];
    expect(marks.map((mark) => [mark.className, mark.style.left])).toEqual([
      ["rc-mark-phase", "5%"],
      ["rc-mark-question", "15%"],
      ["rc-mark-error", "80%"],
    ]);
    bench.get.getByRole("button", { name: "Next mark: question at 1:30" }).click();
    bench.get.getByRole("button", { name: "Previous mark: phase at 0:30" }).click();
    await moves({ playing: false, over: true, position_s: 600 });
    fireEvent.keyDown(scrubber(), { key: "[" });
    const next = bench.get.getByRole("button", { name: "Next mark" });
    expect(next.getAttribute("aria-disabled")).toBe("true");
    fireEvent.keyDown(scrubber(), { key: "]" });
    expect(seeks()).toEqual([90, 30, 480]);
  });

  test("leads past a mark that has just been passed while it plays", async () => {
    await bench.patch({
      head: {
        ...replaying({ position_s: 90.4, speed: 2 }),
        replay_marks: [
          [30, "phase"],
          [90, "error"],
        ],
      },
    });
    bench.get.getByRole("button", { name: "Previous mark: phase at 0:30" });
  });

  test("changes the speed, and shows one that is not on its list", async () => {
    const speed = bench.get.getByRole<HTMLSelectElement>("combobox", { name: "Speed" });
    fireEvent.change(speed, { target: { value: "0" } });
    expect(bench.sent("replay").at(-1)).toMatchObject({ action: "speed", value: 0 });
    await moves({ speed: 3 });
    expect(speed.value).toBe("3");
    expect(speed.selectedOptions[0]?.textContent).toBe("3×");
  });

  test("asks for few positions while dragged, and for the last", async () => {
    for (let seconds = 100; seconds <= 200; seconds += 10) {
      drag(seconds);
      await later(20);
    }
    await later(500);
    expect(seeks()[0]).toBe(100);
    expect(seeks().at(-1)).toBe(200);
    expect(seeks().length).toBeLessThanOrEqual(4);
  });

  test("stays under the pointer while the replay plays on", async () => {
    fireEvent.pointerDown(scrubber());
    drag(300);
    await moves({ position_s: 80 });
    expect(scrubber().valueAsNumber).toBe(300);
    await later(5000);
    await moves({ position_s: 340 });
    expect(scrubber().valueAsNumber).toBe(300);
  });

  test("does not jump back when let go", async () => {
    fireEvent.pointerDown(scrubber());
    drag(300);
    fireEvent.pointerUp(scrubber());
    await moves({ position_s: 81 });
    expect(scrubber().valueAsNumber).toBe(300);
    expect(scrubber().getAttribute("aria-valuetext")).toBe("5:00 of 10:00");
    await moves({ position_s: 301 });
    await moves({ position_s: 330 });
    expect(scrubber().valueAsNumber).toBe(330);
  });

  test("goes back to the truth when the kernel never gets there", async () => {
    drag(300);
    await later(2000);
    expect(scrubber().valueAsNumber).toBe(60);
  });

  test("has a step that leads to the very end", async () => {
    await moves({ duration_s: 599.97, playing: false });
    const { max, step } = scrubber();
    expect(Number(max)).toBeGreaterThanOrEqual(599.97);
    expect((Number(max) / Number(step)) % 1).toBeCloseTo(0);
    drag(Number(max));
    expect(scrubber().getAttribute("aria-valuetext")).toBe("1:00 of 9:59");
    await later(50);
    expect(scrubber().getAttribute("aria-valuetext")).toBe("9:59 of 9:59");
  });

  test("goes with a stopped console, and stays at a cut end", async () => {
    await bench.patch({ head: { ...replaying({ over: true, playing: false }), link: "stopped" } });
    expect(player()).toBeTruthy();
    await bench.patch({ head: { ...replaying({ playing: false }), link: "stopped" } });
    expect(bench.get.queryByRole("group", { name: "Replay" })).toBeNull();
  });

  describe("says why a command was not carried out", () => {
    const voice = () => bench.el.querySelector("[aria-live=polite]")?.textContent;
    const notice = () => player().querySelector("p")?.textContent ?? null;
    const answer = async (ok: boolean, error: string | null = null, which = -1) => {
      const id = bench.sent("replay").at(which)?.id ?? "";
      bench.model.receive({ kind: "answer", id, ok, error });
      await later();
    };
    const command = async (ok: boolean, error: string | null = null) => {
      bench.get.getByRole("button", { name: "Pause" }).click();
      await answer(ok, error);
    };
    const stopped = "the console is stopped: call start() in a cell";

    test("beside its controls, as text, until the next one is", async () => {
      await command(false, `${stopped} <b>now</b>`);
      expect(notice()).toBe(`Not done: ${stopped} <b>now</b>.`);
      expect(player().querySelector("b")).toBeNull();
      await moves({ position_s: 61 });
      expect(notice()).not.toBeNull();
      await command(true);
      expect(notice()).toBeNull();
    });

    test("to a screen reader too, once", async () => {
      await command(false, stopped);
      expect(voice()).toBe(`Not done: ${stopped}.`);
      await later(11_000);
      expect([voice(), notice()]).toEqual(["", `Not done: ${stopped}.`]);
      await moves({ position_s: 62 });
      expect(voice()).toBe("");
      await command(false, stopped);
      expect(voice()).toBe(`Not done: ${stopped}.`);
    });

    test("without a reason from the kernel, and late", async () => {
      drag(100);
      await later();
      drag(200);
      await later();
      await answer(true);
      await answer(false, null, -2);
      expect(notice()).toBe("Not done: the kernel did not say why.");
    });

    test("of no command but its own, and each once", async () => {
      bench.model.receive({ kind: "answer", id: "of another page", ok: false, error: stopped });
      await later();
      expect(notice()).toBeNull();
      await command(true);
      await answer(false, stopped);
      expect(notice()).toBeNull();
    });
  });

  test("is part of nothing but a replay", async () => {
    await bench.patch({ head: { replay: null } });
    expect(bench.get.queryByRole("group", { name: "Replay" })).toBeNull();
    expect(bench.get.queryByRole("slider")).toBeNull();
  });
});

describe("a replay", () => {
  fakeTime();

  test("in a notebook without a kernel has no controls", async () => {
    const bench = new Bench();
    bench.model.set("picture", { version: 1, now: NOW, picture: picture(replaying()) });
    await bench.show();
    expect(bench.get.queryByRole("group", { name: "Replay" })).toBeNull();
    await later(4000);
    expect(bench.get.queryByRole("group", { name: "Replay" })).toBeNull();
    expect(bench.get.getByRole("status", { name: "Connection" }).textContent).toContain("recorded");
  });

  test("does not claim to be live", async () => {
    const bench = await new Bench().show(picture(replaying()));
    const connection = bench.get.getByRole("status", { name: "Connection" });
    expect(connection.textContent).toBe("replay");
    await bench.patch({ head: { link: "retrying" } });
    expect(connection.textContent).toBe("replay (was retrying)");
    await bench.patch({ head: { link: "ended", ...replaying({ over: true, playing: false }) } });
    expect(connection.textContent).toBe("ended");
  });

  test("shows a question as it was asked, and answers none", async () => {
    const asked = [checkpoint("a", { title: "Ship?" }), checkpoint("b", { title: "Deploy?" })];
    const bench = await new Bench().show(picture(replaying(), { checkpoints: table(asked) }));
    await bench.ask("Ship?");
    const card = bench.get.getByRole("group", { name: "Ship?" });
    expect(bench.get.getByRole("region", { name: "Waiting for a decision" }).contains(card)).toBe(true);
    expect(card.textContent).toContain(
      "This is a replay: the question is shown as it was asked, and cannot be answered.",
    );
    const buttons = [...card.querySelectorAll<HTMLButtonElement>(".rc-options button")];
    expect(buttons.length).toBeGreaterThan(0);
    for (const button of buttons) {
      expect(button.getAttribute("aria-disabled")).toBe("true");
      button.click();
    }
    expect(bench.sent("decide")).toEqual([]);
    expect(bench.get.queryByRole("checkbox")).toBeNull();
    expect(bench.get.queryByRole("textbox")).toBeNull();
    expect(bench.get.queryByRole("button", { name: "Modifications (JSON)" })).toBeNull();
    expect(bench.get.queryByRole("button", { name: /Notify me/ })).toBeNull();
    expect(document.title).not.toContain("Ship?");
  });

  test("offers no reconnecting where the run had lost its connection", async () => {
    const bench = await new Bench().show(picture({ ...replaying(), link: "retrying", reason: "closed (1006)" }));
    expect(bench.el.textContent).toContain("Connection lost. closed (1006)");
    expect(bench.get.queryByRole("button", { name: "Reconnect now" })).toBeNull();
  });

  test("is silent towards screen readers", async () => {
    const bench = await new Bench().show(picture(replaying()));
    await bench.patch({ checkpoints: { set: [checkpoint("a", { title: "Ship?" })], total: 1 } });
    await bench.patch({ head: { ended_at: NOW, status: "completed" } });
    expect(bench.el.querySelector("[aria-live=polite]")?.textContent).toBe("");
  });

  test("stands still when paused, also its signs", async () => {
    const bench = await new Bench().show(picture(replaying({ playing: false })));
    const root = bench.get.getByRole("region", { name: "Run console" });
    expect(root.className).toContain("rc-still");
    await bench.patch({ head: replaying() });
    expect(root.className).not.toContain("rc-still");
  });
});

describe("the time of a replayed run", () => {
  let env: FakeEnv;
  let port: FakePort;
  let store: Store;
  const then = NOW - 86_400_000;

  beforeEach(() => {
    env = new FakeEnv();
    port = new FakePort();
    store = new Store(port, env);
  });

  const show = (change: Partial<ReplayPosition>, version = 1, now = then) =>
    port.receive({ kind: "snapshot", version, now, picture: picture(replaying(change)) });

  test("goes with the speed of the replay", () => {
    show({ speed: 10 });
    expect(store.clocks.now()).toBe(then);
    env.pass(300);
    expect(store.clocks.now()).toBe(then + 3000);
    env.pass(100);
    expect(store.clocks.dueNow()).toBe(then + 4000);
  });

  test("stands still when paused, whatever else comes", () => {
    show({ playing: false });
    env.pass(700);
    port.receive({ kind: "answer", id: "x", ok: true, error: null });
    env.pass(700);
    expect(store.clocks.now()).toBe(then);
  });

  test("is the kernel's again with each of its messages", () => {
    show({ speed: 10 });
    env.pass(500);
    port.receive({ kind: "heartbeat", version: 1, now: then + 1000, subshell: true });
    expect(store.clocks.now()).toBe(then + 1000);
    env.pass(100);
    expect(store.clocks.now()).toBe(then + 2000);
  });

  test("goes back with the replay", () => {
    show({ playing: false });
    show({ playing: false }, 2, then - 50_000);
    expect(store.clocks.now()).toBe(then - 50_000);
  });

  test("tells a deadline by the clock of that day", () => {
    show({ playing: false });
    expect(store.clocks.here(then + 5000)).toBe(then + 5000);
  });
});
