/** The card of a question that ends otherwise than by the pressed button. */
import { beforeEach, describe, expect, test } from "vitest";
import { checkpoint } from "../../dev/fake";
import type { CheckpointRow } from "../../src/kernel/contract";
import { Bench, fakeTime, later, NOW, picture, table } from "../support";

fakeTime();

const row = (more: Partial<CheckpointRow> = {}) => checkpoint("cp-1", { title: "Approve the plan", ...more });
const asked = (...rows: CheckpointRow[]) => new Bench().show(picture({}, { checkpoints: table(rows) }));
const button = (bench: Bench, name: string) => bench.get.getByRole("button", { name });
const box = (bench: Bench, name = "Feedback") => bench.get.getByRole("textbox", { name }) as HTMLTextAreaElement;
const type = (bench: Bench, text: string) => {
  box(bench).focus();
  box(bench).value = text;
  box(bench).dispatchEvent(new Event("input", { bubbles: true }));
  return later();
};
const becomes = (bench: Bench, more: Partial<CheckpointRow>) =>
  bench.patch({ checkpoints: { set: [row({ decided_at: NOW, ...more })] } });

describe("text that was typed and not sent", () => {
  let bench: Bench;
  const byTimeout = { status: "decided", decision: "approve", decided_by: "timeout" } as const;

  beforeEach(async () => {
    bench = await asked(row());
    await type(bench, "wait for the migration");
  });

  test("stays under the cursor when the time-out decides", async () => {
    const before = box(bench);
    await becomes(bench, byTimeout);
    const kept = box(bench, "Feedback that did not count");
    expect(kept).toBe(before);
    expect(document.activeElement).toBe(kept);
    expect([kept.value, kept.readOnly]).toEqual(["wait for the migration", true]);
    expect(bench.el.textContent).toContain(
      "Approve, by default when the time was up. What you wrote did not count; it is kept here.",
    );
  });

  test("is no open question any more", async () => {
    await becomes(bench, byTimeout);
    expect(bench.get.queryByRole("group", { name: "Approve the plan" })).toBeNull();
    expect(bench.get.queryByRole("region", { name: "Needs your decision" })).toBeNull();
    expect(bench.get.queryByRole("button", { name: "Approve" })).toBeNull();
  });

  test("goes when it is dismissed, and the focus stays in the panel", async () => {
    await becomes(bench, byTimeout);
    button(bench, "Dismiss").focus();
    button(bench, "Dismiss").click();
    await later();
    expect(bench.get.queryByRole("textbox", { name: "Feedback that did not count" })).toBeNull();
    expect(bench.el.contains(document.activeElement)).toBe(true);
  });

  test("is kept when another decides, the task ends or we are late", async () => {
    for (const [end, words] of [
      [{ status: "decided", decision: "reject", decided_by: "other" }, "Reject, decided elsewhere."],
      [{ status: "expired", error: "no longer needed: the task was cancelled" }, "the task was cancelled."],
      [{ ...byTimeout, answer: "reject", delivery: "expired" }, "Your answer Reject came too late."],
    ] as const) {
      const other = await asked(row());
      await type(other, "wait");
      await becomes(other, end);
      expect(other.el.textContent).toContain(words);
      expect(box(other, "Feedback that did not count").value).toBe("wait");
    }
  });

  test("that went out with the answer is not kept", async () => {
    button(bench, "Approve").click();
    await later(50);
    await becomes(bench, {
      status: "decided",
      delivery: "applied",
      answer: "approve",
      decision: "approve",
      decided_by: "you",
    });
    expect(bench.get.queryByRole("textbox", { name: "Feedback that did not count" })).toBeNull();
    expect(bench.el.textContent).toContain("Approve the plan: Approve, decided by you.");
  });
});

