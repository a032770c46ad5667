/** One question of the run, and its answer. */
import type { ComponentChildren, TargetedEvent } from "preact";
import { useEffect, useState } from "preact/hooks";
import { isLastMinute, isLate } from "../attention";
import { clock, countdown, dollars } from "../format";
import type { CheckpointOption, CheckpointRow } from "../model";
import { isLocked, type Press } from "../presses";
import type { Store } from "../store";
import { Context } from "./checkpoint-context";
import { useNow, usePanel, useUniqueId } from "./context";
import { Icon, Text } from "./marks";
import { memo } from "./memo";
import { Tick } from "./selection";

export interface CheckpointProps {
  row: CheckpointRow;
  press: Press | undefined;
  /** Why nothing can be sent at all; null when it can. */
  blocked: string | null;
  /** The kernel has said nothing for some seconds. */
  silent: boolean;
  /** Shows the box to tick: there is more than one question. */
  selectable: boolean;
  ticked: boolean;
  tick: (id: string, on: boolean) => void;
  /** Where the feedback is kept for an answer to several questions at once. */
  drafts: Map<string, string>;
}

export const Checkpoint = memo(function Checkpoint(props: CheckpointProps) {
  const { row, press, blocked, silent, drafts } = props;
  const { store } = usePanel();
  const expires = row.deadline !== null;
  useNow(expires);
  const late = isLate(row, store.serverNow());
  const locked = isLocked(row, press) || late || blocked !== null;
  const [feedback, setFeedback] = useState("");
  const [modifications, setModifications] = useState("");
  const [invalid, setInvalid] = useState<string | null>(null);
  const note = useUniqueId();

  const id = row.id;
  useEffect(() => () => void drafts.delete(id), [drafts, id]);

  const write = (text: string) => {
    setFeedback(text);
    drafts.set(id, text);
  };
  const answer = (option: CheckpointOption) => {
    if (locked) return;
    const parsed = parseModifications(option.modifies ? modifications : "");
    setInvalid(parsed.error);
    if (parsed.error === null) store.presses.press(row, option.id, feedback.trim() || null, parsed.value);
  };

  return (
    <div role="group" aria-label={row.title} class="rc-checkpoint">
      <div class="rc-checkpoint-head">
        <div class="rc-checkpoint-title">
          {props.selectable && <Tick row={row} ticked={props.ticked} locked={locked} tick={props.tick} />}
          <h4>{row.title}</h4>
        </div>
        {row.type && <span class="rc-chip">{row.type.replaceAll("_", " ")}</span>}
        {expires && <Timer row={row} store={store} />}
      </div>
      {!locked && <Urgent row={row} last={isLastMinute(row, store.serverNow())} />}
      <Meta row={row} />
      {row.description && (
        <p class="rc-description">
          <Text>{row.description}</Text>
        </p>
      )}
      <Context row={row} />
      <textarea
        class="rc-input rc-feedback"
        aria-label="Feedback"
        placeholder="Feedback (optional)"
        rows={1}
        value={feedback}
        readOnly={locked}
        onInput={(event) => write(event.currentTarget.value)}
      />
      {row.options.some((option) => option.modifies) && (
        <Modifications value={modifications} error={invalid} locked={locked} change={setModifications} />
      )}
      <div class="rc-options">
        {ordered(row.options).map((option) => (
          <OptionButton
            key={option.id}
            option={option}
            chosen={press?.option === option.id || row.decision === option.id}
            locked={locked}
            note={note}
            press={() => answer(option)}
          />
        ))}
      </div>
      <p class="rc-outcome" id={note}>
        <Outcome
          row={row}
          press={press}
          blocked={blocked}
          silent={silent}
          late={late}
          unlock={() => store.presses.unlock(row.id)}
        />
      </p>
    </div>
  );
});

function Timer({ row, store }: { row: CheckpointRow; store: Store }) {
  if (row.deadline === null) return null;
  const now = store.serverNow();
  const left = (row.deadline - now) / 1000;
  const label = optionLabel(row, row.default_action);
  const tone = left <= 0 ? "cancelled" : left < 30 || row.reminded ? "failed" : left < 120 ? "paused" : "quiet";
  return (
    <span class={`rc-timer rc-tone-${tone}`} role="timer" title={`until ${clock(row.deadline)}`}>
      <Icon name="clock" />
      {left <= 0 ? "time is up" : label ? `auto: ${label} in ${countdown(left)}` : `${countdown(left)} left`}
    </span>
  );
}

/** Why this question cannot wait, in words. */
function Urgent({ row, last }: { row: CheckpointRow; last: boolean }) {
  const label = optionLabel(row, row.default_action);
  return (
    <>
      {last && (
        <p class="rc-urgent rc-tone-failed">
          <Icon name="clock" />
          Last minute{label && `: then the run goes on with ${label}`}
        </p>
      )}
      {row.reminded && (
        <p class="rc-urgent rc-tone-paused">
          <Icon name="bell" />
          Reminder: the run still waits for your answer
        </p>
      )}
    </>
  );
}

