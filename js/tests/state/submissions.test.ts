import { beforeEach, describe, expect, test } from "vitest";
import { checkpoint } from "../../dev/fake";
import type { ToKernel } from "../../src/kernel/contract";
import { isLocked, Submissions } from "../../src/state/submissions";
import { FakeEnv } from "../support";

let env: FakeEnv;
let sent: ToKernel[];
let alive: boolean;
let submissions: Submissions;
const row = checkpoint("cp-1");
const phase = () => submissions.get("cp-1")?.phase;
const sentId = () => (sent.at(-1) as { id: string }).id;

beforeEach(() => {
  env = new FakeEnv();
  sent = [];
  alive = true;
  const send = (message: ToKernel) => {
    if (alive) sent.push(message);
    return alive;
  };
  submissions = new Submissions(env, send, { now: () => env.now(), changed: () => {} });
});

describe("a press", () => {
  test("sends the decision with a fresh id and locks at once", () => {
    expect(submissions.submit(row, { option: "approve", feedback: "ship it", modifications: null })).toBe(true);
    expect(sent).toEqual([
      {
        kind: "decide",
        id: "id-0",
        checkpoint: "cp-1",
        answer: { option: "approve", feedback: "ship it", modifications: null },
        at: env.now(),
      },
    ]);
    expect(isLocked(row, submissions.get("cp-1"))).toBe(true);
  });

  test("cannot send a second time", () => {
    submissions.submit(row, { option: "approve", feedback: null, modifications: null });
    expect(submissions.submit(row, { option: "reject", feedback: null, modifications: null })).toBe(false);
    expect(sent).toHaveLength(1);
  });

  test("that cannot be sent locks nothing", () => {
    alive = false;
    expect(submissions.submit(row, { option: "approve", feedback: null, modifications: null })).toBe(false);
    expect(submissions.get("cp-1")).toBeUndefined();
  });

  test("waits here after 1.5 s, and may be unlocked after 20 s", () => {
    submissions.submit(row, { option: "approve", feedback: null, modifications: null });
    env.pass(1499);
    expect(phase()).toBe("sending");
    env.pass(1);
    expect(phase()).toBe("queued");
    submissions.unlock("cp-1");
    expect(phase()).toBe("queued");
    env.pass(18_500);
    expect(phase()).toBe("stuck");
    expect(isLocked(row, submissions.get("cp-1"))).toBe(true);
    submissions.unlock("cp-1");
    expect(isLocked(row, submissions.get("cp-1"))).toBe(false);
  });

  test("refused at the kernel's door unlocks and says why", () => {
    submissions.submit(row, { option: "approve", feedback: null, modifications: null });
    submissions.answer(sentId(), false, "no such option");
    expect(submissions.get("cp-1")).toMatchObject({ phase: "refused", error: "no such option" });
    expect(isLocked(row, submissions.get("cp-1"))).toBe(false);
    expect(submissions.submit(row, { option: "reject", feedback: null, modifications: null })).toBe(true);
  });

  test("taken by the kernel stays locked until the row says more", () => {
    submissions.submit(row, { option: "approve", feedback: null, modifications: null });
    submissions.answer(sentId(), true, null);
    submissions.follow({ ...row, reminded: true });
    expect(isLocked(row, submissions.get("cp-1"))).toBe(true);
    const refused = checkpoint("cp-1", { delivery: "refused", answer: "approve", error: "already answered by ana" });
    submissions.follow(refused);
    expect(submissions.get("cp-1")).toBeUndefined();
    expect(isLocked(refused, undefined)).toBe(false);
  });

  test("taken without a new row unlocks after a while", () => {
    submissions.submit(row, { option: "approve", feedback: null, modifications: null });
    submissions.answer(sentId(), true, null);
    env.pass(5000);
    expect(isLocked(row, submissions.get("cp-1"))).toBe(false);
  });

  test("is settled by the row even when the kernel's answer was lost", () => {
    submissions.submit(row, { option: "approve", feedback: null, modifications: null });
    submissions.follow({ ...row, status: "decided", delivery: "applied", answer: "approve", decision: "approve" });
    expect(submissions.get("cp-1")).toBeUndefined();
    expect(env.waiting).toBe(0);
  });

  test("is not touched by an answer to another's press", () => {
    submissions.submit(row, { option: "approve", feedback: null, modifications: null });
    submissions.answer("theirs", false, "no");
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
  submissions.submit(row, { option: "approve", feedback: null, modifications: null });
  submissions.clear();
  expect(env.waiting).toBe(0);
});

describe("values that do not fit", () => {
  const answer = { option: "approve", feedback: null, modifications: { n: 3 } };
  const fields = () => submissions.get("cp-1")?.fields;

  test("come with a refusal by the kernel, and leave as their fields are changed", () => {
    submissions.submit(row, answer);
    expect(fields()).toBeNull();
    submissions.answer(sentId(), false, "they do not fit", { n: "too large", "a.b": "a value is needed" });
    expect([phase(), fields()]).toEqual(["refused", { n: "too large", "a.b": "a value is needed" }]);
    submissions.edit("cp-1", (key) => key === "other");
    expect(fields()).toEqual({ n: "too large", "a.b": "a value is needed" });
    submissions.edit("cp-1", (key) => key === "n");
    expect([phase(), fields()]).toEqual(["refused", { "a.b": "a value is needed" }]);
    submissions.edit("cp-1", (key) => key === "a.b");
    expect(submissions.get("cp-1")).toBeUndefined();
  });

  test("found here are refused without being sent, and do not lock", () => {
    submissions.refuse(row, "approve", { day: "the date is not complete" });
    expect(sent).toEqual([]);
    expect([phase(), fields()]).toEqual(["refused", { day: "the date is not complete" }]);
    expect(submissions.submit(row, answer)).toBe(true);
    expect(fields()).toBeNull();
  });

  test("cannot take the place of an answer on its way", () => {
    submissions.submit(row, answer);
    submissions.refuse(row, "approve", { n: "too large" });
    expect([phase(), fields()]).toEqual(["sending", null]);
    submissions.edit("cp-1", () => true);
    expect(phase()).toBe("sending");
  });
});