describe("a question that closes", () => {
  test("with its cancelled task says so, although nobody decided", async () => {
    const bench = await asked(row());
    await bench.patch({
      checkpoints: { set: [row({ status: "expired", error: "no longer needed: the task was cancelled" })] },
    });
    expect(bench.get.queryByRole("group", { name: "Approve the plan" })).toBeNull();
    expect(bench.el.textContent).toContain("Approve the plan: no longer needed: the task was cancelled.");
  });

  test("stays in sight for 20 s by this browser's clock", async () => {
    for (const decidedAt of [NOW - 3_600_000, NOW + 3_600_000]) {
      const bench = await asked(row());
      await becomes(bench, { status: "decided", decision: "reject", decided_by: "other", decided_at: decidedAt });
      expect(bench.el.textContent).toContain("Reject, decided elsewhere");
      await later(21_000);
      expect(bench.el.textContent).not.toContain("Reject, decided elsewhere");
    }
  });
});

describe("two views that press different buttons", () => {
  const press = async () => {
    const bench = await asked(row());
    button(bench, "Reject").click();
    await later(50);
    return bench;
  };
  const theirs = { status: "sending", delivery: "sent", answer: "approve", decision: "approve" } as const;
  const done = { ...theirs, status: "decided", delivery: "applied", decided_by: "you" } as const;
  const refuse = (bench: Bench) =>
    bench.model.receive({
      kind: "answer",
      id: bench.sent("decide")[0]?.id ?? "",
      ok: false,
      error: "another answer to this checkpoint is already on its way",
    });

  test.each([
    ["after the other's row", [theirs, "refuse", done]],
    ["before it", ["refuse", theirs, done]],
    ["after its end", [theirs, done, "refuse"]],
    ["never", [theirs, done]],
  ] as const)("show the same end, and say of the late one that it was not sent: refused %s", async (_, steps) => {
    const bench = await press();
    for (const step of steps) {
      if (step === "refuse") refuse(bench);
      else await becomes(bench, step);
    }
    await later();
    expect(bench.el.textContent).toContain(
      "Approve the plan: Approve, decided by you. Your answer Reject was not sent.",
    );
  });

  test("lose nothing when the server refuses the other's answer", async () => {
    const bench = await press();
    await becomes(bench, theirs);
    await becomes(bench, { status: "pending", delivery: "refused", answer: "approve", error: "INVALID_OPTION" });
    expect(bench.el.textContent).toContain("Reject");
    expect(button(bench, "Reject").getAttribute("aria-disabled")).toBe("true");
    await becomes(bench, { status: "sending", delivery: "sent", answer: "reject", decision: "reject" });
    expect(bench.el.textContent).toContain("Reject: sending… waiting for the server");
  });
});

describe("an answer that waits in this browser", () => {
  test("is given up when the time is up before the kernel is free", async () => {
    const bench = await asked(row({ deadline: NOW + 5000 }));
    button(bench, "Approve").click();
    await later(2000);
    expect(bench.el.textContent).toContain("queued in this browser");
    await later(4000);
    expect(bench.el.textContent).toContain(
      "Too late: the time was up before the kernel was free. Your answer Approve will not be sent.",
    );
    expect(bench.el.textContent).not.toContain("queued in this browser; it goes out");
    await becomes(bench, { status: "decided", decision: "approve", decided_by: "timeout", deadline: NOW + 5000 });
    expect(bench.el.textContent).toContain("by default when the time was up. Your answer Approve was not sent.");
  });

  test("may still go out after an unlock, and says so", async () => {
    const bench = await asked(row());
    button(bench, "Approve").click();
    await later(21_000);
    button(bench, "Unlock the buttons").click();
    await later();
    expect(bench.el.textContent).toContain(
      "Your earlier answer Approve may still go out when the kernel is free; the first one counts.",
    );
    button(bench, "Reject").click();
    await later(1600);
    expect(bench.el.textContent).toContain("Your earlier answer Approve goes out first.");
  });
});

