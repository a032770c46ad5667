/** The open questions of several runs, the nearest deadline first. */
import { useState } from "preact/hooks";
import type { CheckpointRow, FleetPicture, FleetRow, OptionRow, QuestionRow } from "../kernel/contract";
import { Button } from "../ui/button";
import { countdown, dollars, ticking } from "../ui/format";
import { Icon } from "../ui/icons";
import { TwiceButton } from "../ui/twice";
import type { Sent } from "./board";

interface Asked {
  now: number;
  opened: string;
  open: (run: string) => void;
  answer: (key: string, run: string, checkpoint: string, option: string, feedback: string | null) => void;
}

/** Characters of a question that is judged among others. */
const SHORT = 600;
const URGENT_S = 60;

export function Questions({
  picture,
  sent,
  ...asked
}: Asked & { picture: FleetPicture; sent: ReadonlyMap<string, Sent> }) {
  const runs = new Map(picture.runs.map((run) => [run.key, run]));
  const rows = picture.questions.filter(
    ({ row }) => row.status === "pending" || row.status === "sending" || row.status === "unknown",
  );
  const closed = picture.questions.filter((each) => !rows.includes(each));
  return (
    <div class="rc-fleet-questions" role="region" aria-label="Questions">
      {rows.map((each) => (
        <Question key={keyOf(each)} asked={each} run={runs.get(each.run)} sent={sent.get(keyOf(each))} {...asked} />
      ))}
      {picture.waiting > rows.length && <p class="rc-note">and {picture.waiting - rows.length} more, due later</p>}
      {closed.map((each) => (
        <p key={keyOf(each)} class="rc-fleet-closed">
          <b>{each.row.title}</b> {outcome(each.row)} <span class="rc-note">{runs.get(each.run)?.name}</span>
        </p>
      ))}
      {picture.waiting === 0 && closed.length === 0 && <p class="rc-empty">No run waits for you.</p>}
    </div>
  );
}

const keyOf = ({ run, row }: QuestionRow) => `${run}/${row.key}/${row.requested_at ?? ""}`;

function outcome(row: CheckpointRow): string {
  const option = row.options.find(({ id }) => id === row.decision)?.label ?? row.decision;
  const by = { you: " by you", policy: " by your policy", timeout: " by the deadline" }[String(row.decided_by)] ?? "";
  return option ? `was answered: ${option}${by}` : row.error ? `is closed: ${row.error}` : "is closed";
}

function Question({
  asked,
  run,
  sent,
  now,
  opened,
  open,
  answer,
}: Asked & { asked: QuestionRow; run: FleetRow | undefined; sent: Sent | undefined }) {
  const { row } = asked;
  const [words, setWords] = useState("");
  const due = row.deadline === null ? null : (row.deadline - (run?.clock_offset ?? 0) - now) / 1000;
  const age = row.requested_at === null ? null : (now + (run?.clock_offset ?? 0) - row.requested_at) / 1000;
  const waits = row.status === "sending" || (sent !== undefined && !sent.done);
  const error = sent?.error ?? row.error;
  const { facts, isAll } = factsOf(row);
  const isWhole = isAll && isShort(row);
  const press = (option: OptionRow) => answer(keyOf(asked), asked.run, row.key, option.id, words.trim() || null);
  const isOpen = opened === asked.run;
  const standard = row.options.find(({ id, is_default }) => is_default || id === row.default_action)?.label;
  return (
    <article class="rc-fleet-question" aria-label={row.title}>
      <div class="rc-fleet-line">
        <h3>{row.title}</h3>
        {due !== null && (
          <span class={`rc-timer rc-tone-${due < URGENT_S ? "failed" : "quiet"}`} role="timer">
            <Icon name="clock" />
            {due <= 0 ? "time is up" : `${standard ? `${standard} in ` : ""}${countdown(due)}`}
          </span>
        )}
      </div>
      <p class="rc-note">
        {[run?.name, age === null ? null : `asked ${ticking(age)} ago`, ...facts].filter(Boolean).join(" · ")}
      </p>
      {row.description && isWhole && <p class="rc-fleet-text">{row.description}</p>}
      <div class="rc-fleet-answers">
        {isWhole && row.free_text && (
          <input
            class="rc-input"
            aria-label="Your answer"
            placeholder="Your answer"
            value={words}
            onInput={(event) => setWords(event.currentTarget.value)}
          />
        )}
        {isWhole &&
          row.options.map((option) => (
            <Answer key={option.id} option={option} waits={waits} press={() => press(option)} />
          ))}
        {isWhole && row.free_text && (
          <Button
            class="rc-button rc-small rc-primary"
            aria-disabled={waits || !words.trim()}
            onClick={() => words.trim() && !waits && answer(keyOf(asked), asked.run, row.key, "", words.trim())}
          >
            Send
          </Button>
        )}
        <Button
          class={`rc-button rc-small${isWhole || isOpen ? "" : " rc-primary"}`}
          aria-expanded={isOpen}
          onClick={() => open(asked.run)}
        >
          {isOpen ? "Close the run" : isWhole ? "Open the run" : "Read and answer"}
        </Button>
        {waits && <span class="rc-note">sending …</span>}
      </div>
      {error && (
        <p class="rc-fleet-text rc-tone-failed" role="alert">
          {error}
        </p>
      )}
    </article>
  );
}

function Answer({ option, waits, press }: { option: OptionRow; waits: boolean; press: () => void }) {
  const { label, description, is_default, destructive } = option;
  const kind = destructive ? " rc-destructive" : is_default ? " rc-primary" : "";
  return (
    <TwiceButton
      class={`rc-button rc-small${kind}`}
      label={label}
      asks={option.asks_twice === true}
      locked={waits}
      act={press}
      title={description ?? undefined}
    />
  );
}

/** True if the row has all there is to read and to fill in. */
function isShort(row: CheckpointRow): boolean {
  const more = row.form ?? row.requests ?? row.options_note;
  const fills = row.options.some((option) => option.modifies || option.fills);
  const isAll = row.options.length === (row.options_total ?? row.options.length);
  const answers = row.options.length > 0 || row.free_text === true;
  return !more && !fills && isAll && answers && !row.cut?.length && (row.description ?? "").length <= SHORT;
}

/** The facts of a context in short words; `isAll` is false for one that has more. */
function factsOf(row: CheckpointRow): { facts: string[]; isAll: boolean } {
  const { risk, cost, other, ...rest } = row.context;
  const isShortOther = !other || other.length <= SHORT;
  const facts = [
    risk ? `risk ${risk}` : "",
    cost === undefined || cost === null ? "" : `cost ${dollars(cost)}`,
    other && isShortOther ? other.replace(/\s+/g, " ") : "",
  ].filter(Boolean);
  const more = Object.values(rest).some((part) => (Array.isArray(part) ? part.length > 0 : part));
  return { facts, isAll: !more && isShortOther };
}
