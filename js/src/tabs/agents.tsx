/** The agents of the run and what they called, as a tree: task, agent, sub-agent, call of a tool. */

import { useCallback, useMemo, useRef, useState } from "preact/hooks";
import type { AgentRow } from "../kernel/contract";
import { useNow, useStore } from "../panel/context";
import { useFull } from "../panel/detail";
import type { PagedRows } from "../state/pages";
import type { RowSource } from "../state/tables";
import { Clip } from "../ui/clip";
import { count, dollars } from "../ui/format";
import { Section, StatusMark, Text } from "../ui/icons";
import { type Column, DataTable } from "../ui/table";
import { Took } from "./columns";
import { listOf, STALE_MS } from "./row-sources";
import { TaskLink } from "./task-link";

export function Agents() {
  const store = useStore("agents", "head", "pages", "attachment");
  const [search, setSearch] = useState("");
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const last = useRef<PagedRows | null>(null);
  const { rows: here, total } = store.tables.agents;
  const text = search.trim();
  const paged = store.reachable && here.length < total;
  // Pages are read again as time passes: their rows get no patches.
  useNow(paged && store.head?.link === "live");
  const found = useMemo(() => listOf(visible(here, closed, text.toLowerCase())), [here, closed, text]);
  const query = paged
    ? store.pages.query({ table: "agents", status: null, search: text || null, of: JSON.stringify([...closed]) })
    : null;
  // Until the answer is here, the rows stay as they are.
  if (query?.answered) last.current = query;
  const rows = query ? ((query.answered ? query : (last.current ?? query)) as unknown as RowSource<AgentRow>) : found;
  const toggle = useCallback(({ key }: AgentRow) => {
    setClosed((old) => {
      const fresh = new Set(old);
      if (!fresh.delete(key)) fresh.add(key);
      return fresh;
    });
  }, []);
  const tree = useCallback(
    (row: AgentRow) => ({ level: row.level, open: row.parts > 0 ? !closed.has(row.key) : null }),
    [closed],
  );
  return (
    <>
      <div class="rc-toolbar">
        <input
          type="search"
          class="rc-input"
          placeholder="Search agents and tool calls"
          aria-label="Search agents and tool calls"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
        <span class="rc-note rc-toolbar-note">
          {query && !query.answered ? "searching…" : text && `${count(rows.total)} of ${count(total)}`}
        </span>
      </div>
      <DataTable
        name="Agents"
        fills
        empty={text ? "Nothing is like that." : ""}
        columns={COLUMNS}
        rows={rows}
        tree={tree}
        toggle={toggle}
        detail={detail}
        label={label}
        onSeen={(from, to) => query && store.pages.want(query, from, to, STALE_MS)}
      />
    </>
  );
}

/** The rows that are not below closed ones; with a text those that have it, and what is above these. As in the kernel. */
function visible(rows: readonly AgentRow[], closed: ReadonlySet<string>, text: string): AgentRow[] {
  const kept = new Set<AgentRow>();
  const path: AgentRow[] = [];
  for (const row of rows) {
    path.length = row.level - 1;
    path.push(row);
    const words = [row.id, row.name, row.model, row.status, row.error, row.arguments, row.result];
    if (words.some((word) => word?.toLowerCase().includes(text))) for (const each of path) kept.add(each);
  }
  let limit = Number.POSITIVE_INFINITY;
  return rows.filter((row) => {
    if (row.level > limit) return false;
    limit = closed.has(row.key) ? row.level : Number.POSITIVE_INFINITY;
    return kept.has(row);
  });
}

const label = (row: AgentRow) => row.name;
const detail = (row: AgentRow) => <Detail row={row} />;

/** The arguments and the result of a call; the tokens of an agent. */
function Detail({ row }: { row: AgentRow }) {
  const { error, arguments: given, result, facts } = useFull("agents", row);
  return (
    <>
      {error && (
        <p class="rc-prose">
          <Text>{error}</Text>
        </p>
      )}
      <Value title="Arguments" text={given} />
      <Value title="Result" text={result} />
      <dl class="rc-detail-facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function Value({ title, text }: { title: string; text: string | null }) {
  if (text === null) return null;
  return (
    <Section title={title}>
      <pre class="rc-pre">{pretty(text)}</pre>
    </Section>
  );
}

/** JSON with a line for each value; any other text as it is. */
function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function Name({ row }: { row: AgentRow }) {
  const preview = row.error ?? row.arguments ?? row.result;
  return (
    <>
      <StatusMark status={row.status} quiet />
      {row.kind === "task" ? (
        <TaskLink id={row.id} name={row.name} inTable />
      ) : (
        <span class={`rc-clip ${row.kind === "call" ? "rc-call" : "rc-name"}`} title={`${row.kind} ${row.id}`}>
          {row.name}
        </span>
      )}
      {preview && <code class="rc-id rc-clip">{preview.split("\n", 1)[0]}</code>}
    </>
  );
}

const tokens = (value: number | null) => (value === null ? "" : count(value));
const cost = (value: number | null) => (value === null ? "" : dollars(value));

const COLUMNS: readonly Column<AgentRow>[] = [
  { heading: "Agent", width: [200, 3], narrow: { 620: [0, 1] }, cell: (row) => <Name row={row} /> },
  {
    heading: "Model",
    width: [70, 0.7],
    hideBelow: 620,
    second: true,
    has: (row) => row.model !== null,
    cell: (row) => <Clip title={row.model ?? undefined}>{row.model}</Clip>,
  },
  {
    heading: "Own tokens",
    width: 84,
    hideBelow: 860,
    right: true,
    has: (row) => row.own_tokens !== row.tokens,
    cell: (row) => row.own_tokens !== row.tokens && tokens(row.own_tokens),
  },
  {
    heading: "Tokens",
    width: 72,
    right: true,
    second: true,
    has: (row) => row.tokens !== null,
    cell: (row) =>
      row.tokens !== null && (
        <span title={row.facts.map((fact) => fact.join(" ")).join("\n")}>{count(row.tokens)}</span>
      ),
  },
  {
    heading: "Own cost",
    width: 76,
    hideBelow: 1160,
    right: true,
    has: (row) => row.own_cost_usd !== row.cost_usd,
    cell: (row) => row.own_cost_usd !== row.cost_usd && cost(row.own_cost_usd),
  },
  {
    heading: "Cost",
    width: 72,
    hideBelow: 470,
    right: true,
    second: true,
    has: (row) => row.cost_usd !== null,
    cell: (row) => cost(row.cost_usd),
  },
  { heading: "Time", width: 58, right: true, cell: (row) => <Took row={row} /> },
];
