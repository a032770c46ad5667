import { beforeEach, describe, expect, test } from "vitest";
import { task } from "../../dev/fake";
import type { Changes, FromKernel, OutputRow, Picture, TaskRow } from "../../src/kernel/contract";
import { Store } from "../../src/state/store";
import { FakeEnv, FakePort, lines, NOW, picture, table } from "../support";

let env: FakeEnv;
let port: FakePort;
let store: Store;

beforeEach(() => {
  env = new FakeEnv();
  port = new FakePort();
  store = new Store(port, env);
});

const snapshot = (version: number, shown: Picture): FromKernel => ({
  kind: "snapshot",
  version,
  now: env.time,
  picture: shown,
});
const patch = (base: number, changes: Changes, version = base + 1): FromKernel => ({
  kind: "patch",
  base,
  version,
  now: env.time,
  changes,
});
const heartbeat = (version: number): FromKernel => ({ kind: "heartbeat", version, now: env.time, subshell: true });
const asked = () => port.kinds().filter((kind) => kind === "snapshot").length;

describe("patches", () => {
  beforeEach(() => port.receive(snapshot(5, picture({ events: 1 }, { tasks: table([task("a"), task("b")]) }))));

  test("change the fields of the head that they name and no others", () => {
    port.receive(patch(5, { head: { events: 2 } }));
    expect(store.head).toMatchObject({ events: 2, title: "A run", link: "live" });
    expect(store.version).toBe(6);
  });

  test("replace rows by key, and keep the objects of the others", () => {
    const [, b] = store.tables.tasks.rows;
    port.receive(patch(5, { tasks: { set: [task("a", { status: "running" }), task("c")], total: 3 } }));
    const rows = store.tables.tasks.rows;
    expect(rows.map((row) => row.key)).toEqual(["a", "b", "c"]);
    expect(rows[0]?.status).toBe("running");
    expect(rows[1]).toBe(b);
  });

  test("show an active task by its key in the tasks", () => {
    const { tasks, active } = store.tables;
    port.receive(patch(5, { active: { order: ["b"], total: 1 } }));
    expect(active.rows).toEqual([tasks.get("b")]);
    port.receive(patch(6, { tasks: { set: [task("b", { progress: 40 })] } }));
    expect(active.rows.map((row) => row.progress)).toEqual([40]);
    port.receive(patch(7, { active: { set: [task("far")], order: ["far", "b"], total: 2 } }));
    expect(active.rows.map((row) => [row.id, row.progress])).toEqual([
      ["far", task("far").progress],
      ["b", 40],
    ]);
    expect([tasks.get("far"), active.total, tasks.total]).toEqual([undefined, 2, 2]);
    port.receive(patch(8, { active: { order: [], total: 0 } }));
    expect([active.rows, active.total]).toEqual([[], 0]);
  });

  test("repaint the active tasks with the tasks", () => {
    const before = store.revision("active");
    port.receive(patch(5, { tasks: { set: [task("b", { progress: 40 })] } }));
    expect(store.revision("active")).toBeGreaterThan(before);
  });

  test("keep the object of a row that says what it said", () => {
    const [a] = store.tables.tasks.rows;
    port.receive(patch(5, { tasks: { set: [task("a")] } }));
    expect(store.tables.tasks.rows[0]).toBe(a);
  });

  test("reorder and remove by the order they bring", () => {
    port.receive(patch(5, { tasks: { set: [task("c")], order: ["c", "a"], total: 2 } }));
    expect(store.tables.tasks.rows.map((row) => row.key)).toEqual(["c", "a"]);
  });

  test("that were applied already change nothing", () => {
    port.receive(patch(5, { head: { events: 2 } }));
    port.receive(patch(5, { head: { events: 99 } }));
    expect(store.head?.events).toBe(2);
    expect(asked()).toBe(0);
  });

  test("after a lost one are not applied, and ask for a snapshot", () => {
    port.receive(patch(6, { head: { events: 3 } }));
    port.receive(patch(7, { head: { events: 4 } }));
    expect(store.head?.events).toBe(1);
    expect(asked()).toBe(1);
    expect(port.sent.at(-1)).toEqual({ kind: "snapshot", have: 5 });
    port.receive(snapshot(8, picture({ events: 4 })));
    port.receive(patch(8, { head: { events: 5 } }));
    expect(store.head?.events).toBe(5);
  });

  test("that come in the wrong order end in the right picture", () => {
    port.receive(patch(6, { head: { events: 3 } }));
    port.receive(patch(5, { head: { events: 2 } }));
    expect(store.head?.events).toBe(2);
    port.receive(snapshot(7, picture({ events: 3 })));
    expect(store.head?.events).toBe(3);
  });

  test("a snapshot that was lost is asked for again", () => {
    port.receive(patch(6, {}));
    env.pass(2100);
    port.receive(heartbeat(7));
    expect(asked()).toBe(2);
  });
});

