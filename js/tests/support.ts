/** A panel on a fake model, by a clock that the test moves. */
import { getQueriesForElement, within } from "@testing-library/dom";
import { afterEach, beforeEach, expect, vi } from "vitest";
import { emptyPicture, FakeModel } from "../dev/fake";
import type { Changes, Durable, FromKernel, Picture, Row, ToKernel } from "../src/kernel/contract";
import type { KernelState, Port } from "../src/kernel/port";
import type { Env } from "../src/page/env";
import widget from "../src/widget";

export const NOW = Date.UTC(2026, 0, 2, 10, 0, 0);

const benches: Bench[] = [];

/** Time stands still but for `later`; the page of one test is not that of the next. */
export function fakeTime(): void {
  beforeEach(() => {
    vi.useFakeTimers({ now: NOW });
  });
  afterEach(async () => {
    for (const bench of benches.splice(0)) bench.close();
    // Effects that Preact has put off belong to this test, not to the next.
    await later();
    document.body.replaceChildren();
    Reflect.deleteProperty(document, "hidden");
    sessionStorage.clear();
    vi.useRealTimers();
    expect(document.title, "a view was left open").not.toMatch(/^\(\d/);
    document.title = "";
  });
}

/** Lets time pass; all that was to be painted is painted. */
export async function later(ms = 300): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

export class Bench {
  readonly model = new FakeModel();
  readonly el = document.createElement("div");
  readonly view = new AbortController();
  readonly life = new AbortController();
  readonly widget = widget();
  readonly get = getQueriesForElement(this.el);
  version = 0;

  constructor() {
    document.body.append(this.el);
    benches.push(this);
  }

  close(): void {
    this.view.abort();
    this.life.abort();
  }

  /** Opens the panel and shows a picture. */
  async show(picture?: Picture): Promise<this> {
    this.widget.initialize({ model: this.model, signal: this.life.signal });
    this.widget.render({ model: this.model, el: this.el, signal: this.view.signal });
    if (picture) this.snapshot(picture);
    await later();
    return this;
  }

  snapshot(picture: Picture): void {
    this.model.receive({ kind: "snapshot", version: this.version, now: Date.now(), picture });
  }

  async patch(changes: Changes): Promise<void> {
    const base = this.version++;
    this.model.receive({ kind: "patch", base, version: this.version, now: Date.now(), changes });
    await later();
  }

  async tab(name: string): Promise<void> {
    this.get.getByRole("tab", { name }).click();
    await later();
  }

  /** Opens the drawer with the list of the questions, or with one of them. */
  async ask(title?: string): Promise<void> {
    const line = within(this.get.getByRole("region", { name: "Questions" }));
    const name = title ?? /^[\d,]+ questions$/;
    const button = line.getByRole("button", { name });
    if (button.getAttribute("aria-expanded") !== "true") button.click();
    await later();
  }

  sent<K extends ToKernel["kind"]>(kind: K): Extract<ToKernel, { kind: K }>[] {
    return this.model.sent.filter((message): message is Extract<ToKernel, { kind: K }> => message.kind === kind);
  }
}

/** A picture of a live run, with changes to its head. */
export function picture(head: Partial<Picture["head"]> = {}, tables: Partial<Omit<Picture, "head">> = {}): Picture {
  const empty = emptyPicture("A run", NOW - 60_000);
  return { ...empty, ...tables, head: { ...empty.head, link: "live", status: "running", ...head } };
}

export function table<R extends Row>(rows: R[], total = rows.length): { total: number; rows: R[] } {
  return { total, rows };
}

/** A port that only remembers. */
export class FakePort implements Port {
  readonly sent: ToKernel[] = [];
  held: Durable | null = null;
  alive = true;
  host: KernelState = "unknown";
  #kernel: () => void = () => {};
  #message: (message: FromKernel) => void = () => {};
  #picture: () => void = () => {};

  send(message: ToKernel): boolean {
    if (this.alive) this.sent.push(message);
    return this.alive;
  }

  onMessage(callback: (message: FromKernel) => void): () => void {
    this.#message = callback;
    return () => {
      this.#message = () => {};
    };
  }

  picture() {
    return this.held;
  }

  onPicture(callback: () => void): () => void {
    this.#picture = callback;
    return () => {
      this.#picture = () => {};
    };
  }

  height(): number {
    return 320;
  }

  compact(): boolean {
    return false;
  }

  onSize(): () => void {
    return () => {};
  }

  place(): string {
    return "";
  }

  replaces(): boolean {
    return false;
  }

  kernel(): KernelState {
    return this.host;
  }

  kernelId(): undefined {}

  onKernel(callback: () => void): () => void {
    this.#kernel = callback;
    return () => {
      this.#kernel = () => {};
    };
  }

  /** The host says something of the kernel. */
  hostSays(state: KernelState): void {
    this.host = state;
    this.#kernel();
  }

  receive(message: FromKernel): void {
    this.#message(message);
  }

  hold(held: NonNullable<FakePort["held"]>): void {
    this.held = held;
    this.#picture();
  }

  kinds(): string[] {
    return this.sent.map(({ kind }) => kind);
  }
}

/** An environment whose clock and timers the test moves. */
export class FakeEnv implements Env {
  time = NOW;
  readonly storage = new Map<string, string>();
  #ids = 0;
  #timers: { at: number; work: () => void }[] = [];

  now(): number {
    return this.time;
  }

  later(ms: number, work: () => void): () => void {
    const timer = { at: this.time + ms, work };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  frame(work: () => void): () => void {
    return this.later(16, work);
  }

  id(): string {
    return `id-${this.#ids++}`;
  }

  kept(name: string): string | null {
    return this.storage.get(name) ?? null;
  }

  keep(name: string, text: string | null): void {
    if (text === null) this.storage.delete(name);
    else this.storage.set(name, text);
  }

  /** The number of waiting timers. */
  get waiting(): number {
    return this.#timers.length;
  }

  pass(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const next = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.time = Math.max(this.time, next.at);
      next.work();
    }
    this.time = end;
  }
}

/** Lays elements out: an observer of sizes calls back once. Ends with `vi.unstubAllGlobals`. */
export function layOut(): void {
  vi.stubGlobal(
    "ResizeObserver",
    class {
      constructor(readonly seen: () => void) {}
      observe = () => queueMicrotask(this.seen);
      disconnect = () => {};
    },
  );
}

export function lines(from: number, to: number): Row[] {
  return Array.from({ length: to - from }, (_, i) => ({
    key: String(from + i),
    task: "t",
    stream: "stdout",
    text: `line ${from + i}`,
    at: null,
  }));
}
