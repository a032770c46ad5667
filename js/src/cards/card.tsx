/** One question of the run, and its answer. */

import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import type { CheckpointRow, OptionRow } from "../kernel/contract";
import { isLastMinute, isLate } from "../page/attention";
import { useNow, useStore, useUniqueId } from "../panel/context";
import { useWhole } from "../panel/detail";
import type { Drafts } from "../state/drafts";
import { isLocked, type Submission } from "../state/submissions";
import { Button } from "../ui/button";
import { clock, dollars } from "../ui/format";
import { Icon, type IconName } from "../ui/icons";
import { memo } from "../ui/memo";
import { ClosedCard, ClosedCardActions } from "./closed-card";
import { Context, Description, lacking } from "./context";
import { decided } from "./decided";
import { Form, useForm } from "./form";
import { Modifications, parseModifications } from "./modifications";
import { Options } from "./options";
import { Requests } from "./requests";
import { Timer, Urgent } from "./timer";
import { answerState, type Tone } from "./wording";

export interface CardProps {
  row: CheckpointRow;
  submission: Submission | undefined;
  /** The reason why no answer can be sent; null when one can. */
  blocked: string | null;
  /** The kernel has said nothing for some seconds. */
  silent: boolean;
  /** Removes the card. Set when the question has closed and only unsent text is left. */
  dismiss: (() => void) | null;
  /** What stands at the end of its first line. */
  children?: ComponentChildren;
}

export const Card = memo(function Card(props: CardProps) {
  const { row: short, submission, blocked, silent, dismiss } = props;
  const { row, lacks } = useWhole("checkpoints", short);
  const store = useStore("drafts");
  const stranded = dismiss !== null;
  const replayed = Boolean(store.head?.replay);
  const expires = row.deadline !== null && !stranded;
  useNow(expires && store.attachment !== "recorded");
  const now = store.clocks.dueNow();
  const late = isLate(row, now);
  const locked = isLocked(row, submission) || late || blocked !== null;
  const editor = useEditor(row, store.drafts);
  const form = useForm(row, submission);
  const note = useUniqueId();
  const unlocked = store.submissions.unlocked(row.id);
  const idle = store.port.kernel() === "idle";
  const missing = lacks ? lacking(row) : null;
  // The option that was pressed while parts of the question are missing here: a second press sends it.
  const [warned, warn] = useState<string | null>(null);
  const unseen = missing !== null && !locked && warned !== null;
  const [seen, see] = useState(!row.requests);
  // Decisions on single actions: once one is made, they say all.
  const each = row.requests !== undefined && row.form !== undefined;
  const decisions = each ? decided(row, form.texts).decisions : null;
  const said = unseen
    ? {
        text: `Not sent: ${missing} not loaded. Press again to answer without having seen it.`,
        tone: "paused" as const,
      }
    : answerState({ row, submission, blocked, silent, idle, late, unlocked });
  const undecided = each && form.texts && decisions === null ? "Decide every call, then send." : "";
  const hint = seen || form.texts ? undecided : "Scroll to the last call to answer for all.";
  const words = said.text === "" ? { ...said, text: hint } : said;

  const answer = (option: OptionRow) => {
    if (locked || !seen) return;
    if (missing !== null && !option.destructive && warned !== option.id) {
      warn(option.id);
      return;
    }
    if (option.fills) {
      form.send(option.id);
      return;
    }
    const parsed = option.modifies ? editor.check() : { value: null, error: null };
    if (parsed.error !== null) return;
    store.answer(row, option.id, parsed.value);
  };

  const takesJson = row.free_text && !row.form;
  const send = () => {
    const { value, error } = editor.check();
    if (locked || error !== null || (store.drafts.feedback(row.id) === null && value === null)) return;
    if (form.texts === null) store.answer(row, "", value);
    else form.send("");
  };

  const asked = row.requests && !stranded && (
    <Requests row={row} requests={row.requests} form={form} locked={locked} missing={missing} see={see} />
  );
  // With its key: a person who types when the question closes keeps the field under the cursor.
  const values = row.form && !each && (!stranded || form.texts !== null) && (
    <Form key="form" row={row} fields={row.form} state={form} locked={locked || stranded} closed={stranded} />
  );

  return (
    // Once closed it is no question any more, yet the same card: a person who types keeps the box under the cursor.
    <div
      {...(stranded ? {} : { role: "group", "aria-label": row.title })}
      class={`rc-checkpoint${stranded ? " rc-stranded" : ""}`}
    >
      <div class="rc-checkpoint-head">
        <h3>{row.title}</h3>
        {row.type && <span class="rc-chip">{row.type.replaceAll("_", " ")}</span>}
        {expires && <Timer row={row} store={store} />}
        {props.children}
      </div>
      {stranded ? (
        <div class="rc-checkpoint-body">
          <ClosedCard row={row} submission={submission} />
          {values}
        </div>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling area must be reachable by keyboard
        <div class="rc-checkpoint-body" tabIndex={0}>
          {!locked && <Urgent row={row} last={isLastMinute(row, now)} />}
          <Meta row={row} />
          {row.description && <Description text={row.description} />}
          {missing !== null && (
            <p class="rc-missing rc-tone-failed">
              <Icon name="warn" />
              <span>
                Not here: {missing}. {store.reachable ? "Loading…" : "It was not saved with the notebook."}
              </span>
            </p>
          )}
          {asked}
          {values}
          <Context row={row} lacks={lacks} />
        </div>
      )}
      <div class="rc-checkpoint-foot">
        <textarea
          class="rc-input rc-feedback"
          aria-label={stranded ? "Feedback that did not count" : "Feedback"}
          placeholder={row.free_text ? "Your answer" : "Feedback (optional)"}
          rows={1}
          value={editor.feedback}
          readOnly={locked}
          hidden={replayed || each || (stranded && editor.feedback === "")}
          onInput={(event) => editor.write(event.currentTarget.value)}
        />
        {!replayed &&
          (stranded
            ? editor.hasWritten
            : takesJson || row.options.some((option) => option.modifies && !option.fills)) && (
            <Modifications
              value={editor.modifications}
              open={editor.isOpen}
              error={editor.error}
              locked={locked}
              toggle={editor.toggle}
              change={editor.change}
              box={editor.box}
              name={takesJson ? "Answer as JSON" : "Modifications (JSON)"}
            />
          )}
        {stranded ? (
          <ClosedCardActions row={row} draft={store.drafts.of(row.id)} dismiss={dismiss} />
        ) : (
          <>
            {row.options_note && (
              <p class="rc-outcome rc-tone-paused">
                <Icon name="warn" />
                <span>{row.options_note}</span>
              </p>
            )}
            {row.free_text && !replayed && (
              <Send
                empty={editor.feedback.trim() === "" && !editor.hasWritten}
                locked={locked}
                note={note}
                send={send}
              />
            )}
            <Options
              row={
                each
                  ? { ...row, options: form.texts ? [] : row.options.filter(({ fills }) => !fills), options_total: 0 }
                  : row
              }
              chosen={submission?.option ?? row.answer ?? row.decision}
              locked={locked || !seen}
              note={note}
              press={answer}
            >
              {each && !replayed && (
                <Send
                  empty={decisions === null || missing !== null}
                  locked={locked}
                  note={note}
                  send={() => form.send("")}
                >
                  Send
                </Send>
              )}
            </Options>
            <p class={`rc-outcome rc-tone-${words.tone}`} id={note}>
              {words.text !== "" && SIGNS[words.tone] && <Icon name={SIGNS[words.tone] as IconName} />}
              <span>{words.text}</span>
              {submission?.phase === "stuck" && blocked === null && !late && (
                <Button class="rc-link-button" onClick={() => store.submissions.unlock(row.id)}>
                  Unlock the buttons
                </Button>
              )}
            </p>
          </>
        )}
      </div>
    </div>
  );
});

