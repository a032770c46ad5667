import { describe, expect, test } from "vitest";
import type { OutputRow } from "../../src/kernel/contract";
import { Bench, fakeTime, later, lines, NOW, picture, table } from "../support";

fakeTime();

const line = (n: number, text: string, more: Partial<OutputRow> = {}): OutputRow => ({
  key: String(n),
  task: "t1",
  stream: "stdout",
  text,
  at: NOW,
  ...more,
});
const open = async (rows: OutputRow[], total = rows.length) => {
  const bench = await new Bench().show(picture({}, { output: table(rows, total) }));
  await bench.tab("Output");
  return bench;
};
const log = (bench: Bench) => bench.get.getByRole("log", { name: "Output" });

describe("the output", () => {
  test("is a log that is not read out line by line", async () => {
    expect(log(await open([line(0, "hello")])).getAttribute("aria-live")).toBe("off");
  });

  test("tells stdout and stderr apart in words", async () => {
    const bench = await open([line(0, "fine"), line(1, "bad", { stream: "stderr" })]);
    const marks = [...log(bench).querySelectorAll(".rc-line")].map((each) => each.textContent);
    expect(marks).toEqual(["outfine", "errbad"]);
  });

  test("shows text as text and colors as classes", async () => {
    const evil = '<img src=x onerror="alert(1)"><script>x</script>';
    const bench = await open([line(0, evil), line(1, `\u001b[32mok\u001b[0m ${evil}`)]);
    expect(log(bench).querySelector("img, script")).toBeNull();
    expect(log(bench).textContent).toContain(evil);
    expect(log(bench).querySelector(".rc-ansi-green")?.textContent).toBe("ok");
  });

  test("links http addresses only, and safely", async () => {
    const bench = await open([line(0, "see https://x.example/pr/1 or javascript://x")]);
    const found = [...log(bench).querySelectorAll("a")];
    expect(found.map((each) => each.getAttribute("href"))).toEqual(["https://x.example/pr/1"]);
    expect(found[0]?.rel).toContain("noopener");
  });

  test("draws what is seen of a million lines, and asks for the rest", async () => {
    const bench = await open(lines(999_800, 1_000_000) as OutputRow[], 1_000_000);
    expect(log(bench).textContent).toContain("line 999999");
    expect(log(bench).querySelectorAll(".rc-line").length).toBeLessThan(60);
    Object.defineProperties(log(bench), { scrollHeight: { value: 8_000_000 }, clientHeight: { value: 320 } });
    log(bench).scrollTop = 4_000_000;
    log(bench).dispatchEvent(new Event("scroll"));
    await later();
    // The lines on screen, and the next ones on both sides.
    const requests = bench.sent("page");
    expect(requests.length).toBeGreaterThan(1);
    expect(requests.length).toBeLessThanOrEqual(4);
    for (const { id, table, offset = 0, limit } of requests) {
      expect([table, limit, offset > 400_000]).toEqual(["output", 100, true]);
      const rows = lines(offset, offset + 100);
      bench.model.receive({ kind: "page", id, table: "output", offset, total: 1_000_000, rows });
    }
    await later();
    expect(log(bench).querySelectorAll(".rc-line-waiting").length).toBe(0);
    expect(log(bench).textContent).toMatch(/line 4\d{5}|line 5\d{5}/);
  });

  test("offers the way back to the newest line when scrolled up", async () => {
    const bench = await open(lines(0, 150) as OutputRow[]);
    expect(bench.get.queryByRole("button", { name: "Jump to latest" })).toBeNull();
    Object.defineProperties(log(bench), { scrollHeight: { value: 2700 }, clientHeight: { value: 320 } });
    log(bench).scrollTop = 100;
    log(bench).dispatchEvent(new Event("scroll"));
    await later();
    bench.get.getByRole("button", { name: "Jump to latest" }).click();
    await later();
    expect(log(bench).scrollTop).toBe(2700 - 320);
    expect(bench.get.queryByRole("button", { name: "Jump to latest" })).toBeNull();
  });
});
