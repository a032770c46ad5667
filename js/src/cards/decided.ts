/** The decisions on the actions of a question, from the fields of its form. */

import type { CheckpointRow, FormField } from "../kernel/contract";
import type { FormTexts } from "../state/drafts";
import { type Filled, rawOf, valuesOf } from "./values";

/** The fields of the decision on an action, as far as they belong to the chosen one. */
export function fieldsOf(form: readonly FormField[], texts: FormTexts | null, at: number): FormField[] {
  const own = form.filter(({ key }) => key.startsWith(`${at}.`));
  const chosen = own[0] && rawOf(own[0], texts);
  return own
    .filter(({ path: [part] }) =>
      part === "message" ? chosen === '"reject"' || chosen === '"respond"' : part !== "args" || chosen === '"edit"',
    )
    .map((field) =>
      field.path[0] === "message" && chosen === '"respond"' ? { ...field, label: "Response", required: true } : field,
    );
}

export interface Decided extends Filled {
  /** One for each action; null until all are decided. */
  decisions: Record<string, unknown>[] | null;
  /** The option that they are. */
  option: string;
}

/** The decisions as they are typed now. */
export function decided({ requests = [], form = [], options }: CheckpointRow, texts: FormTexts | null): Decided {
  const filled = requests.map((_, at) => valuesOf(fieldsOf(form, texts, at), texts, true));
  const decisions = filled.map(({ values }) => values);
  const [only, ...others] = new Set(decisions.map(({ type }) => type));
  return {
    values: {},
    problems: Object.assign({}, ...filled.map(({ problems }) => problems)),
    decisions: decisions.every(({ type }) => type !== undefined) ? decisions : null,
    option: others.length === 0 && options.some(({ id }) => id === only) ? String(only) : "decide",
  };
}
