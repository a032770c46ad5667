/** A run's panel in the host's side bar, where the page has one. */
import type { Port } from "../kernel/port";
import type { Store } from "../state/store";
import type { Cancel } from "./env";
import { openView } from "./mounting";
import { sideBar } from "./sidebar";

/** Offers the panel; undefined where there is no side bar. */
export function offerAside(store: Store, port: Port): { open: () => void; withdraw: Cancel } | undefined {
  const bar = sideBar();
  const key = port.place();
  if (!bar || !key) return undefined;
  const withdraw = bar.offer({
    key,
    kernel: port.kernelId(),
    title: () => store.head?.title || store.head?.url || "",
    dead: () => store.attachment === "gone",
    onChange: (callback) => store.listen(["head", "attachment"], callback),
    draw: (el) => openView(store, port, el, () => {}, { fill: true }).use(),
  });
  return { open: () => bar.open(key), withdraw };
}
