/** The panel: header, questions, tabs. */
import { DecisionRegion } from "../cards/region";
import { TABS } from "../tabs/tabs";
import { TaskDrawer } from "../tabs/task-drawer";
import { Tabs } from "../ui/tabs";
import { UsageDrawer } from "../usage/drawer";
import { OpenTaskProvider, type Panel, PanelProvider, useStore } from "./context";
import { Frame, Handle } from "./frame";
import { Header } from "./header";
import { LiveRegion } from "./live-region";
import { Footer, Notices } from "./notices";
import { Player } from "./player";
import { Keys } from "./shortcuts";
import { useNewView, useView, ViewProvider } from "./view";

export function App({ panel }: { panel: Panel }) {
  return (
    <PanelProvider value={panel}>
      <Contents fill={panel.fill} />
    </PanelProvider>
  );
}

function Contents({ fill }: { fill: boolean }) {
  const view = useNewView();
  const short = view.compact && !view.maximised;
  return (
    <ViewProvider value={view}>
      <OpenTaskProvider value={view.openTask}>
        <Frame>
          <Header />
          {!short && <Player />}
          {!short && <DecisionRegion />}
          {!short && <Views />}
          {!short && view.drawer === "keys" && <Keys close={() => view.openDrawer(null)} />}
          {!short && view.drawer === "usage" && <UsageDrawer close={() => view.openDrawer(null)} />}
          {!short && <Notices />}
          {!short && <Footer />}
          {!short && !view.maximised && !fill && <Handle />}
          <LiveRegion />
        </Frame>
      </OpenTaskProvider>
    </ViewProvider>
  );
}

function Views() {
  const store = useStore("head", "decisions", "agents");
  const { tab = "Overview", change, openDrawer } = useView();
  if (!store.head) return <div class="rc-views" />;
  const here = TABS.filter((each) => each.has?.(store) ?? true);
  const shown = here.find(({ name }) => name === tab) ?? here[0];
  const View = shown?.view;
  const select = (name: string) => {
    change({ tab: name });
    openDrawer(null); // it would hide what was chosen
  };
  const tabs = here.map((each) => ({ ...each, badge: each.badge(store), tone: each.tone?.(store) }));
  return (
    <div class="rc-views">
      <Tabs label="Views" tabs={tabs} selected={shown?.name ?? tab} select={select}>
        {View && <View open={select} />}
      </Tabs>
      <TaskDrawer />
    </div>
  );
}