describe("heartbeats", () => {
  test("with our version ask for nothing", () => {
    port.receive(snapshot(5, picture()));
    port.receive(heartbeat(5));
    expect(asked()).toBe(0);
  });

  test("with a newer version ask for a snapshot", () => {
    port.receive(snapshot(5, picture()));
    port.receive(heartbeat(6));
    expect(asked()).toBe(1);
  });

  test("with an older version ask too: the console began anew", () => {
    port.receive(snapshot(5, picture({ events: 9 })));
    port.receive(heartbeat(0));
    port.receive(snapshot(0, picture({ events: 0 })));
    expect(store.head?.events).toBe(0);
  });
});

describe("snapshots", () => {
  test("for another view do not throw away loaded rows", () => {
    port.receive(snapshot(5, picture({}, { output: table(lines(0, 300) as OutputRow[]) })));
    port.receive(snapshot(5, picture({}, { output: table(lines(200, 300) as OutputRow[], 300) })));
    expect(store.tables.output.at(10)).toBeDefined();
  });

  test("keep the objects of rows that did not change", () => {
    port.receive(snapshot(5, picture({}, { tasks: table([task("a"), task("b")]) })));
    const [a, b] = store.tables.tasks.rows;
    port.receive(snapshot(6, picture({}, { tasks: table([task("b"), task("a", { progress: 1 })]) })));
    expect(store.tables.tasks.rows[0]).toBe(b);
    expect(store.tables.tasks.rows[1]).not.toBe(a);
  });
});

describe("the durable picture", () => {
  const held = (version: number, events: number) => ({ version, now: NOW, picture: picture({ events }) });

  test("is shown until the kernel speaks", () => {
    port.held = held(7, 70);
    store = new Store(port, env);
    expect(store.head?.events).toBe(70);
    port.hold(held(8, 80));
    expect(store.head?.events).toBe(80);
  });

  test("gives way to a snapshot of its version, not to a patch", () => {
    port.held = held(7, 70);
    store = new Store(port, env);
    port.receive(patch(7, { head: { events: 71 } }));
    expect(store.head?.events).toBe(70);
    expect(asked()).toBe(1);
    port.receive(snapshot(7, picture({ events: 700 })));
    expect(store.head?.events).toBe(700);
  });

  test("does not undo what messages said", () => {
    port.receive(snapshot(9, picture({ events: 90 })));
    port.hold(held(8, 80));
    port.hold(held(10, 100));
    expect(store.head?.events).toBe(90);
  });
});

describe("opening a view", () => {
  test("says ready at once, after 0.4 s, 1.2 s and 3 s", () => {
    store.open();
    env.pass(0);
    expect(port.kinds()).toEqual(["ready"]);
    env.pass(400);
    expect(port.kinds()).toEqual(["ready", "ready"]);
    env.pass(2000);
    expect(port.kinds()).toEqual(["ready", "ready", "ready"]);
    expect(port.sent[0]).toEqual({ kind: "ready", have: -1, places: false });
    env.pass(2000);
    expect(port.kinds()).toHaveLength(4);
  });

  test("leaves no timer when the view is closed", () => {
    const close = store.open();
    close();
    close();
    expect(env.waiting).toBe(0);
  });
});

