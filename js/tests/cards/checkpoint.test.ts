import { describe, expect, test } from "vitest";
import { checkpoint } from "../../dev/fake";
import { looksLikeDiff } from "../../src/cards/diff";
import type { CheckpointRow } from "../../src/kernel/contract";
import { Bench, fakeTime, later, NOW, picture, table } from "../support";

fakeTime();

const row = (more: Partial<CheckpointRow> = {}) =>
  checkpoint("cp-1", { title: "Approve the plan", deadline: NOW + 272_000, requested_at: NOW - 60_000, ...more });
const asked = (...rows: CheckpointRow[]) => new Bench().show(picture({}, { checkpoints: table(rows) }));
const button = (bench: Bench, name: string) => bench.get.getByRole("button", { name });
const isLocked = (bench: Bench) => button(bench, "Approve").getAttribute("aria-disabled") === "true";
const answer = (bench: Bench, ok: boolean, error: string | null = null) => {
  const id = bench.sent("decide").at(-1)?.id ?? "";
  bench.model.receive({ kind: "answer", id, ok, error });
  return later();
};

describe("a question", () => {
  test("has a region, a group, buttons, a feedback box and a timer", async () => {
    const { get } = await asked(row());
    get.getByRole("region", { name: "Needs your decision" });
    get.getByRole("group", { name: "Approve the plan" });
    for (const name of ["Approve", "Modify", "Reject"]) expect(get.getByRole("button", { name })).toBeTruthy();
    get.getByRole("textbox", { name: "Feedback" });
    expect(get.getByRole("timer").textContent).toBe("auto: Approve in 4:32");
  });

  test("puts the destructive option last", async () => {
    const bench = await asked(row({ options: [...row().options].reverse() }));
    const group = bench.get.getByRole("group", { name: "Approve the plan" });
    const names = [...group.querySelectorAll(".rc-options button")].map((each) => each.getAttribute("aria-label"));
    expect(names).toEqual(["Modify", "Approve", "Reject"]);
    const described = button(bench, "Reject").getAttribute("aria-describedby") ?? "";
    expect(document.getElementById(described)?.textContent).toBe("Stop the task");
  });

  test("counts down while time passes", async () => {
    const { get } = await asked(row());
    await later(3000);
    expect(get.getByRole("timer").textContent).toBe("auto: Approve in 4:29");
  });

  test("counts by the server's clock", async () => {
    const bench = await new Bench().show(picture({ clock_offset: 12_000 }, { checkpoints: table([row()]) }));
    expect(bench.get.getByRole("timer").textContent).toContain("4:20");
  });

  test("shows its spec, changes, cost, risk and the rest", async () => {
    const context = {
      spec: Array.from({ length: 30 }, (_, n) => `spec line ${n}`).join("\n"),
      changes: ["add src/a.py", "modify src/b.py"],
      cost: 0.42,
      risk: "medium",
      other: '{\n  "reviewers": 2\n}',
    };
    const bench = await asked(row({ description: "Please look.", task_name: "Log in", context }));
    const group = bench.get.getByRole("group", { name: "Approve the plan" });
    for (const text of ["Please look.", "Log in", "cost $0.42", "risk: medium", "spec line 0", "spec line 29"]) {
      expect(group.textContent).toContain(text);
    }
    await bench.tab("Changes");
    expect(group.textContent).toContain("add src/a.py");
    await bench.tab("More");
    expect(group.textContent).toContain('"reviewers": 2');
  });

  test("asks the kernel for a text that was cut, and shows all of it", async () => {
    const bench = await asked(row({ context: { spec: "the beginning…" }, cut: ["context.spec"] }));
    const [request] = bench.sent("detail");
    expect(request).toMatchObject({ table: "checkpoints", key: "cp-1" });
    const whole = row({ context: { spec: "the beginning and the end" } });
    bench.model.receive({ kind: "detail", id: request?.id ?? "", table: "checkpoints", key: "cp-1", row: whole });
    await later();
    expect(bench.el.textContent).toContain("the beginning and the end");
  });

  test("colors a unified diff line by line", async () => {
    const diff = "--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,2 @@\n-old\n+new\n same";
    const { el } = await asked(row({ context: { changes: [diff] } }));
    expect(el.querySelector(".rc-diff-add")?.textContent).toBe("+new");
    expect(el.querySelector(".rc-diff-del")?.textContent).toBe("-old");
    expect(looksLikeDiff("- a list\n- of things")).toBe(false);
  });
});

