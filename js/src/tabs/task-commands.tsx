/** Buttons of commands for a task, if the server takes such commands. */

import type { TaskRow, Verb } from "../kernel/contract";
import { usePanel, useStore } from "../panel/context";
import { type Command, verbsFor } from "../state/commands";
import { Text } from "../ui/icons";
import { TwiceButton } from "../ui/twice";

const LABELS: Record<Verb, string> = { cancel: "Cancel task", pause: "Pause", resume: "Resume", retry: "Retry" };
/** Destructive commands, which need a second press. */
const DESTROYS: readonly Verb[] = ["cancel"];

export function TaskCommands({ row }: { row: TaskRow }) {
  const store = useStore("head", "commands", "attachment");
  const offered = store.head?.commands ?? [];
  const verbs = verbsFor(row.status).filter((verb) => offered.includes(verb));
  const given = store.commands.get(row.key);
  if (verbs.length === 0 && !given) return null;
  const locked = given?.phase === "sending" || !store.reachable;
  return (
    <div class="rc-commands">
      {verbs.map((verb) => (
        <CommandButton key={verb} verb={verb} locked={locked} give={() => store.commands.give(row.key, verb)} />
      ))}
      {given && <Outcome given={given} />}
    </div>
  );
}

function CommandButton({ verb, locked, give }: { verb: Verb; locked: boolean; give: () => void }) {
  const { store } = usePanel();
  const label = LABELS[verb];
  const destroys = DESTROYS.includes(verb);
  return (
    <TwiceButton
      class={`rc-button rc-small${destroys ? " rc-destructive" : ""}`}
      label={label}
      asks={destroys}
      locked={locked}
      act={give}
      tell={(words) => store.tell(words)}
    />
  );
}

function Outcome({ given }: { given: Command }) {
  const name = LABELS[given.verb];
  if (given.phase === "sending") return <span class="rc-note">{name}: sent, not answered yet</span>;
  if (given.phase === "taken") return <span class="rc-note">{name}: the server took it</span>;
  return (
    <span class="rc-note rc-tone-failed">
      {name}: <Text>{given.error ?? "refused"}</Text>
    </span>
  );
}