describe("the kernel at the other end", () => {
  beforeEach(() => {
    store.open();
  });

  test("that never answers makes it a recording, until it does", () => {
    env.pass(5000);
    expect(store.attachment).toBe("recorded");
    port.receive(snapshot(1, picture()));
    expect(store.attachment).toBe("attached");
  });

  test("is silent after five seconds of a live run", () => {
    port.receive(snapshot(1, picture()));
    env.pass(4000);
    expect(store.attachment).toBe("attached");
    env.pass(3000);
    expect(store.attachment).toBe("silent");
    port.receive(heartbeat(1));
    expect(store.attachment).toBe("attached");
  });

  test("that is silent is spoken to, and found to be gone", () => {
    port.receive(snapshot(1, picture()));
    env.pass(9000);
    const before = port.kinds().length;
    env.pass(20_000);
    expect(port.kinds().slice(before)).toEqual(["ready", "ready"]);
    port.alive = false;
    env.pass(12_000);
    expect(store.attachment).toBe("gone");
  });

  test("may be quiet when the run is over", () => {
    port.receive(snapshot(1, picture({ link: "ended" })));
    env.pass(60_000);
    expect(store.attachment).toBe("attached");
  });

  test("is gone when it cannot be sent to", () => {
    port.receive(snapshot(1, picture()));
    port.alive = false;
    store.link("reconnect");
    expect(store.attachment).toBe("gone");
    expect(store.reachable).toBe(false);
  });
});

describe("time", () => {
  test("is the kernel's, by the quickest message", () => {
    port.receive({ kind: "heartbeat", version: 0, now: NOW + 60_000, subshell: true });
    env.time += 1000;
    // This one was half a second under way.
    port.receive({ kind: "heartbeat", version: 0, now: NOW + 60_500, subshell: true });
    expect(store.clocks.now()).toBeGreaterThan(NOW + 60_900);
  });

  test("of deadlines is the server's", () => {
    port.receive(snapshot(1, picture({ clock_offset: 5000 })));
    expect(store.clocks.serverNow() - store.clocks.now()).toBe(5000);
  });

  test("stands still in a recording", () => {
    port.held = { version: 1, now: NOW - 86_400_000, picture: picture() };
    store = new Store(port, env);
    store.open();
    env.pass(10_000);
    expect(store.attachment).toBe("recorded");
    expect(store.clocks.now()).toBe(NOW - 86_400_000);
  });
});