describe("an answer", () => {
  test("is sent with the feedback and locks the buttons", async () => {
    const bench = await asked(row());
    const box = bench.get.getByRole("textbox", { name: "Feedback" }) as HTMLTextAreaElement;
    box.value = "  ship it ";
    box.dispatchEvent(new Event("input", { bubbles: true }));
    await later();
    button(bench, "Approve").click();
    await later(50);
    expect(bench.sent("decide")).toMatchObject([
      { checkpoint: "cp-1", answer: { option: "approve", feedback: "ship it", modifications: null } },
    ]);
    expect(isLocked(bench)).toBe(true);
    expect(bench.el.textContent).toContain("sending…");
  });

  test("is sent once, whatever is pressed next and how quickly", async () => {
    const bench = await asked(row());
    button(bench, "Approve").click();
    button(bench, "Approve").click();
    button(bench, "Reject").click();
    await later();
    button(bench, "Reject").click();
    await later();
    expect(bench.sent("decide")).toHaveLength(1);
  });

  test("locks every view of the run", async () => {
    const bench = await asked(row());
    const other = document.createElement("div");
    bench.widget.render({ model: bench.model, el: other, signal: bench.view.signal });
    await later();
    button(bench, "Approve").click();
    await later(50);
    const theirs = other.querySelector<HTMLElement>('button[aria-label="Reject"]');
    expect(theirs?.getAttribute("aria-disabled")).toBe("true");
    theirs?.click();
    await later();
    expect(bench.sent("decide")).toHaveLength(1);
  });

  test("that gets no word from the kernel says where it waits", async () => {
    const bench = await asked(row());
    button(bench, "Approve").click();
    await later(1600);
    expect(bench.el.textContent).toContain(
      "Approve – kernel busy: your answer is queued in this browser; it goes out as soon as the kernel is free",
    );
    expect(isLocked(bench)).toBe(true);
  });

  test("that waits for other answers says for which", async () => {
    const error = "waits for the answer to “Pay?”: all open questions are answered together";
    const bench = await asked(row({ status: "sending", delivery: "queued", answer: "approve", error }));
    expect(bench.el.textContent).toContain(`Approve: ${error}.`);
    expect(bench.el.textContent).not.toContain("waiting for the connection");
    expect(isLocked(bench)).toBe(true);
  });

  test("to a silent kernel says what else it may be", async () => {
    const bench = await asked(row());
    button(bench, "Approve").click();
    await later(8000);
    expect(bench.el.textContent).toContain("queued in this browser");
    expect(bench.el.textContent).toContain("If the kernel was restarted, run the cell again.");
  });

  test("is followed on its way to the server and back", async () => {
    const bench = await asked(row());
    button(bench, "Approve").click();
    await answer(bench, true);
    await bench.patch({ checkpoints: { set: [row({ status: "sending", delivery: "sent", decision: "approve" })] } });
    expect(bench.el.textContent).toContain("sending… waiting for the server");
    await bench.patch({
      checkpoints: { set: [row({ status: "sending", delivery: "acknowledged", decision: "approve" })] },
    });
    expect(bench.el.textContent).toContain("acknowledged");
    expect(isLocked(bench)).toBe(true);
  });

  test("refused by the kernel says why and unlocks", async () => {
    const bench = await asked(row());
    button(bench, "Approve").click();
    await answer(bench, false, "the checkpoint is not open");
    expect(bench.el.textContent).toContain("refused: the checkpoint is not open");
    expect(isLocked(bench)).toBe(false);
  });

  test("refused by the server says why, and another may be given", async () => {
    const bench = await asked(row());
    button(bench, "Approve").click();
    await answer(bench, true);
    await bench.patch({ checkpoints: { set: [row({ delivery: "refused", error: "INVALID_OPTION" })] } });
    expect(bench.el.textContent).toContain("refused: INVALID_OPTION");
    button(bench, "Reject").click();
    await later();
    expect(bench.sent("decide").map(({ answer }) => answer.option)).toEqual(["approve", "reject"]);
  });

  test("whose fate is unknown is said to be, and the person chooses", async () => {
    const bench = await asked(
      row({ status: "unknown", delivery: "unknown", error: "the link died before the reply." }),
    );
    expect(bench.el.textContent).toContain("unknown: the link died before the reply.");
    expect(isLocked(bench)).toBe(false);
  });

  test("with modifications must be JSON", async () => {
    const bench = await asked(row());
    button(bench, "Modifications (JSON)").click();
    await later();
    const box = bench.el.querySelector<HTMLTextAreaElement>('textarea[aria-label="Modifications (JSON)"]');
    const type = (text: string) => {
      if (box) box.value = text;
      box?.dispatchEvent(new Event("input", { bubbles: true }));
      return later();
    };
    await type("{oops");
    button(bench, "Modify").click();
    await later();
    expect(bench.sent("decide")).toHaveLength(0);
    expect(bench.el.textContent).toContain("This is not JSON");
    await type('{"budget": 3}');
    button(bench, "Modify").click();
    await later();
    expect(bench.sent("decide")).toMatchObject([{ answer: { option: "modify", modifications: { budget: 3 } } }]);
  });
});

