/** The name of a task, which leads to its drawer. */
import { useOpenTask } from "../panel/context";
import { Button } from "../ui/button";

export interface TaskLinkProps {
  /** The id of the task, as rows have it. */
  id: string;
  name?: string | null | undefined;
  /** In tables and lines it is no tab stop: there are too many. The table of tasks leads to all of them by keyboard. */
  inTable?: boolean;
  class?: string;
}

export function TaskLink({ id, name, inTable = false, class: kind = "" }: TaskLinkProps) {
  const openTask = useOpenTask();
  return (
    <Button
      class={`rc-task-link rc-clip ${kind}`}
      title={name ? `${name} (${id})` : id}
      tabIndex={inTable ? -1 : undefined}
      onClick={() => openTask(id)}
    >
      {name || id}
    </Button>
  );
}