describe("append-only tables", () => {
  const output = () => store.tables.output;

  beforeEach(() => port.receive(snapshot(1, picture({}, { output: table(lines(800, 1000) as OutputRow[], 1000) }))));

  test("know what they lack, and ask for the pages that hold it", () => {
    expect(output().at(799)).toBeUndefined();
    store.wantLog("output", 750, 820);
    env.pass(100);
    expect(port.sent).toMatchObject([{ kind: "page", table: "output", offset: 700, limit: 100 }]);
    const { id } = port.sent[0] as { id: string };
    port.receive({ kind: "page", id, table: "output", offset: 700, total: 1000, rows: lines(700, 800) });
    expect(output().at(750)?.text).toBe("line 750");
    store.wantLog("output", 750, 820);
    env.pass(100);
    expect(port.sent).toHaveLength(1);
  });

  test("ask for where scrolling rests, not for all that flew by", () => {
    for (let from = 0; from < 700; from += 50) {
      store.wantLog("output", from, from + 40);
      env.pass(10);
    }
    env.pass(100);
    expect(port.sent.map((message) => "offset" in message && message.offset)).toEqual([600]);
  });

  test("ask now and then while scrolling does not rest", () => {
    for (let from = 0; from < 700; from += 10) {
      store.wantLog("output", from, from + 10);
      env.pass(16);
    }
    const offsets = port.sent.map((message) => ("offset" in message ? message.offset : null));
    expect(offsets.length).toBeGreaterThanOrEqual(3);
    expect(offsets.length).toBeLessThanOrEqual(5);
    expect(offsets).toEqual([...offsets].sort((a, b) => (a ?? 0) - (b ?? 0)));
  });

  test("take a changed last line", () => {
    port.receive(patch(1, { output: { set: [{ ...(lines(999, 1000)[0] as OutputRow), text: "done" }] } }));
    expect(output().at(999)?.text).toBe("done");
    expect(output().total).toBe(1000);
  });

  test("do not trust the rows before a gap", () => {
    port.receive(patch(1, { output: { set: lines(1500, 1600) as OutputRow[], total: 1600 } }));
    expect(output().total).toBe(1600);
    expect(output().at(999)).toBeUndefined();
    expect(output().at(1599)?.text).toBe("line 1599");
    expect(output().tail(300)).toHaveLength(100);
  });

  test("forget old pages, never the newest", () => {
    for (let n = 0; n < 400; n++) {
      const version = n + 1;
      const from = 1000 + n * 100;
      port.receive(patch(version, { output: { set: lines(from, from + 100) as OutputRow[], total: from + 100 } }));
    }
    expect(output().total).toBe(41_000);
    expect(output().loaded().length).toBeLessThanOrEqual(30_000);
    expect(output().tail(100)).toHaveLength(100);
    expect(output().at(800)).toBeUndefined();
  });
});

describe("pages of a query", () => {
  const failed = { table: "tasks", status: "failed", search: null } as const;

  test("are asked for once, and asked again when they are old", () => {
    const rows = store.pages.query(failed);
    store.pages.want(rows, 0, 20, 1000);
    env.pass(100);
    store.pages.want(rows, 0, 20, 1000);
    env.pass(100);
    expect(port.sent).toHaveLength(1);
    const { id } = port.sent[0] as { id: string };
    port.receive({ kind: "page", id, table: "tasks", offset: 0, total: 1, rows: [task("x", { status: "failed" })] });
    expect(rows.total).toBe(1);
    expect((rows.at(0) as TaskRow).status).toBe("failed");
    env.pass(1500);
    store.pages.want(rows, 0, 20, 1000);
    env.pass(100);
    expect(port.sent).toHaveLength(2);
  });

  test("that answer another page's question are left alone", () => {
    const rows = store.pages.query(failed);
    port.receive({ kind: "page", id: "theirs", table: "tasks", offset: 0, total: 1, rows: [task("x")] });
    expect(rows.total).toBe(0);
  });

  test("are the same rows for the same question", () => {
    expect(store.pages.query(failed)).toBe(store.pages.query({ ...failed }));
  });
});

describe("painting", () => {
  test("is called for once a frame, however many messages come", () => {
    let painted = 0;
    store.watch(() => painted++);
    port.receive(snapshot(1, picture()));
    for (let version = 1; version < 50; version++) port.receive(patch(version, { head: { events: version } }));
    expect(painted).toBe(0);
    env.pass(16);
    expect(painted).toBe(1);
    expect(store.head?.events).toBe(49);
  });

  test("is not called for after the watcher stopped", () => {
    let painted = 0;
    const stop = store.watch(() => painted++);
    stop();
    port.receive(snapshot(1, picture()));
    env.pass(100);
    expect(painted).toBe(0);
  });
});

test("a disposed store hears nothing and has no timer", () => {
  store.open();
  port.receive(snapshot(1, picture()));
  store.dispose();
  port.receive(snapshot(2, picture({ events: 5 })));
  expect(store.head?.events).toBe(0);
  expect(env.waiting).toBe(0);
});
