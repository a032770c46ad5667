/** What the ports of pages without a notebook have in common. */
import type { Durable, FromKernel, ToKernel } from "../kernel/contract";
import type { KernelState, Port } from "../kernel/port";
import type { Cancel } from "../page/env";

const LEAST_HEIGHT = 480;
/** The room of the page beside the panel. */
const BESIDE = 72;

export abstract class PagePort implements Port {
  readonly #callbacks = new Set<(message: FromKernel) => void>();

  abstract send(message: ToKernel): boolean;

  onMessage(callback: (message: FromKernel) => void): Cancel {
    this.#callbacks.add(callback);
    return () => this.#callbacks.delete(callback);
  }

  protected emit(message: FromKernel): void {
    for (const callback of [...this.#callbacks]) callback(message);
  }

  picture(): Durable | null {
    return null;
  }

  onPicture(): Cancel {
    return () => {};
  }

  /** As much of the window as there is. */
  height(): number {
    return Math.max(LEAST_HEIGHT, globalThis.innerHeight - BESIDE);
  }

  compact(): boolean {
    return false;
  }

  onSize(callback: () => void): Cancel {
    addEventListener("resize", callback);
    return () => removeEventListener("resize", callback);
  }

  place(): string {
    return "";
  }

  replaces(): boolean {
    return false;
  }

  kernel(): KernelState {
    return "unknown";
  }

  kernelId(): undefined {}

  onKernel(): Cancel {
    return () => {};
  }
}
