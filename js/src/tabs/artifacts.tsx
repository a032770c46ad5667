/** The artifacts of the run: the newest first, or by folder or task. */

import { useState } from "preact/hooks";
import type { ArtifactGroupRow, ArtifactRow } from "../kernel/contract";
import { useStore } from "../panel/context";
import { Button } from "../ui/button";
import { CopyButton } from "../ui/copy";
import { moment, plural, size } from "../ui/format";
import { DataTable } from "../ui/table";
import { ARTIFACTS, FOLDERS, OWNERS } from "./columns";
import { useGroups, useMembers } from "./groups";
import { logSource } from "./row-sources";
import { Saved } from "./saved";
import { TaskLink } from "./task-link";

const ORDERS = ["newest", "folder", "task"] as const;
type Order = (typeof ORDERS)[number];

export function Artifacts() {
  const store = useStore("artifacts", "pages", "attachment");
  const [order, setOrder] = useState<Order>("newest");
  const source = logSource(store, "artifacts");
  return (
    <>
      {source.rows.total > 0 && (
        <div class="rc-toolbar">
          <div class="rc-chips" role="group" aria-label="Order">
            {ORDERS.map((name) => (
              <Button key={name} class="rc-chip-button" aria-pressed={order === name} onClick={() => setOrder(name)}>
                {name === "newest" ? name : `by ${name}`}
              </Button>
            ))}
          </div>
          <span class="rc-note rc-toolbar-note">{plural(store.tables.artifacts.total, "file")}</span>
        </div>
      )}
      <Saved absent={source.absent} here={source.rows.total} />
      {order === "newest" ? (
        <DataTable
          name="Artifacts"
          fills
          empty="No artifacts yet."
          columns={ARTIFACTS}
          rows={source.rows}
          reversed
          detail={fileDetail}
          label={fileLabel}
          onSeen={source.want}
        />
      ) : (
        <Groups key={order} by={order} />
      )}
    </>
  );
}

function Groups({ by }: { by: "folder" | "task" }) {
  const store = useStore("artifacts", "tasks", "pages", "attachment");
  const { rows, want } = useGroups(store, "artifacts", by, groupsOf);
  return (
    <DataTable
      name="Artifacts"
      fills
      columns={by === "folder" ? FOLDERS : OWNERS}
      rows={rows}
      detail={by === "folder" ? folderDetail : ownerDetail}
      label={groupLabel}
      onSeen={want}
    />
  );
}

function ownerOf(row: ArtifactRow, by: string | null): string {
  return by === "task" ? (row.task ?? "") : row.path.slice(0, Math.max(0, row.path.lastIndexOf("/")));
}

/** The groups of files that are all here, as the kernel makes them. */
function groupsOf(rows: ArtifactRow[], by: string | null): ArtifactGroupRow[] {
  const groups = new Map<string, ArtifactGroupRow>();
  for (const row of rows) {
    const name = ownerOf(row, by);
    const group = groups.get(name) ?? { key: name, name, task_name: null, count: 0, size: null, at: null };
    groups.set(name, {
      ...group,
      count: group.count + 1,
      size: row.size === null ? group.size : (group.size ?? 0) + row.size,
      at: Math.max(group.at ?? 0, row.at ?? 0) || null,
    });
  }
  return [...groups.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

const fileLabel = (row: ArtifactRow) => row.path;
const groupLabel = (row: ArtifactGroupRow) => row.task_name || row.name || "files of none";
const fileDetail = (row: ArtifactRow) => <FileDetail row={row} />;
const folderDetail = (row: ArtifactGroupRow) => <Members group={row} by="folder" />;
const ownerDetail = (row: ArtifactGroupRow) => <Members group={row} by="task" />;

function FileDetail({ row }: { row: ArtifactRow }) {
  const facts = [row.action, row.type, row.language, row.size === null ? null : size(row.size), moment(row.at)];
  return (
    <>
      <p class="rc-prose">
        <code>{row.path}</code>
      </p>
      <p class="rc-note">
        {facts.filter(Boolean).join(" · ")}
        {row.task && (
          <>
            {" · "}
            <TaskLink id={row.task} />
          </>
        )}
      </p>
      <div class="rc-commands">
        <CopyButton text={() => row.path} title="Copy the path" />
      </div>
    </>
  );
}

function Members({ group, by }: { group: ArtifactGroupRow; by: "folder" | "task" }) {
  const members = useMembers("artifacts", group.key, by, group.count, (row) => ownerOf(row, by) === group.key);
  const hidden = group.count - members.length;
  return (
    <>
      <ul class="rc-rows" aria-label="Files">
        {members.map((row) => (
          <li key={row.key}>
            <code class="rc-path" title={row.path}>
              <bdi>{by === "folder" ? row.path.slice(row.path.lastIndexOf("/") + 1) : row.path}</bdi>
            </code>
            {by === "folder" && row.task && <TaskLink id={row.task} />}
            {row.action && <span class="rc-note">{row.action}</span>}
            {row.size !== null && <span>{size(row.size)}</span>}
          </li>
        ))}
      </ul>
      {hidden > 0 && <p class="rc-note">and {plural(hidden, "older file")}</p>}
      <div class="rc-commands">
        <CopyButton text={() => members.map(({ path }) => path).join("\n")} title="Copy these paths" />
      </div>
    </>
  );
}
