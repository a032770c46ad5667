/** Buttons of commands for a task, if the server takes such commands. */

import { useEffect, useState } from "preact/hooks";
import type { TaskRow, Verb } from "../kernel/contract";
import { useStore } from "../panel/context";
import { type Command, verbsFor } from "../state/commands";
import { Button } from "../ui/button";
import { Text } from "../ui/icons";

const LABELS: Record<Verb, string> = { cancel: "Cancel task", pause: "Pause", resume: "Resume", retry: "Retry" };
/** Destructive commands, which need a second press. */
const DESTROYS: readonly Verb[] = ["cancel"];
const SURE_MS = 5000;

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
  const [sure, setSure] = useState(false);
  useEffect(() => {
    if (!sure) return undefined;
    const timer = setTimeout(() => setSure(false), SURE_MS);
    return () => clearTimeout(timer);
  }, [sure]);
  const asks = DESTROYS.includes(verb) && !sure;
  const press = () => {
    setSure(asks);
    if (!asks) give();
  };
  return (
    <Button
      class={`rc-button rc-small${DESTROYS.includes(verb) ? " rc-destructive" : ""}`}
      aria-disabled={locked}
      onClick={locked ? undefined : press}
    >
      {sure ? `${LABELS[verb]}: press again to confirm` : LABELS[verb]}
    </Button>
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
