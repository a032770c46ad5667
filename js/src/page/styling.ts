/** The style sheet of the panel, in the document or the shadow root that shows it: one copy, however many panels. */

const NAME = "rc-style";

/** Puts the style sheet where it reaches `el`, now and wherever the host puts `el` later. */
export function style(el: HTMLElement, text: string): void {
  const put = () => {
    const root = el.getRootNode();
    const place = root instanceof ShadowRoot ? root : el.ownerDocument.head;
    const known = place.querySelectorAll(`style.${NAME}`);
    if ([...known].some((sheet) => sheet.textContent === text)) return;
    const sheet = el.ownerDocument.createElement("style");
    sheet.className = NAME;
    sheet.textContent = text;
    place.append(sheet);
  };
  put();
  // Most hosts draw a view before it is in the page; the observer reports that before the next paint.
  new ResizeObserver(put).observe(el);
}
