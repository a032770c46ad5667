/**
 * The contract with the kernel: every trait and message name; `picture.ts` has the shape of the picture.
 *
 * The kernel's side is `src/runconsole/view/` (the picture) and `src/runconsole/widget/` (traits, messages).
 */
import type { Verb } from "../state/commands";
import { markedMessage } from "./marks";
import type { Changes, Picture, Row, TableName, TaskStatus } from "./picture";

export * from "./picture";

/* ---- kernel → browser: custom messages (they reach every view of the run) ---- */

export type FromKernel =
  | { kind: "snapshot"; version: number; now: number; picture: Picture }
  /** Applies on top of `base`; if ours is another version: ask `{kind: "snapshot"}`. */
  | { kind: "patch"; base: number; version: number; now: number; changes: Changes }
  /**
   * While live, a second after the last patch and each second from then on: the newest version, so that a lost patch is
   * noticed. `now` is the kernel's clock.
   */
  | { kind: "heartbeat"; version: number; now: number; subshell: boolean }
  | { kind: "page"; id: string; table: TableName | "options"; offset: number; total: number; rows: Row[] }
  /** A very long row comes as JSON text in `parts`: `text` is one of them, `row` is null. */
  | {
      kind: "detail";
      id: string;
      table: TableName;
      key: string;
      row: Row | null;
      part?: number;
      parts?: number;
      text?: string;
    }
  /** The kernel took a request in hand (ok) or refused it at the door, with one sentence. */
  | { kind: "answer"; id: string; ok: boolean; error: string | null };

/* ---- browser → kernel: custom messages (`model.send`, never `set` + `save_changes`) ---- */

export type ToKernel =
  /** On render, and again after 0.4 s and 1.2 s: binds the widget to the subshell (see the heartbeat's `subshell`). */
  | { kind: "ready"; have: number }
  | { kind: "snapshot"; have: number }
  | {
      kind: "decide";
      /** A fresh id per press: crypto.randomUUID() or the like. The answer comes with the same id. */
      id: string;
      checkpoint: string;
      option: string;
      feedback: string | null;
      modifications: unknown;
      /** When it was pressed, by the kernel's clock: the message may have to wait for a busy kernel. */
      at: number;
    }
  | {
      kind: "page";
      id: string;
      table: TableName;
      offset: number;
      limit: number;
      status?: TaskStatus | null;
      search?: string | null;
    }
  /** Options of the question `of`, at most 50 from `offset` on. */
  | { kind: "page"; id: string; table: "options"; of: string; offset: number; limit: number; search: string }
  | { kind: "detail"; id: string; table: TableName; key: string; part?: number }
  /** "reconnect" tries again now while retrying or after failed; "stop" ends the console (not the run). */
  | { kind: "link"; id: string; action: "reconnect" | "stop" }
  /** What shall become of a task, by its row's key; answered when the server has answered. */
  | { kind: "command"; id: string; task: string; command: Verb }
  /** Plays a recording, or shows another run. `value`: seconds of "seek", the speed of "speed", the number of "run". */
  | { kind: "replay"; id: string; action: ReplayAction; value: number | null };

export type ReplayAction = "play" | "pause" | "seek" | "speed" | "run";

/* ---- traits (synced; under 50 KB together) ---- */

export interface Traits {
  /**
   * The durable picture: true at most one second ago while live (but for where a replay is that plays on), exact at the
   * end. What a second page, a reload or a saved notebook starts from. `version` is the picture's. Tables are shortened
   * (tasks 60, output 60, events 0 rows...).
   */
  picture: { version: number; now: number; picture: Picture } | Record<string, never>;
  /** Height of the scrolling areas in CSS pixels. */
  height: number;
}

/* ---- the door to the kernel: nothing else touches the widget model ---- */

/**
 * What the host says of the kernel. `fresh`: it has just been started (again), so that no widget of this page is known to it;
 * `unknown`: the host does not say (only JupyterLab and Notebook do).
 */
export type KernelState = "idle" | "busy" | "fresh" | "dead" | "unknown";

/** The part of JupyterLab's kernel connection that tells its state. */
interface HostKernel {
  status?: unknown;
  statusChanged?: { connect(slot: () => void): unknown; disconnect(slot: () => void): unknown };
}

/** What the panel uses of anywidget's model. */
export interface WidgetModel {
  readonly widget_manager?: { readonly kernel?: HostKernel | null } | null;
  get(name: keyof Traits): unknown;
  on(name: string, callback: (value?: unknown) => void): void;
  off(name: string, callback: (value?: unknown) => void): void;
  send(content: unknown): void;
}

/** The panel's end of the wire to the kernel. */
export interface Port {
  /** Sends a message; false when there is no kernel to send it to. */
  send(message: ToKernel): boolean;
  /** Calls back with each message of the kernel; returns how to stop. */
  onMessage(callback: (message: FromKernel) => void): () => void;
  /** The durable picture, or null while the kernel has not written one. */
  picture(): { version: number; now: number; picture: Picture } | null;
  /** Calls back when the durable picture changed; returns how to stop. */
  onPicture(callback: () => void): () => void;
  /** Height of the scrolling areas in CSS pixels. */
  height(): number;
  onHeight(callback: () => void): () => void;
  kernel(): KernelState;
  /** Calls back when the host says something new of the kernel; returns how to stop. */
  onKernel(callback: () => void): () => void;
}

const KERNEL: Readonly<Record<string, KernelState>> = {
  idle: "idle",
  busy: "busy",
  starting: "fresh",
  restarting: "fresh",
  autorestarting: "fresh",
  terminating: "dead",
  dead: "dead",
};
const MESSAGE = "msg:custom";
const DEFAULT_HEIGHT = 320;

export class ModelPort implements Port {
  readonly #model: WidgetModel;

  constructor(model: WidgetModel) {
    this.#model = model;
  }

  send(message: ToKernel): boolean {
    try {
      this.#model.send(message);
      return true;
    } catch {
      // A model whose kernel was restarted stays on the page and throws "Cannot send": the panel says so.
      return false;
    }
  }

  onMessage(callback: (message: FromKernel) => void): () => void {
    return this.#listen(MESSAGE, (content) => {
      if (isMessage(content)) callback(markedMessage(content));
    });
  }

  picture(): { version: number; now: number; picture: Picture } | null {
    const value = this.#model.get("picture") as Traits["picture"] | null | undefined;
    return value && "picture" in value
      ? markedMessage(value as { version: number; now: number; picture: Picture })
      : null;
  }

  onPicture(callback: () => void): () => void {
    return this.#listen("change:picture", () => callback());
  }

  height(): number {
    const value = this.#model.get("height");
    return typeof value === "number" && value > 0 ? value : DEFAULT_HEIGHT;
  }

  onHeight(callback: () => void): () => void {
    return this.#listen("change:height", () => callback());
  }

  kernel(): KernelState {
    return KERNEL[String(this.#model.widget_manager?.kernel?.status)] ?? "unknown";
  }

  onKernel(callback: () => void): () => void {
    const changed = this.#model.widget_manager?.kernel?.statusChanged;
    // Bound to nothing else: a signal knows a slot by its identity.
    const slot = () => callback();
    changed?.connect(slot);
    return () => void changed?.disconnect(slot);
  }

  #listen(name: string, callback: (value?: unknown) => void): () => void {
    this.#model.on(name, callback);
    return () => this.#model.off(name, callback);
  }
}

function isMessage(content: unknown): content is FromKernel {
  return typeof content === "object" && content !== null && typeof (content as { kind?: unknown }).kind === "string";
}