describe("a kernel that is another one now", () => {
  const gone = "The kernel is gone; run the cell again to answer.";

  test("locks the card and promises nothing: told by the host", async () => {
    const bench = await asked(row());
    bench.model.hostSays("starting");
    await later();
    expect(bench.el.textContent).toContain(gone);
    button(bench, "Approve").click();
    expect(bench.sent("decide")).toHaveLength(0);
  });

  test("is known by an idle kernel that does not answer", async () => {
    const bench = await asked(row());
    bench.model.hostSays("idle");
    button(bench, "Approve").click();
    await later(5000);
    expect(bench.el.textContent).toContain(
      `${gone} Your answer Approve was not confirmed: it may or may not have reached the server.`,
    );
    const card = bench.get.getByRole("group", { name: "Approve the plan" });
    expect(card.textContent).not.toContain("queued in this browser");
  });

  test("may be deaf to this page alone", async () => {
    const bench = await asked(row());
    bench.model.hostSays("idle");
    await type(bench, "wait");
    button(bench, "Approve").click();
    for (let second = 0; second < 21; second++) {
      await later(1000);
      bench.model.receive({ kind: "heartbeat", version: 0, now: Date.now(), subshell: true });
    }
    await later();
    expect(bench.el.textContent).toContain(
      "Approve – not taken, although the kernel seems to be idle. If no cell is running, reload the page and answer again.",
    );
    expect(bench.el.textContent).not.toContain("queued in this browser");
  });

  test("is not taken for one that is busy", async () => {
    const bench = await asked(row());
    bench.model.hostSays("busy");
    button(bench, "Approve").click();
    await later(5000);
    expect(bench.el.textContent).toContain("queued in this browser");
  });

  test("is forgotten as soon as the kernel speaks again", async () => {
    const bench = await asked(row());
    bench.model.hostSays("restarting");
    await later();
    bench.model.receive({ kind: "heartbeat", version: 0, now: Date.now(), subshell: true });
    await later();
    expect(bench.el.textContent).not.toContain(gone);
  });

  test("does not stop the server's clock", async () => {
    const bench = await asked(row({ deadline: NOW + 60_000 }));
    bench.model.hostSays("dead");
    await later(10_000);
    expect(bench.get.getByRole("timer").textContent).toContain("0:50");
  });
});

test("a hidden page shows the right time when it is seen again", async () => {
  const bench = await asked(row({ deadline: NOW + 272_000 }));
  const hide = (hidden: boolean) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
  };
  hide(true);
  await later(100_000);
  hide(false);
  await Promise.resolve();
  await later(20);
  expect(bench.get.getByRole("timer").textContent).toBe("auto: Approve in 2:52");
});

test("cards stay in place when the kernel reorders them", async () => {
  const bench = await asked(row(), checkpoint("cp-2", { title: "Another" }));
  const titles = () => [...bench.el.querySelectorAll("h3")].map((title) => title.textContent);
  const before = titles();
  await bench.patch({ checkpoints: { set: [row({ reminded: true })], order: ["cp-2", "cp-1"] } });
  expect(titles()).toEqual(before);
});

test("two views of a run have one voice", async () => {
  const bench = await asked();
  const other = document.createElement("div");
  const view = new AbortController();
  bench.widget.render({ model: bench.model, el: other, signal: view.signal });
  await later();
  await bench.patch({ checkpoints: { set: [row()] } });
  const voices = [bench.el, other].map((el) => el.querySelector("[aria-live=polite]")?.textContent);
  expect(voices).toEqual(["Needs your decision: Approve the plan.", ""]);
  view.abort();
});

test("many questions at once are one piece of news", async () => {
  const bench = await asked();
  const many = Array.from({ length: 12 }, (_, n) => checkpoint(`q${n}`, { title: `Question ${n}` }));
  await bench.patch({ checkpoints: { set: many } });
  expect(bench.el.querySelector("[aria-live=polite]")?.textContent).toBe(
    "12 questions need your decision. The first: Question 0.",
  );
  await later(11_000);
  expect(bench.el.querySelector("[aria-live=polite]")?.textContent).toBe("");
});
