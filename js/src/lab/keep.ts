/** The open panels of the side bar, as the browser's tab keeps them beyond a reload of the page. */

const ENTRY = "runconsole.sidebar.1";
const MOST = 20;

interface Kept {
  /** The keys of the open panels; the newest is the last. */
  readonly keys: readonly string[];
  /** The key of the panel in sight; empty for none. */
  readonly shown: string;
}

export class Keep {
  #kept: Kept = read();

  has(key: string): boolean {
    return this.#kept.keys.includes(key);
  }

  isShown(key: string): boolean {
    return this.#kept.shown === key;
  }

  add(key: string): void {
    this.#write({ keys: [...this.#without(key), key].slice(-MOST) });
  }

  remove(key: string): void {
    this.#write({ keys: this.#without(key) });
  }

  show(key: string): void {
    this.#write({ shown: key });
  }

  #without(key: string): string[] {
    return this.#kept.keys.filter((other) => other !== key);
  }

  #write(change: Partial<Kept>): void {
    this.#kept = { ...this.#kept, ...change };
    try {
      sessionStorage.setItem(ENTRY, JSON.stringify(this.#kept));
    } catch {
      // A page without storage forgets the side bar when it is reloaded.
    }
  }
}

function read(): Kept {
  try {
    const { keys, shown } = JSON.parse(sessionStorage.getItem(ENTRY) ?? "{}");
    if (Array.isArray(keys)) return { keys: keys.map(String), shown: String(shown) };
  } catch {
    // Another program's entry, or no storage.
  }
  return { keys: [], shown: "" };
}