function Meta({ row }: { row: CheckpointRow }) {
  const { cost, risk } = row.context;
  const facts: ComponentChildren[] = [];
  const task = row.task_name ?? row.task;
  if (task) facts.push(<span key="task">{task}</span>);
  if (cost !== undefined) facts.push(<span key="cost">cost {dollars(cost)}</span>);
  if (risk !== undefined) facts.push(<span key="risk">risk: {risk}</span>);
  if (row.requested_at !== null) facts.push(<span key="at">asked at {clock(row.requested_at)}</span>);
  return facts.length > 0 ? <p class="rc-meta">{facts}</p> : null;
}

interface OptionProps {
  option: CheckpointOption;
  chosen: boolean;
  locked: boolean;
  /** The id of the line that says why it is locked. */
  note: string;
  press: () => void;
}

function OptionButton({ option, chosen, locked, note, press }: OptionProps) {
  const id = useUniqueId();
  const kind = option.destructive ? "rc-destructive" : option.is_default ? "rc-primary" : "";
  return (
    <>
      {/* aria-disabled, not disabled: a locked button keeps the keyboard's focus and can be asked why. */}
      <button
        type="button"
        class={`rc-button ${kind} ${chosen && locked ? "rc-chosen" : ""}`}
        aria-label={option.label}
        aria-describedby={locked ? note : option.description ? id : undefined}
        aria-disabled={locked}
        title={option.description ?? undefined}
        onClick={press}
      >
        {option.label}
        {option.is_default && (
          <span class="rc-default" aria-hidden="true">
            default
          </span>
        )}
      </button>
      {option.description && (
        <span id={id} hidden>
          {option.description}
        </span>
      )}
    </>
  );
}

interface ModificationsProps {
  value: string;
  error: string | null;
  locked: boolean;
  change: (value: string) => void;
}

function Modifications({ value, error, locked, change }: ModificationsProps) {
  const id = useUniqueId();
  const input = (event: TargetedEvent<HTMLTextAreaElement>) => change(event.currentTarget.value);
  return (
    <details class="rc-fold" open={error !== null || undefined}>
      <summary>Modifications (JSON)</summary>
      <textarea
        class="rc-input rc-code"
        aria-label="Modifications (JSON)"
        aria-invalid={error !== null}
        aria-describedby={error === null ? undefined : id}
        rows={4}
        spellcheck={false}
        readOnly={locked}
        value={value}
        onInput={input}
      />
      {error !== null && (
        <p class="rc-tone-failed" id={id}>
          {error}
        </p>
      )}
    </details>
  );
}

interface OutcomeProps {
  row: CheckpointRow;
  press: Press | undefined;
  blocked: string | null;
  silent: boolean;
  late: boolean;
  unlock: () => void;
}

/** Where the answer stands, in words. */
function Outcome({ row, press, blocked, silent, late, unlock }: OutcomeProps) {
  const text = outcomeText({ row, press, blocked, silent, late });
  return (
    <>
      {text}
      {press?.phase === "stuck" && blocked === null && (
        <button type="button" class="rc-link-button" onClick={unlock}>
          Unlock the buttons
        </button>
      )}
    </>
  );
}

function outcomeText({ row, press, blocked, silent, late }: Omit<OutcomeProps, "unlock">): string {
  if (blocked !== null) return blocked;
  if (press) {
    const label = optionLabel(row, press.option);
    if (press.phase === "sending" || press.phase === "taken") return `${label}: sending…`;
    if (press.phase === "refused") return `refused: ${press.error ?? "the kernel did not say why"}`;
    const queued = "kernel busy: your answer is queued in this browser";
    return silent ? `${queued}; if the kernel was restarted, run the cell again` : queued;
  }
  const label = optionLabel(row, row.decision) ?? "answer";
  switch (row.delivery) {
    case "queued":
      return `${label}: sending… waiting for the connection`;
    case "sent":
      return `${label}: sending… waiting for the server`;
    case "acknowledged":
    case "applied":
      return `${label}: ${row.delivery}`;
    case "refused":
      return `refused: ${row.error ?? "the server did not say why"}`;
    case "unknown":
      return `unknown: ${row.error ?? "the connection was lost before the server answered."} You may answer again.`;
    default:
      return late || row.status === "expired" ? lateText(row) : (row.error ?? "");
  }
}

function lateText(row: CheckpointRow): string {
  const label = optionLabel(row, row.default_action);
  return label ? `too late: the time is up, the run goes on with ${label}` : "too late: the time for an answer is up";
}

export function optionLabel(row: CheckpointRow, id: string | null): string | null {
  return row.options.find((option) => option.id === id)?.label ?? id;
}

/** What ends things comes last, wherever the server put it. */
function ordered(options: readonly CheckpointOption[]): CheckpointOption[] {
  return [...options].sort((a, b) => Number(a.destructive) - Number(b.destructive));
}

export function parseModifications(text: string): { value: unknown; error: string | null } {
  if (text.trim() === "") return { value: null, error: null };
  try {
    return { value: JSON.parse(text), error: null };
  } catch (error) {
    return { value: null, error: `This is not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}
