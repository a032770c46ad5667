/** The count in front of the page's title. */

/**
 * Writes `(n) ` before the page's title, whatever it is. The host may change the title at any time: the count is then
 * written again, and at the end exactly our part is removed.
 */
export class TitleBadge {
  #prefix = "";
  #observer: MutationObserver | null = null;

  show(count: number): void {
    const prefix = count > 0 ? `(${count}) ` : "";
    if (prefix === this.#prefix) return;
    const own = this.#bare();
    this.#prefix = prefix;
    document.title = prefix + own;
    if (prefix) this.#watch();
    else this.#stop();
  }

  /** The title without our part of it. */
  #bare(): string {
    const title = document.title;
    if (!this.#prefix) return title;
    // The browser trims titles: before an empty one our space is gone.
    if (title === this.#prefix.trimEnd()) return "";
    return title.startsWith(this.#prefix) ? title.slice(this.#prefix.length) : title;
  }

  #watch(): void {
    if (this.#observer) return;
    this.#observer = new MutationObserver(() => {
      const wanted = this.#prefix + this.#bare();
      if (document.title !== wanted.trim()) document.title = wanted;
    });
    // The host may change the text, or put another title element in place of the old.
    this.#observer.observe(document.head, { childList: true, subtree: true, characterData: true });
  }

  #stop(): void {
    this.#observer?.disconnect();
    this.#observer = null;
  }
}