describe("the deadline", () => {
  test("locks the buttons when it passes, with a clear word", async () => {
    const bench = await asked(row({ deadline: NOW + 2500 }));
    expect(isLocked(bench)).toBe(false);
    await later(3500);
    expect(isLocked(bench)).toBe(true);
    expect(bench.get.getByRole("timer").textContent).toBe("time is up");
    expect(bench.el.textContent).toContain(
      "Too late: the time is up. The run should go on with Approve; the server has not said so yet.",
    );
    button(bench, "Reject").click();
    expect(bench.sent("decide")).toHaveLength(0);
  });

  test("of a question without one shows no timer", async () => {
    const { get } = await asked(row({ deadline: null }));
    expect(get.queryByRole("timer")).toBeNull();
  });
});

describe("the region", () => {
  test("stays while a question is open, and its outcome longer", async () => {
    const bench = await asked(row());
    const decided = row({
      status: "decided",
      delivery: "applied",
      decision: "approve",
      decided_by: "other",
      decided_at: NOW,
    });
    await bench.patch({ checkpoints: { set: [decided] } });
    expect(bench.get.queryByRole("region", { name: "Needs your decision" })).toBeNull();
    expect(bench.el.textContent).toContain("Approve the plan: Approve, decided elsewhere");
    await later(25_000);
    expect(bench.el.textContent).not.toContain("decided elsewhere");
  });

  test("keeps what is typed, and the focus, when patches come", async () => {
    const bench = await asked(row());
    const box = bench.get.getByRole("textbox", { name: "Feedback" }) as HTMLTextAreaElement;
    box.focus();
    box.value = "half a sent";
    box.dispatchEvent(new Event("input", { bubbles: true }));
    const second = checkpoint("cp-2", { title: "Another" });
    await bench.patch({
      head: { events: 5 },
      checkpoints: { set: [row({ reminded: true }), second], order: ["cp-2", "cp-1"] },
    });
    expect(document.activeElement).toBe(box);
    expect(box.value).toBe("half a sent");
    const line = bench.get.getByRole("region", { name: "Questions" });
    expect(line.textContent).toContain("Approve the plan");
    expect(line.textContent).toContain("Another");
  });

  test("keeps the focus in place when the card with it is gone", async () => {
    const bench = await asked(row(), checkpoint("cp-2", { title: "Another" }));
    await bench.ask("Approve the plan");
    bench.get.getByRole("button", { name: "Approve" }).focus();
    await bench.patch({ checkpoints: { set: [row({ status: "decided", decision: "approve", decided_by: "you" })] } });
    expect(bench.el.contains(document.activeElement)).toBe(true);
    expect(document.activeElement?.tagName).not.toBe("BUTTON");
  });
});
