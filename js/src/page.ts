/** The script of a page without a notebook: the panel of a run's file, or of a run that a program shows. */
import { unpack } from "./onefile/data";
import { FilePort } from "./onefile/port";
import { SocketPort } from "./onefile/socket";
import { browserEnv } from "./page/env";
import { openView } from "./page/mounting";
import { Store } from "./state/store";

const CLOSED =
  "The program that shows this run has ended, or does not answer. Start it again, and open its new address.";

async function show(): Promise<void> {
  const place = document.getElementById("run");
  if (!place) return;
  const text = document.getElementById("data")?.textContent?.trim();
  const note = document.createElement("p");
  note.className = "note";
  if (text) {
    const data = await unpack(text);
    const port = new FilePort(data, browserEnv);
    const made = new Date(data.made).toISOString().slice(0, 16).replace("T", " ");
    const parts = data.left_out.length > 0 ? ` It holds ${data.left_out.join(", ")}.` : "";
    note.textContent = `Recorded: this file was made on ${made} UTC.${parts}`;
    place.replaceChildren(note);
    openView(new Store(port, browserEnv), port, place, () => port.dispose()).use();
    return;
  }
  note.setAttribute("role", "status");
  const url = new URL("socket", location.href.replace(/^http/, "ws"));
  const port = new SocketPort(url.href, (open) => {
    note.textContent = open ? "" : CLOSED;
  });
  const store = new Store(port, browserEnv);
  store.listen(["head"], () => {
    if (store.head && !document.title.endsWith(store.head.title)) document.title = store.head.title;
  });
  place.replaceChildren(note);
  openView(store, port, place, () => {}).use();
}

// Where it fails, the report stays; the console of the browser has the reason.
void show();
