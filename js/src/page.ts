/** The script of a run's HTML file: the panel in place of the report, from the data beside it. */
import { unpack } from "./onefile/data";
import { FilePort } from "./onefile/port";
import { browserEnv } from "./page/env";
import { openView } from "./page/mounting";
import { Store } from "./state/store";

async function show(): Promise<void> {
  const place = document.getElementById("run");
  const text = document.getElementById("data")?.textContent;
  if (!place || !text) return;
  const data = await unpack(text);
  const port = new FilePort(data, browserEnv);
  const note = document.createElement("p");
  note.className = "note";
  const made = new Date(data.made).toISOString().slice(0, 16).replace("T", " ");
  const parts = data.left_out.length > 0 ? ` It holds ${data.left_out.join(", ")}.` : "";
  note.textContent = `Recorded: this file was made on ${made} UTC.${parts}`;
  place.replaceChildren(note);
  openView(new Store(port, browserEnv), port, place, () => port.dispose()).use();
}

// Where it fails, the report stays; the console of the browser has the reason.
void show();
