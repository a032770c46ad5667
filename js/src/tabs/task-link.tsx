/** The name of a task, which leads to its drawer. */
import { useOpenTask } from "../panel/context";
import { Button } from "../ui/button";

/** `id`: as rows have it. In a table it is no tab stop: the row's own button leads to the same. */
export function TaskLink({ id, name, inTable = false }: { id: string; name?: string | null; inTable?: boolean }) {
  const openTask = useOpenTask();
  return (
    <Button
      class="rc-task-link rc-clip"
      title={name ? `${name} (${id})` : id}
      tabIndex={inTable ? -1 : undefined}
      onClick={() => openTask(id)}
    >
      {name || id}
    </Button>
  );
}