interface SendProps {
  empty: boolean;
  locked: boolean;
  note: string;
  send: () => void;
  children?: ComponentChildren;
}

/** Sends the text of an answer to a question without options. */
function Send({ empty, locked, note, send, children = "Send answer" }: SendProps) {
  return (
    <div class="rc-options">
      <Button
        class="rc-button rc-primary"
        aria-describedby={locked ? note : undefined}
        aria-disabled={locked || empty}
        onClick={send}
      >
        {children}
      </Button>
    </div>
  );
}

const SIGNS: Partial<Record<Tone, IconName>> = { running: "arc", paused: "warn", failed: "cross" };

/** The text typed into a card: kept by the store, for other views and for an answer to several questions. */
function useEditor(row: CheckpointRow, drafts: Drafts) {
  const draft = drafts.of(row.id);
  const [toggled, toggle] = useState<boolean | null>(null);
  const isOpen = toggled ?? draft.modifications !== null;
  const [error, setError] = useState<string | null>(null);
  const box = useRef<HTMLTextAreaElement>(null);
  const { template } = row.context;
  const shown = draft.modifications ?? template ?? "";
  return {
    feedback: draft.feedback,
    modifications: shown,
    hasWritten: draft.modifications !== null,
    isOpen,
    error,
    box,
    write: (feedback: string) => drafts.write(row, { feedback }),
    change: (modifications: string) => {
      drafts.write(row, { modifications });
      if (error !== null) setError(parseModifications(modifications).error);
    },
    toggle: () => toggle(!isOpen),
    /** Returns the modifications to send: the visible ones, or those written before the editor was closed. */
    check: () => {
      const { modifications } = drafts.of(row.id); // the newest text, also since the last paint
      const parsed = parseModifications(modifications ?? (isOpen ? shown : ""));
      setError(parsed.error);
      if (parsed.error !== null) {
        toggle(true);
        box.current?.focus();
      }
      return parsed;
    },
  };
}

const RISKY = /high|critical|severe|danger/i;

/** The task, the cost and the risk of a question. */
export function Stakes({ row }: { row: CheckpointRow }) {
  const { cost, risk } = row.context;
  const task = row.task_name ?? row.task;
  const tone = risk !== undefined && RISKY.test(risk) ? "rc-fact-risk rc-tone-failed" : "";
  return (
    <>
      {task && <span class="rc-clip">{task}</span>}
      {cost !== undefined && <span>cost {dollars(cost)}</span>}
      {risk !== undefined && (
        <span class={tone}>
          {tone && <Icon name="warn" />}
          risk: {risk}
        </span>
      )}
    </>
  );
}

function Meta({ row }: { row: CheckpointRow }) {
  return (
    <p class="rc-meta">
      <Stakes row={row} />
      {row.requested_at !== null && <span>asked at {clock(row.requested_at)}</span>}
    </p>
  );
}
