/** The keys of the panel: they act while the focus is in it, and not in a field that takes text or in a form. */
import { TABS } from "../tabs/tabs";
import { Drawer } from "../ui/drawer";
import type { View } from "./view";

export const KEYS: readonly (readonly [key: string, says: string])[] = [
  ["/", "Search in the shown tab"],
  [`1 – ${TABS.length}`, "Show a tab"],
  ["j, k", "Go to the next or the previous row of a table"],
  ["Enter", "Open the row, the bar or the question"],
  ["a", "Open the question that is due first"],
  ["[, ]", "Go to the previous or the next mark of a recording"],
  ["m", "Cover the whole page, and come back"],
  ["Escape", "Close what is open"],
  ["?", "Show these keys"],
];

/** Does what a key stands for; true if it stands for anything. */
export function act(event: KeyboardEvent, root: HTMLElement, view: View): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || takesText(event.target)) return false;
  const tab = /^[1-9]$/.test(event.key) ? TABS[Number(event.key) - 1] : undefined;
  if (tab) {
    view.change({ tab: tab.name });
    view.openDrawer(null);
    return true;
  }
  switch (event.key) {
    case "/":
      return focusOn(root.querySelector<HTMLInputElement>("input[type=search]"));
    case "a":
      return press(root.querySelector<HTMLElement>(".rc-question-title[aria-expanded=false]"));
    case "[":
      return press(root.querySelector<HTMLElement>(".rc-to-back"));
    case "]":
      return press(root.querySelector<HTMLElement>(".rc-to-chevron"));
    case "m":
      view.maximise(!view.maximised);
      return true;
    case "?":
      view.openDrawer(view.drawer === "keys" ? null : "keys");
      return true;
    default:
      return false;
  }
}

function takesText(target: EventTarget | null): boolean {
  // In a form no key is the panel's: a person who fills it in types on, from field to box to field.
  const fields = "input:not([type=checkbox], [type=range]), textarea, select, .rc-form";
  return target instanceof Element && target.closest(fields) !== null;
}

function focusOn(field: HTMLInputElement | null): boolean {
  field?.focus();
  field?.select();
  return field !== null;
}

function press(button: HTMLElement | null): boolean {
  button?.click();
  return button !== null;
}

export function Keys({ close }: { close: () => void }) {
  return (
    <Drawer name="Keys" head={<h3 class="rc-sheet-title">Keys</h3>} close={close}>
      <dl class="rc-keys">
        {KEYS.map(([key, says]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{says}</dd>
          </div>
        ))}
      </dl>
    </Drawer>
  );
}
