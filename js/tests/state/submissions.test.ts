import { beforeEach, describe, expect, test } from "vitest";
import { checkpoint } from "../../dev/fake";
import type { ToKernel } from "../../src/kernel/port";
import { isLocked, Presses } from "../../src/state/submissions";
import { FakeEnv } from "../support";

let env: FakeEnv;
let sent: ToKernel[];
let alive: boolean;
let presses: Presses;
const row = checkpoint("cp-1");
const phase = () => presses.get("cp-1")?.phase;
const sentId = () => (sent.at(-1) as { id: string }).id;

beforeEach(() => {
  env = new FakeEnv();
  sent = [];
  alive = true;
  const send = (message: ToKernel) => {
    if (alive) sent.push(message);
    return alive;
  };
  presses = new Presses(env, send, { now: () => env.now(), changed: () => {} });
});

describe("a press", () => {
  test("sends the decision with a fresh id and locks at once", () => {
    expect(presses.press(row, "approve", "ship it", null)).toBe(true);
    expect(sent).toEqual([
      {
        kind: "decide",
        id: "id-0",
        checkpoint: "cp-1",
        option: "approve",
        feedback: "ship it",
        modifications: null,
        at: env.now(),
      },
    ]);
    expect(isLocked(row, presses.get("cp-1"))).toBe(true);
  });

  test("cannot send a second time", () => {
    presses.press(row, "approve", null, null);
    expect(presses.press(row, "reject", null, null)).toBe(false);
    expect(sent).toHaveLength(1);
  });

  test("that cannot be sent locks nothing", () => {
    alive = false;
    expect(presses.press(row, "approve", null, null)).toBe(false);
    expect(presses.get("cp-1")).toBeUndefined();
  });

  test("not answered in 1.5 s waits in this browser, and after 20 s may be unlocked by hand", () => {
    presses.press(row, "approve", null, null);
    env.pass(1499);
    expect(phase()).toBe("sending");
    env.pass(1);
    expect(phase()).toBe("queued");
    presses.unlock("cp-1");
    expect(phase()).toBe("queued");
    env.pass(18_500);
    expect(phase()).toBe("stuck");
    expect(isLocked(row, presses.get("cp-1"))).toBe(true);
    presses.unlock("cp-1");
    expect(isLocked(row, presses.get("cp-1"))).toBe(false);
  });

  test("refused at the kernel's door unlocks and says why", () => {
    presses.press(row, "approve", null, null);
    presses.answer(sentId(), false, "no such option");
    expect(presses.get("cp-1")).toMatchObject({ phase: "refused", error: "no such option" });
    expect(isLocked(row, presses.get("cp-1"))).toBe(false);
    expect(presses.press(row, "reject", null, null)).toBe(true);
  });

  test("taken by the kernel stays locked until the row says more", () => {
    presses.press(row, "approve", null, null);
    presses.answer(sentId(), true, null);
    presses.follow({ ...row, reminded: true });
    expect(isLocked(row, presses.get("cp-1"))).toBe(true);
    const refused = checkpoint("cp-1", { delivery: "refused", answer: "approve", error: "already answered by ana" });
    presses.follow(refused);
    expect(presses.get("cp-1")).toBeUndefined();
    expect(isLocked(refused, undefined)).toBe(false);
  });

  test("taken, with a row that says the same as before, unlocks after a while", () => {
    presses.press(row, "approve", null, null);
    presses.answer(sentId(), true, null);
    env.pass(5000);
    expect(isLocked(row, presses.get("cp-1"))).toBe(false);
  });

  test("is settled by the row even when the kernel's answer was lost", () => {
    presses.press(row, "approve", null, null);
    presses.follow({ ...row, status: "decided", delivery: "applied", answer: "approve", decision: "approve" });
    expect(presses.get("cp-1")).toBeUndefined();
    expect(env.waiting).toBe(0);
  });

  test("is not touched by an answer to another's press", () => {
    presses.press(row, "approve", null, null);
    presses.answer("theirs", false, "no");
    expect(phase()).toBe("sending");
  });
});

describe("a checkpoint", () => {
  test.each([
    ["pending", false],
    ["unknown", false],
    ["sending", true],
    ["decided", true],
    ["expired", true],
  ] as const)("that is %s: locked is %s", (status, locked) => {
    expect(isLocked(checkpoint("x", { status }), undefined)).toBe(locked);
  });
});

test("clearing leaves no timer", () => {
  presses.press(row, "approve", null, null);
  presses.clear();
  expect(env.waiting).toBe(0);
});
