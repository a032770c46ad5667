/** The modifications that go with an answer: JSON, checked before it is sent. */

import type { RefObject } from "preact";
import { useUniqueId } from "../panel/context";
import { Button } from "../ui/button";
import { Icon } from "../ui/icons";

interface ModificationsProps {
  /** Null while the editor is closed and empty. */
  value: string | null;
  open: boolean;
  error: string | null;
  locked: boolean;
  toggle: () => void;
  change: (value: string) => void;
  box: RefObject<HTMLTextAreaElement | null>;
  name: string;
}

export function Modifications({ value, open, error, locked, toggle, change, box, name }: ModificationsProps) {
  const id = useUniqueId();
  return (
    <div class={`rc-modifications${open ? "" : " rc-modifications-closed"}`}>
      <Button
        class="rc-disclosure"
        aria-expanded={open}
        aria-controls={open ? `${id}-box` : undefined}
        onClick={toggle}
      >
        <Icon name="chevron" />
        {name}
      </Button>
      {open && (
        <textarea
          ref={box}
          id={`${id}-box`}
          class="rc-input rc-code"
          aria-label={name}
          aria-invalid={error !== null}
          aria-describedby={error === null ? undefined : id}
          placeholder={'{"name": "value"}'}
          rows={4}
          spellcheck={false}
          readOnly={locked}
          value={value ?? ""}
          onInput={(event) => change(event.currentTarget.value)}
        />
      )}
      {open && error !== null && (
        <p class="rc-tone-failed rc-invalid" id={id}>
          <Icon name="warn" />
          {error}
        </p>
      )}
    </div>
  );
}

export interface Parsed {
  value: unknown;
  error: string | null;
}

/** Reads modifications as JSON. An empty text is null, no modifications. */
export function parseModifications(text: string): Parsed {
  if (text.trim() === "") return { value: null, error: null };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const place = placeOf(text, error instanceof Error ? error.message : "");
    return {
      value: null,
      error: `This is not JSON${place}. Names and texts need double quotes, and no comma follows the last item.`,
    };
  }
  if (hasInexact(value)) {
    const error = "A number here has more digits than can be sent exactly. Write it in double quotes.";
    return { value: null, error };
  }
  return { value, error: null };
}

/** The position of the parse error, if the browser reports it. */
function placeOf(text: string, message: string): string {
  const known = /line (\d+) column (\d+)/.exec(message);
  if (known) return `: line ${known[1]}, column ${known[2]}`;
  const at = /position (\d+)/.exec(message)?.[1];
  if (at === undefined) return "";
  const before = text.slice(0, Number(at)).split("\n");
  return `: line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

/** True if a whole number is so large that the browser has rounded it. */
export function hasInexact(value: unknown): boolean {
  if (typeof value === "number") return Number.isInteger(value) && !Number.isSafeInteger(value);
  return typeof value === "object" && value !== null && Object.values(value).some(hasInexact);
}
