/** The panel: header, questions, tabs. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { DecisionRegion } from "../cards/region";
import { isOver } from "../kernel/link";
import { TABS } from "../tabs/tabs";
import { Tabs } from "../ui/tabs";
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
  // No animation in a picture of the past.
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
  const View = (TABS.find(({ name }) => name === selected) ?? TABS[0])?.view;
  const tabs = TABS.map((tab) => ({ ...tab, badge: tab.badge(store) }));
  return (
    <Tabs tabs={tabs} selected={selected} select={setSelected}>
      {View && <View open={setSelected} />}
    </Tabs>
  );
}
