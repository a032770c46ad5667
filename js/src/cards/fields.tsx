/** The control of one value of a form, by its kind. A locked one keeps the focus and can be read. */

import type { FormField } from "../kernel/contract";
import type { Raw } from "./values";

/** So many choices, of so many characters in all, stand side by side; others are a list to open. */
const FEW = 4;
const SHORT = 40;

interface Marks {
  "aria-describedby": string | undefined;
  "aria-invalid": true | undefined;
  "aria-required": true | undefined;
}

interface FieldInputProps {
  field: FormField;
  id: string;
  raw: Raw;
  locked: boolean;
  marks: Marks;
  fill: (raw: Raw) => void;
}

export function FieldInput(props: FieldInputProps) {
  const { field, id, raw, locked, marks, fill } = props;
  switch (field.kind) {
    case "boolean":
      return (
        <input
          {...marks}
          {...locking(locked)}
          type="checkbox"
          class="rc-box"
          id={id}
          checked={raw === "true"}
          onChange={(event) => fill(String(event.currentTarget.checked))}
        />
      );
    case "choice":
      return isFewWords(field) ? <Radios {...props} /> : <Select {...props} />;
    case "choices":
      return <Boxes {...props} />;
    case "lines":
    case "json":
      return (
        <textarea
          {...marks}
          class={field.kind === "json" ? "rc-input rc-code" : "rc-input"}
          spellcheck={field.kind !== "json"}
          id={id}
          rows={3}
          value={String(raw)}
          readOnly={locked}
          onInput={(event) => fill(event.currentTarget.value)}
        />
      );
    default:
      return (
        <input
          {...marks}
          {...TYPES[field.kind]}
          class="rc-input"
          id={id}
          data-field={field.key}
          autocomplete="off"
          value={String(raw)}
          readOnly={locked}
          onInput={(event) => fill(event.currentTarget.value)}
        />
      );
  }
}

/** Numbers are texts: a box for numbers gives no text for what is no number, and a wheel over it changes it. */
const TYPES = {
  text: { type: "text" },
  number: { type: "text", inputmode: "decimal" },
  integer: { type: "text", inputmode: "numeric" },
  date: { type: "date", max: "9999-12-31" },
  datetime: { type: "datetime-local", max: "9999-12-31T23:59" },
} as const;

/** True if the choices stand side by side: few and short ones, of which one is always taken in the end. */
export function isFewWords({ kind, choices, required, start }: FormField): boolean {
  const length = choices.reduce((sum, { label }) => sum + label.length, 0);
  return kind === "choice" && (required || start !== null) && choices.length <= FEW && length <= SHORT;
}

/** Properties of a box that cannot be ticked now: `disabled` would lose the keyboard's focus. */
function locking(locked: boolean) {
  return locked ? { "aria-disabled": true, onClick: (event: Event) => event.preventDefault() } : {};
}

function Radios({ field, id, raw, locked, marks, fill }: FieldInputProps) {
  return (
    <div {...marks} role="radiogroup" aria-labelledby={`${id}-name`} class="rc-few" aria-disabled={locked || undefined}>
      {field.choices.map(({ label, value }) => (
        <label key={value} class="rc-check">
          <input
            {...locking(locked)}
            type="radio"
            class="rc-box"
            name={id}
            checked={raw === value}
            onChange={() => fill(value)}
          />
          {label}
        </label>
      ))}
    </div>
  );
}

function Boxes({ field, id, raw, locked, marks, fill }: FieldInputProps) {
  const ticked = typeof raw === "string" ? [] : raw;
  const isOn = (value: string, other: string, on: boolean) => (value === other ? on : ticked.includes(other));
  return (
    <fieldset aria-labelledby={`${id}-name`} aria-describedby={marks["aria-describedby"]} class="rc-few">
      {field.choices.map(({ label, value }) => (
        <label key={value} class="rc-check">
          <input
            {...locking(locked)}
            type="checkbox"
            class="rc-box"
            aria-invalid={marks["aria-invalid"]}
            checked={ticked.includes(value)}
            onChange={(event) => {
              const on = event.currentTarget.checked;
              fill(field.choices.map((choice) => choice.value).filter((other) => isOn(value, other, on)));
            }}
          />
          {label}
        </label>
      ))}
    </fieldset>
  );
}

function Select({ field, id, raw, locked, marks, fill }: FieldInputProps) {
  const open = (event: Event) => {
    if (locked && !(event instanceof KeyboardEvent && event.key === "Tab")) event.preventDefault();
  };
  return (
    <select
      {...marks}
      class="rc-input"
      id={id}
      aria-disabled={locked || undefined}
      value={String(raw)}
      onMouseDown={open}
      onKeyDown={open}
      onChange={(event) => fill(event.currentTarget.value)}
    >
      {(raw === "" || field.start === null) && <option value="">{field.required ? "Choose…" : "none"}</option>}
      {field.choices.map(({ label, value }) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
    </select>
  );
}
