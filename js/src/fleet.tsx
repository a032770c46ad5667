/** The anywidget module of several runs: a table of them, and their open questions. */
import { render as draw } from "preact";
import { Board, type BoardModel } from "./fleet/board";
import { style } from "./page/styling";
import looks from "./styles/fleet.css";

interface Mount {
  model: BoardModel;
  el: HTMLElement;
  signal?: AbortSignal;
}

function render({ model, el, signal }: Mount): () => void {
  el.classList.add("runconsole");
  style(el, looks);
  draw(<Board model={model} />, el);
  const end = () => draw(null, el);
  signal?.addEventListener("abort", end);
  return end;
}

export default { render };
