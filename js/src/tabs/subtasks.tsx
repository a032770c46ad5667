/** The subtasks of a task. */

import type { SubtaskRow, TaskRow } from "../kernel/contract";
import { Clip } from "../ui/clip";
import { duration, plural } from "../ui/format";
import { StatusMark } from "../ui/icons";
import { Progress } from "./columns";

export function Subtasks({ row }: { row: TaskRow }) {
  const hidden = row.subtasks_total - row.subtasks.length;
  return (
    <>
      <ul class="rc-subtasks" aria-label={`Subtasks of ${row.name || row.id}`}>
        {row.subtasks.map((subtask) => (
          <Subtask key={subtask.id} subtask={subtask} />
        ))}
      </ul>
      {hidden > 0 && <p class="rc-note">and {plural(hidden, "more subtask")}</p>}
    </>
  );
}

function Subtask({ subtask }: { subtask: SubtaskRow }) {
  const name = subtask.name || subtask.id;
  return (
    <li title={subtask.description ?? undefined}>
      <StatusMark status={subtask.status} quiet />
      <Clip>{name}</Clip>
      <Progress name={name} row={subtask} />
      <span class="rc-right">{subtask.duration_s === null ? "" : duration(subtask.duration_s)}</span>
    </li>
  );
}
