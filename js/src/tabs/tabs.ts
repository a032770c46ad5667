/** The tabs of the panel, in order. */
import type { FunctionComponent } from "preact";
import type { Store } from "../state/store";
import { Artifacts } from "./artifacts";
import { Decisions } from "./decisions";
import { Errors } from "./errors";
import { Output } from "./output";
import { Overview } from "./overview";
import { Tasks } from "./tasks";
import { Timeline } from "./timeline";

export interface TabView {
  name: string;
  /** The number on the tab; 0 shows none. */
  badge: (store: Store) => number;
  tone?: string;
  /** `open`: shows another tab, by its name. */
  view: FunctionComponent<{ open: (name: string) => void }>;
}

const none = () => 0;

export const TABS: readonly TabView[] = [
  { name: "Overview", badge: none, view: Overview },
  { name: "Tasks", badge: ({ tables }) => tables.tasks.total, view: Tasks },
  { name: "Timeline", badge: none, view: Timeline },
  { name: "Output", badge: none, view: Output },
  { name: "Artifacts", badge: ({ tables }) => tables.artifacts.total, view: Artifacts },
  { name: "Errors", badge: ({ tables }) => tables.errors.total, tone: "failed", view: Errors },
  { name: "Decisions", badge: ({ tables }) => tables.decisions.total, view: Decisions },
];
