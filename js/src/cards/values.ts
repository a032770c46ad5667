/** The values of a form, from the texts that a person typed. The kernel judges them; nothing typed is changed to fit. */

import type { FormField } from "../kernel/contract";
import type { FormTexts } from "../state/drafts";
import type { FieldErrors } from "../state/submissions";
import { hasInexact, parseModifications } from "./modifications";

/** The text of a field: of a group of boxes, the ticked choices. */
export type Raw = string | readonly string[];

export interface Filled {
  /** By the paths of the fields. Fields without a value are left out. */
  values: Record<string, unknown>;
  /** Values that cannot be sent as they are typed, by the keys of their fields. */
  problems: FieldErrors;
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const DAY = /^\d{4}-\d\d-\d\d$/;
const LEFT_OUT = Symbol();

/** The texts of a form: typed ones, else the defaults. A kept choice that is offered no more is none. */
export function rawOf(field: FormField, texts: FormTexts | null): Raw {
  const typed = texts && Object.hasOwn(texts, field.key) ? texts[field.key] : undefined;
  const start = startOf(field);
  if (typed === undefined || Array.isArray(typed) !== Array.isArray(start)) return start;
  const isOffered = (value: string) => field.choices.some((choice) => choice.value === value);
  if (typeof typed !== "string") return typed.filter(isOffered);
  return field.kind === "choice" && typed !== "" && !isOffered(typed) ? start : typed;
}

/** The typed texts after a change; null when every field has its default again. */
export function changed(field: FormField, texts: FormTexts | null, raw: Raw): FormTexts | null {
  const others = Object.entries(texts ?? {}).filter(([key]) => key !== field.key);
  const entries = same(raw, startOf(field)) ? others : [...others, [field.key, raw] as const];
  return entries.length > 0 ? Object.fromEntries(entries) : null;
}

/** The values to send. `exact`: a text in place of a number is a problem here, since no schema judges it later. */
export function valuesOf(form: readonly FormField[], texts: FormTexts | null, exact = false): Filled {
  const values = new Map<string, unknown>();
  const problems: [string, string][] = [];
  for (const field of form) {
    const raw = rawOf(field, texts);
    const value = valueIn(field, raw);
    const inside = place(values, field);
    if (value === LEFT_OUT) continue;
    const { error } = field.kind === "json" ? parseModifications(String(raw)) : { error: null };
    if (error !== null) problems.push([field.key, error]);
    else if (exact && isNumber(field) && typeof value === "string") problems.push([field.key, "this is not a number"]);
    else if (hasInexact(value)) problems.push([field.key, "a number has more digits than can be sent exactly"]);
    inside.set(field.path.at(-1) ?? field.key, value);
  }
  return { values: plain(emptied(form, values)), problems: Object.fromEntries(problems) };
}

/** The typed values in lines, for a person to copy. */
export function wordsOf(form: readonly FormField[], texts: FormTexts | null): string {
  const typed = form.filter(({ key }) => texts && Object.hasOwn(texts, key));
  return typed.map((field) => `${field.label}: ${shown(field, rawOf(field, texts))}`).join("\n");
}

/** The key of the field that shows the reason of a key; "" is the form as a whole. */
export function homeOf(form: readonly FormField[], key: string): string {
  const isPart = (inner: string, outer: string) => inner === outer || inner.startsWith(`${outer}.`);
  if (key === "") return "";
  // A reason about an item stands at its field; one about an object, at the object's first field.
  return (form.find((field) => isPart(key, field.key)) ?? form.find((field) => isPart(field.key, key)))?.key ?? "";
}

/** The reasons of a refusal, by the keys of the fields that show them; "" is the form as a whole. */
export function placed(form: readonly FormField[], errors: FieldErrors): ReadonlyMap<string, string> {
  const reasons = new Map<string, string>();
  for (const [key, reason] of Object.entries(errors)) {
    const home = homeOf(form, key);
    const said = home === "" && key !== "" ? `${key}: ${reason}` : reason;
    const before = reasons.get(home);
    reasons.set(home, before === undefined ? said : `${before}; ${said}`);
  }
  return reasons;
}

function valueIn(field: FormField, raw: Raw): unknown {
  const { kind, start, required } = field;
  if (start !== null && same(raw, startOf(field))) {
    const value: unknown = JSON.parse(start);
    return hasInexact(value) ? LEFT_OUT : value; // the kernel knows it exactly
  }
  if (typeof raw !== "string") {
    return raw.length === 0 && start === null && !required ? LEFT_OUT : raw.map((text): unknown => JSON.parse(text));
  }
  if (kind === "json") return raw.trim() === "" && !required ? LEFT_OUT : parseModifications(raw).value;
  if (kind === "boolean") return raw === "" && !required ? LEFT_OUT : raw === "true";
  if (raw === "" || (isNumber(field) && raw.trim() === "")) {
    if (start === null || kind === "choice") return LEFT_OUT;
    return kind === "text" || kind === "lines" ? "" : null;
  }
  if (kind === "choice") return JSON.parse(raw);
  if (isNumber(field)) return numberOf(raw.trim());
  return kind === "datetime" ? instantOf(raw) : raw;
}

function isNumber({ kind }: FormField): boolean {
  return kind === "number" || kind === "integer";
}

/** The number, or the text as it is: the kernel says why it does not fit. */
function numberOf(text: string): number | string {
  const number = NUMBER.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(number) ? number : text;
}

/** A local time as ISO 8601 in UTC. */
function instantOf(local: string): string {
  const at = new Date(local);
  return Number.isNaN(at.getTime()) ? local : at.toISOString().replace(".000Z", "Z");
}

/** The default of a field, as it stands in its box. */
function startOf(field: FormField): Raw {
  const { kind, start, choices } = field;
  const value: unknown = start === null ? undefined : JSON.parse(start);
  const choiceOf = (one: unknown) => choices.find(({ value }) => value && text(JSON.parse(value)) === text(one))?.value;
  switch (kind) {
    case "choices":
      return Array.isArray(value) ? value.map(choiceOf).filter((found) => found !== undefined) : [];
    case "choice":
      return (start !== null && choiceOf(value)) || "";
    case "json":
      return start ?? "";
    case "date":
      return typeof value === "string" && DAY.test(value) ? value : "";
    case "datetime":
      return typeof value === "string" ? localOf(value) : "";
    default:
      return typeof value === "string" ? value : (start ?? "");
  }
}

/** An instant in the local time, as a box for dates and times takes it; empty for what is none. */
function localOf(iso: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "";
  const two = (number: number) => String(number).padStart(2, "0");
  const day = `${String(at.getFullYear()).padStart(4, "0")}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const seconds = at.getSeconds() === 0 ? "" : `:${two(at.getSeconds())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}${seconds}`;
}

function text(value: unknown): string {
  return JSON.stringify(value);
}

function same(raw: Raw, other: Raw): boolean {
  return text(raw) === text(other);
}

function shown({ kind, choices }: FormField, raw: Raw): string {
  const labelOf = (value: string) => choices.find((choice) => choice.value === value)?.label ?? value;
  if (typeof raw !== "string") return raw.map(labelOf).join(", ");
  return kind === "choice" ? labelOf(raw) : kind === "boolean" ? (raw === "true" ? "yes" : "no") : raw;
}

/** The object that a field's value goes into. */
function place(values: Map<string, unknown>, { path }: FormField): Map<string, unknown> {
  let inside = values;
  for (const name of path.slice(0, -1)) {
    if (!(inside.get(name) instanceof Map)) inside.set(name, new Map());
    inside = inside.get(name) as Map<string, unknown>;
  }
  return inside;
}

/** Without empty objects, but for those that need nothing: they may be needed themselves. */
function emptied(form: readonly FormField[], values: Map<string, unknown>): Map<string, unknown> {
  const isNeeding = (name: string) =>
    form.some(({ path, required }) => required && path.length > 1 && path[0] === name);
  return new Map([...values].filter(([name, value]) => !(value instanceof Map && value.size === 0 && isNeeding(name))));
}

/** No name is special here: `__proto__` is a name as any other. */
function plain(values: Map<string, unknown>): Record<string, unknown> {
  return Object.fromEntries([...values].map(([name, value]) => [name, value instanceof Map ? plain(value) : value]));
}
