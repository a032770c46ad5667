import { beforeEach, describe, expect, test } from "vitest";
import { Clocks } from "../../src/kernel/clock";
import type { Head } from "../../src/kernel/contract";
import { FakeEnv, NOW, picture } from "../support";

let env: FakeEnv;
let head: Head | null;
let clocks: Clocks;

beforeEach(() => {
  env = new FakeEnv();
  head = picture().head;
  clocks = new Clocks(env, () => head);
});

describe("the kernel's clock", () => {
  test("goes with the quickest message, and follows slowly", () => {
    clocks.sync(NOW + 1000);
    expect(clocks.now()).toBe(NOW + 1000);
    clocks.sync(NOW);
    expect(clocks.now()).toBe(NOW + 900);
  });

  test("goes with the speed of a replay", () => {
    head = picture({ replay: { position_s: 0, duration_s: 60, speed: 10, playing: true, over: false } }).head;
    clocks.sync(NOW);
    env.time += 500;
    expect(clocks.now()).toBe(NOW + 5000);
  });
});

describe("a clock that was stopped", () => {
  test("stands still, except for deadlines without a kernel", () => {
    clocks.stop(NOW, false);
    env.time += 2000;
    expect([clocks.now(), clocks.dueNow()]).toEqual([NOW, NOW + 2000]);
  });

  test("stands still for deadlines too in a recorded picture", () => {
    clocks.stop(NOW, true);
    env.time += 2000;
    expect([clocks.now(), clocks.dueNow()]).toEqual([NOW, NOW]);
    clocks.stop(null, false);
    expect(clocks.now()).toBe(NOW + 2000);
  });
});
