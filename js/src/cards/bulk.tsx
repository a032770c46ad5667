/** Several questions approved with one press: those that a person has ticked, and no others. */

import { useCallback, useLayoutEffect, useState } from "preact/hooks";
import type { CheckpointRow, OptionRow } from "../kernel/contract";
import { canAnswer } from "../page/attention";
import { useNow, usePanel } from "../panel/context";
import { Button } from "../ui/button";
import { lacking } from "./context";

/** The names of an option that approves, the plainest first. */
const APPROVALS = "approve approved accept accepted yes allow confirm agree ok okay lgtm".split(" ");
const NOTHING: ReadonlySet<string> = new Set();

export interface Selection {
  /** The ids of ticked questions that can still be answered. */
  ticked: ReadonlySet<string>;
  tick: (id: string, on: boolean) => void;
  approve: () => void;
}

export function useSelection(open: readonly CheckpointRow[], blocked: string | null): Selection {
  const { store } = usePanel();
  const [chosen, setChosen] = useState(NOTHING);
  useNow(open.some((row) => chosen.has(row.id) && row.deadline !== null));

  const isTicked = (row: CheckpointRow) =>
    chosen.has(row.id) &&
    (store.details.isWhole("checkpoints", row) || lacking(row) === null) &&
    blocked === null &&
    canAnswer(row, store.submissions.get(row.id), store.clocks.dueNow());
  const ticked = new Set(open.filter(isTicked).map((row) => row.id));
  // A removed id stays removed: a card that opens again has to be ticked again.
  useLayoutEffect(() => {
    if (ticked.size !== chosen.size) setChosen(ticked);
  });

  const tick = useCallback((id: string, on: boolean) => {
    setChosen((before) => new Set(on ? [...before, id] : [...before].filter((other) => other !== id)));
  }, []);
  const approve = () => {
    // The store may be newer than the last paint.
    for (const row of store.checkpoints(true).filter(isTicked)) {
      const option = approvalOf(row);
      if (option) store.answer(row, option.id);
    }
  };
  return { ticked, tick, approve };
}

interface TickProps {
  row: CheckpointRow;
  ticked: boolean;
  /** Its question cannot be answered now. */
  locked: boolean;
  /** Parts of it are missing here. */
  lacks: boolean;
  tick: (id: string, on: boolean) => void;
}

export function Tick({ row, ticked, locked: isLocked, lacks, tick }: TickProps) {
  const locked = isLocked || lacks;
  const none = approvalOf(row) === null;
  const why = none
    ? "There is no plain option to approve: answer with the buttons of this question."
    : locked
      ? lacks
        ? "Not all of this question is loaded."
        : "This question cannot be answered now."
      : undefined;
  return (
    // aria-disabled where the state may pass: a disabled button loses the keyboard's focus.
    <input
      type="checkbox"
      class="rc-tick"
      aria-label={`Select ${row.title}`}
      aria-disabled={locked && !none ? true : undefined}
      disabled={none}
      title={why}
      checked={ticked}
      onClick={(event) => {
        if (locked || none) event.preventDefault();
        else tick(row.id, event.currentTarget.checked);
      }}
    />
  );
}

export function ApproveBar({ selection }: { selection: Selection }) {
  return (
    <div class="rc-bulk">
      <Button class="rc-button rc-primary" onClick={selection.approve}>
        Approve {selection.ticked.size} selected
      </Button>
      <span class="rc-note">each with its own feedback</span>
    </div>
  );
}

/** The option that approves and does nothing more (no values go with it), recognized by its id or else by its label. */
export function approvalOf(row: CheckpointRow): OptionRow | null {
  if (row.requests) return null; // each of its actions is to be seen first
  const plain = row.options.filter(
    (option) => !option.destructive && !option.asks_twice && !option.modifies && !option.fills,
  );
  for (const name of ["id", "label"] as const) {
    const words = plain.map((option) => option[name].toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ""));
    const word = APPROVALS.find((approval) => words.includes(approval));
    if (word) return plain[words.indexOf(word)] ?? null;
  }
  return null;
}
