/** The panel: header, questions, tabs. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { DecisionRegion } from "../cards/region";
import { isOver } from "../kernel/picture";
import { Artifacts, Decisions, Errors } from "../tabs/lists";
import { Output } from "../tabs/output";
import { Overview } from "../tabs/overview";
import { Tasks } from "../tabs/tasks";
import { Timeline } from "../tabs/timeline";
import { type Tab, Tabs } from "../ui/tabs";
import { type Panel, PanelProvider, useStore } from "./context";
import { Header } from "./header";
import { LiveRegion } from "./live-region";
import { Footer, Notices } from "./notices";
import { Player } from "./player";

export function App({ panel }: { panel: Panel }) {
  return (
    <PanelProvider value={panel}>
      <Root>
        <Header />
        <Player />
        <Notices />
        <DecisionRegion />
        <Views />
        <Footer />
        <LiveRegion />
      </Root>
    </PanelProvider>
  );
}

function Root({ children }: { children: ComponentChildren }) {
  const { head, attachment } = useStore("head", "attachment");
  const over = head !== null && isOver(head.link);
  // Nothing spins in a picture of the past.
  const paused = head?.replay?.playing === false;
  const still = over || paused || attachment === "recorded" || attachment === "gone";
  return (
    // Keys typed here are for the panel, not for the notebook's shortcuts.
    <section
      class={`rc-root${still ? " rc-still" : ""}`}
      aria-label="Run console"
      data-lm-suppress-shortcuts="true"
      onKeyDown={(event) => event.stopPropagation()}
    >
      {children}
    </section>
  );
}

function Views() {
  const store = useStore("head", "decisions");
  const [selected, setSelected] = useState("Overview");
  if (!store.head) return null;
  const { artifacts, errors, decisions } = store.tables;
  const tabs: Tab[] = [
    { name: "Overview", badge: 0 },
    { name: "Tasks", badge: store.tables.tasks.total },
    { name: "Timeline", badge: 0 },
    { name: "Output", badge: 0 },
    { name: "Artifacts", badge: artifacts.total },
    { name: "Errors", badge: errors.total, tone: "failed" },
    { name: "Decisions", badge: decisions.total },
  ];
  return (
    <Tabs tabs={tabs} selected={selected} select={setSelected}>
      <View name={selected} open={setSelected} />
    </Tabs>
  );
}

function View({ name, open }: { name: string; open: (tab: string) => void }) {
  switch (name) {
    case "Tasks":
      return <Tasks />;
    case "Timeline":
      return <Timeline />;
    case "Output":
      return <Output />;
    case "Artifacts":
      return <Artifacts />;
    case "Errors":
      return <Errors />;
    case "Decisions":
      return <Decisions />;
    default:
      return <Overview open={open} />;
  }
}
