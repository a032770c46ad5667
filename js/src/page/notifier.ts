/** System notifications, opt-in. */
import type { Cancel } from "./env";

/** `denied`: the browser or the person refused; `unsupported`: the browser has none. */
export type Notifying = "on" | "off" | "denied" | "unsupported";

const STORED = "runconsole.notify";
const LONGEST = 200;

export class Notifier {
  #wanted = recall();
  #asking = false;
  readonly #watchers = new Set<() => void>();
  readonly #shown = new Map<string, Notification>();

  get state(): Notifying {
    // Without a secure context every request is refused silently.
    if (typeof Notification === "undefined" || globalThis.isSecureContext === false) return "unsupported";
    if (Notification.permission === "denied") return "denied";
    return this.#wanted && Notification.permission === "granted" ? "on" : "off";
  }

  /** Calls back when the state changed; returns a function that ends this. */
  watch(callback: () => void): Cancel {
    this.#watchers.add(callback);
    return () => this.#watchers.delete(callback);
  }

  /** On or off; only a person's press may call it, as it may ask for the permission. */
  async toggle(): Promise<void> {
    const { state } = this;
    if (this.#asking || state === "denied" || state === "unsupported") return;
    this.#asking = true;
    try {
      this.#wanted = state === "off" && (await isAllowed());
    } finally {
      this.#asking = false;
    }
    remember(this.#wanted);
    for (const callback of [...this.#watchers]) callback();
  }

  /** Shows a notification of plain text; a click on it brings the page to the front. */
  show(key: string, title: string, body: string): void {
    if (this.state !== "on") return;
    try {
      const notification = new Notification(shortened(title), { body: shortened(body), tag: `runconsole ${key}` });
      notification.onclick = () => {
        window.focus();
        this.withdraw(key);
      };
      this.#shown.set(key, notification);
    } catch {
      // Some browsers have notifications only for service workers: the badge in the title has to do.
    }
  }

  /** Withdraws a notification that is no longer needed. */
  withdraw(key: string): void {
    this.#shown.get(key)?.close();
    this.#shown.delete(key);
  }
}

async function isAllowed(): Promise<boolean> {
  if (Notification.permission !== "default") return Notification.permission === "granted";
  try {
    return (await Notification.requestPermission()) === "granted";
  } catch {
    return false;
  }
}

function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}

/* The storage may be full, or closed to this page. */

function recall(): boolean {
  try {
    return sessionStorage.getItem(STORED) === "on";
  } catch {
    return false;
  }
}

function remember(wanted: boolean): void {
  try {
    if (wanted) sessionStorage.setItem(STORED, "on");
    else sessionStorage.removeItem(STORED);
  } catch {
    // Then it holds until the page is reloaded.
  }
}
