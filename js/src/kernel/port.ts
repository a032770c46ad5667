/** The port to the kernel: nothing else touches the widget model. */
import { canReplaceReports } from "../page/report";
import type { Durable, FromKernel, ToKernel } from "./contract";
import { markedMessage } from "./marks";

/**
 * The host's report of the kernel. `fresh`: it has just been started (again), so that it knows no widget of this page;
 * `unknown`: the host does not report it (only JupyterLab and Notebook do).
 */
export type KernelState = "idle" | "busy" | "fresh" | "dead" | "unknown";

/** The part of JupyterLab's kernel connection with its state. */
interface HostKernel {
  id?: string;
  status?: unknown;
  statusChanged?: { connect(slot: () => void): unknown; disconnect(slot: () => void): unknown };
}

/** The part of anywidget's model that the panel uses. */
export interface WidgetModel {
  readonly widget_manager?: { readonly kernel?: HostKernel | null } | null;
  get(name: "picture" | "height" | "compact" | "place"): unknown;
  on(name: string, callback: (value?: unknown) => void): void;
  off(name: string, callback: (value?: unknown) => void): void;
  send(content: unknown): void;
}

/** The panel's end of the wire to the kernel. */
export interface Port {
  /** Sends a message; false when there is no kernel to send it to. */
  send(message: ToKernel): boolean;
  /** Calls back with each message of the kernel; returns a function that ends this. */
  onMessage(callback: (message: FromKernel) => void): () => void;
  /** The durable picture, or null while the kernel has not written one. */
  picture(): Durable | null;
  /** Calls back when the durable picture changed; returns a function that ends this. */
  onPicture(callback: () => void): () => void;
  /** Height of the panel in CSS pixels. */
  height(): number;
  /** One line is shown, unless a person opens the panel. */
  compact(): boolean;
  /** Calls back when height or compactness changed; returns a function that ends this. */
  onSize(callback: () => void): () => void;
  /** The name of the panel's place in outputs that hold only a report; empty for none. */
  place(): string;
  /** True if the page can put the panel in place of its report. */
  replaces(): boolean;
  kernel(): KernelState;
  /** The host's id of the kernel. */
  kernelId(): string | undefined;
  /** Calls back when the host's report of the kernel changed; returns a function that ends this. */
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
const DEFAULT_HEIGHT = 600;

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
      // A model whose kernel was restarted stays on the page and throws "Cannot send": the panel shows that.
      return false;
    }
  }

  onMessage(callback: (message: FromKernel) => void): () => void {
    return this.#listen(MESSAGE, (content) => {
      if (isMessage(content)) callback(markedMessage(content));
    });
  }

  picture(): Durable | null {
    const value = this.#model.get("picture") as Durable | Record<string, never> | null | undefined;
    return value && "picture" in value ? markedMessage(value as Durable) : null;
  }

  onPicture(callback: () => void): () => void {
    return this.#listen("change:picture", () => callback());
  }

  height(): number {
    const value = this.#model.get("height");
    return typeof value === "number" && value > 0 ? value : DEFAULT_HEIGHT;
  }

  compact(): boolean {
    return this.#model.get("compact") === true;
  }

  onSize(callback: () => void): () => void {
    const stops = ["change:height", "change:compact"].map((name) => this.#listen(name, () => callback()));
    return () => {
      for (const stop of stops) stop();
    };
  }

  place(): string {
    const value = this.#model.get("place");
    return typeof value === "string" ? value : "";
  }

  replaces(): boolean {
    return canReplaceReports();
  }

  kernel(): KernelState {
    return KERNEL[String(this.#model.widget_manager?.kernel?.status)] ?? "unknown";
  }

  kernelId(): string | undefined {
    return this.#model.widget_manager?.kernel?.id;
  }

  onKernel(callback: () => void): () => void {
    const changed = this.#model.widget_manager?.kernel?.statusChanged;
    // Bound to no other object: a signal knows a slot by its identity.
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
