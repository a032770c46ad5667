/** The tabs of the panel, in order. */
import type { FunctionComponent } from "preact";
import type { Store } from "../state/store";
import { Agents } from "./agents";
import { Artifacts } from "./artifacts";
import { Decisions } from "./decisions";
import { Errors } from "./errors";
import { Output } from "./output";
import { Overview } from "./overview";
import { Tasks } from "./tasks";
import { Timeline } from "./timeline";

export interface TabView {
  name: string;
  /** The number on the tab; 0 shows none, null is a tab that never has one. */
  badge: (store: Store) => number | null;
  tone?: (store: Store) => string | undefined;
  /** False for a run that has nothing to show there: it has no such tab. */
  has?: (store: Store) => boolean;
  /** `open`: shows another tab, by its name. */
  view: FunctionComponent<{ open: (name: string) => void }>;
}

const none = () => null;
const agents = ({ tables }: Store) => tables.agents.total;
// Errors that a run got over are no alarm. Pictures of older versions do not tell them apart.
const errorBadge = ({ head, tables }: Store) => head?.errors_fatal || tables.errors.total;
const errorTone = ({ head }: Store) => (head?.errors_fatal === 0 ? undefined : "failed");

export const TABS: readonly TabView[] = [
  { name: "Overview", badge: none, view: Overview },
  { name: "Tasks", badge: ({ tables }) => tables.tasks.total, view: Tasks },
  { name: "Timeline", badge: none, view: Timeline },
  { name: "Output", badge: none, view: Output },
  { name: "Artifacts", badge: ({ tables }) => tables.artifacts.total, view: Artifacts },
  { name: "Errors", badge: errorBadge, tone: errorTone, view: Errors },
  { name: "Decisions", badge: ({ tables }) => tables.decisions.total, view: Decisions },
  { name: "Agents", badge: agents, has: (store) => agents(store) > 0, view: Agents },
];
