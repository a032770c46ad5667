/** The form of a question: a field for each value that goes with an answer, and the reason beside one that does not fit. */

import type { ComponentChildren, RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { CheckpointRow, FormField } from "../kernel/contract";
import { useStore, useUniqueId } from "../panel/context";
import type { FormTexts } from "../state/drafts";
import type { Submission } from "../state/submissions";
import { Icon } from "../ui/icons";
import { decided } from "./decided";
import { FieldInput, isFewWords } from "./fields";
import { changed, homeOf, placed, type Raw, rawOf, valuesOf } from "./values";

const NO_REASONS: ReadonlyMap<string, string> = new Map();
/** So many options are named beside the form. */
const FEW = 3;

export interface FormState {
  /** The changed fields. */
  texts: FormTexts | null;
  /** The reasons for values that do not fit, by the keys of their fields. */
  reasons: ReadonlyMap<string, string>;
  box: RefObject<HTMLDivElement | null>;
  fill: (field: FormField, raw: Raw) => void;
  /** Sends the values with an option. Values that cannot be sent as they are typed go nowhere: their fields say why. */
  send: (option: string) => void;
}

/** The texts of a form are kept by the store, as the feedback is; the reasons are those of the last answer. */
export function useForm(row: CheckpointRow, submission: Submission | undefined): FormState {
  const store = useStore("drafts");
  const box = useRef<HTMLDivElement>(null);
  /** The last answer of this view: only its refusal moves the focus here. */
  const sent = useRef<string | null>(null);
  const fields = row.form ?? [];
  const refused = submission?.phase === "refused" ? submission : null;
  useLayoutEffect(() => {
    if (refused?.fields == null || refused.id !== sent.current) return;
    sent.current = null;
    focusOnWrong(box.current);
  }, [refused]);
  return {
    texts: store.drafts.of(row.id).form,
    reasons: refused?.fields ? placed(fields, refused.fields) : NO_REASONS,
    box,
    fill: (field, raw) => {
      store.drafts.write(row, { form: changed(field, store.drafts.of(row.id).form, raw) });
      store.submissions.edit(row.id, (key) => ["", field.key].includes(homeOf(fields, key)));
    },
    send: (option) => {
      const texts = store.drafts.of(row.id).form;
      const made = row.requests ? decided(row, texts) : { ...valuesOf(fields, texts), option, decisions: null };
      const wrong = { ...made.problems, ...unfinished(box.current) };
      if (Object.keys(wrong).length > 0) store.submissions.refuse(row, made.option, wrong);
      else store.answer(row, made.option, row.requests ? null : made.values, made.decisions);
      sent.current = store.submissions.get(row.id)?.id ?? null;
    },
  };
}

/** Dates of which a part is typed: the browser gives no text for them. */
function unfinished(form: HTMLElement | null): Record<string, string> {
  const inputs = [...(form?.querySelectorAll("input") ?? [])].filter((input) => input.validity.badInput);
  return Object.fromEntries(inputs.map((input) => [input.dataset.field ?? "", "the date is not complete"]));
}

/** Goes to the first wrong field, unless the person has gone elsewhere meanwhile. */
function focusOnWrong(form: HTMLElement | null): void {
  const active = (form?.getRootNode() as Document | ShadowRoot | undefined)?.activeElement;
  const card = form?.closest(".rc-checkpoint");
  const isHere = !active || active === document.body || active.contains(form) || card?.contains(active);
  const wrong = form?.querySelector<HTMLElement>('[aria-invalid="true"]');
  if (!isHere || !wrong) return;
  const input = wrong.matches("[role=radiogroup]")
    ? (wrong.querySelector<HTMLElement>("input:checked") ?? wrong.querySelector("input"))
    : wrong;
  input?.focus();
}

interface FormProps {
  row: CheckpointRow;
  fields: readonly FormField[];
  state: FormState;
  locked: boolean;
  /** The question has closed: the form only shows what was typed. */
  closed: boolean;
}

export function Form({ row, fields, state, locked, closed }: FormProps) {
  const id = useUniqueId();
  const whole = state.reasons.get("");
  const needed = fields.some(isMarked) ? "* needed" : "";
  const says = closed ? "" : [sentWith(row), needed].filter(Boolean).join(" · ");
  const shown = (field: FormField) => <Field key={field.key} field={field} state={state} locked={locked} />;
  return (
    <div ref={state.box} class="rc-form" role="group" aria-label="Values" aria-describedby={says ? id : undefined}>
      {says && (
        <p class="rc-form-says" id={id}>
          {says}
        </p>
      )}
      {groupsOf(fields).map(({ name, group, members }, index) =>
        name === null ? (
          members.map(shown)
        ) : (
          <fieldset key={`group ${index}`} class="rc-form-group">
            <legend>{group ?? name}</legend>
            {members.map(shown)}
          </fieldset>
        ),
      )}
      {whole !== undefined && <Reason>{whole}</Reason>}
    </div>
  );
}

/** The answers that the values go with, where not all take them. */
function sentWith({ options, options_total: total = options.length, free_text }: CheckpointRow): string {
  if (free_text) return "Sent with your answer once you change them";
  const filling = options.filter((option) => option.fills);
  if (filling.length === total || filling.length > FEW) return "";
  return `Sent with ${filling.map(({ label }) => label).join(" or ")}`;
}

interface Group {
  /** The property that holds the members; null for fields of the form itself. */
  name: string | null;
  group: string | null;
  members: FormField[];
}

function groupsOf(fields: readonly FormField[]): Group[] {
  const groups: Group[] = [];
  for (const field of fields) {
    const name = field.path.length > 1 ? (field.path[0] ?? null) : null;
    const last = groups.at(-1);
    if (last?.name === name) last.members.push(field);
    else groups.push({ name, group: field.group, members: [field] });
  }
  return groups;
}

/** A box to tick always has a value: nothing is marked as needed there. */
function isMarked({ required, kind }: FormField): boolean {
  return required && kind !== "boolean" && kind !== "json";
}

interface FieldProps {
  field: FormField;
  state: FormState;
  locked: boolean;
}

export function Field({ field, state, locked }: FieldProps) {
  const id = useUniqueId();
  const reason = state.reasons.get(field.key);
  const hint = [field.description, field.limits, field.kind === "datetime" ? "your local time" : ""]
    .filter(Boolean)
    .join(" · ");
  const described = [hint && `${id}-hint`, reason !== undefined && `${id}-reason`].filter(Boolean).join(" ");
  const input = (
    <FieldInput
      field={field}
      id={id}
      raw={rawOf(field, state.texts)}
      locked={locked}
      marks={{
        "aria-describedby": described || undefined,
        "aria-invalid": reason !== undefined || undefined,
        "aria-required": isMarked(field) || undefined,
      }}
      fill={(raw) => state.fill(field, raw)}
    />
  );
  const label = (
    <>
      {field.label}
      {isMarked(field) && (
        <span class="rc-needed" aria-hidden="true">
          *
        </span>
      )}
    </>
  );
  const says = hint && (
    <p class="rc-hint" id={`${id}-hint`}>
      {hint}
    </p>
  );
  const wrong = reason !== undefined && <Reason id={`${id}-reason`}>{reason}</Reason>;
  if (field.kind === "boolean") {
    return (
      <div class="rc-field rc-field-box">
        <span class="rc-check">
          {input}
          <label for={id}>{label}</label>
        </span>
        <div>
          {says}
          {wrong}
        </div>
      </div>
    );
  }
  const isWide = ["lines", "choices", "json"].includes(field.kind);
  const isGroup = field.kind === "choices" || isFewWords(field);
  return (
    <div class={`rc-field${isWide ? " rc-field-wide" : ""}`}>
      {isGroup ? (
        <span class="rc-field-name" id={`${id}-name`}>
          {label}
        </span>
      ) : (
        <label class="rc-field-name" for={id}>
          {label}
        </label>
      )}
      {says}
      {input}
      {wrong}
    </div>
  );
}

function Reason({ id, children }: { id?: string; children: ComponentChildren }) {
  return (
    <p class="rc-invalid rc-tone-failed" id={id}>
      <Icon name="warn" />
      <span>{children}</span>
    </p>
  );
}
