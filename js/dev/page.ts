/** The dev page: `?run=execution|tasks|cards|huge&at=0.4&clean&open=2&link=live|retrying|failed&theme=dark|light&width=800&still&replay=playing|paused|over`. */
import type { Head, LinkStatus } from "../src/kernel/contract";
import widget from "../src/widget";
import { cards } from "./cards";
import { execution } from "./execution";
import { checkpoint, FakeKernel, FakeModel, optionRow } from "./fake";
import { huge } from "./huge";
import { tasks } from "./tasks";

const ask = new URLSearchParams(location.search);
const model = new FakeModel();
const kernel = new FakeKernel(model, "A run");
const theme = ask.get("theme");
if (theme) document.body.dataset.jpThemeLight = String(theme !== "dark");
const host = document.querySelector<HTMLElement>("#host");
if (!host) throw new Error("the dev page has no #host");
if (ask.get("width")) host.style.width = `${ask.get("width")}px`;

const run = ask.get("run") ?? "execution";
const step =
  run === "huge"
    ? huge(kernel)
    : run === "tasks"
      ? tasks(kernel, Number(ask.get("open") ?? 1))
      : run === "cards"
        ? cards(kernel, ask.get("show"))
        : run === "none"
          ? () => {}
          : execution(kernel, Number(ask.get("at") ?? 0.4), ask.has("clean"));
const link = ask.get("link") as LinkStatus | null;
if (link === "retrying")
  kernel.setHead({ link, attempt: 3, retry_at: Date.now() + 9000, reason: "the server closed the connection (1006)" });
if (link === "failed") kernel.setHead({ link, reason: "the server refused the connection: HTTP 401; check token=" });
if (ask.has("alert"))
  kernel.setHead({
    alerts: [
      {
        level: "warning",
        text: "Provider claude-code is rate limited until 14:20, see https://status.example.com",
        at: Date.now(),
      },
    ],
  });
const replay = ask.get("replay");
if (replay) {
  const over = replay === "over";
  const position_s = over ? 744.2 : 261.4;
  const controls = { position_s, duration_s: 744.2, speed: 10, playing: replay === "playing", over };
  const replay_marks: Head["replay_marks"] = [
    [0, "phase"],
    [96, "phase"],
    [171, "error"],
    [174.7, "error"],
    [230, "question"],
    [330, "phase"],
    [512, "error"],
  ];
  kernel.setHead({ protocol: "replay", link: over ? "ended" : "live", replay: controls, replay_marks });
}
if (ask.has("recorded")) {
  model.set("picture", { version: 1, now: Date.now(), picture: kernel.picture() });
  model.kernel = () => {};
}
kernel.publish();

const { initialize, render } = widget();
const views = new AbortController();
initialize({ model });
render({ model, el: host, signal: views.signal });
if (!ask.has("recorded")) {
  if (!ask.has("still")) {
    setInterval(step, Number(ask.get("every") ?? 400));
    setInterval(() => kernel.publish(), 100);
  }
  setInterval(() => kernel.heartbeat(), 1000);
}
Object.assign(globalThis, { kernel, model, checkpoint, optionRow, close: () => views.abort() });
