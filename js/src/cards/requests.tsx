/** The actions that a question asks about, each whole, with the decision on it. */

import { useLayoutEffect } from "preact/hooks";
import type { CheckpointRow, RequestRow } from "../kernel/contract";
import { Text } from "../ui/icons";
import { Description } from "./context";
import { fieldsOf } from "./decided";
import { Field, type FormState } from "./form";

interface RequestsProps {
  row: CheckpointRow;
  requests: readonly RequestRow[];
  form: FormState;
  locked: boolean;
  /** Parts of the question that are not here yet. */
  missing: string | null;
  /** Called when the last action has been in sight, and when there is more of it. */
  see: (all: boolean) => void;
}

export function Requests({ row, requests, form, locked, missing, see }: RequestsProps) {
  useLayoutEffect(() => {
    const body = form.box.current?.parentElement;
    const look = () => {
      const last = form.box.current?.getBoundingClientRect().bottom ?? 0;
      if (missing === null && body && last <= body.getBoundingClientRect().bottom + 2) see(true);
    };
    see(false);
    look();
    if (!body) return undefined;
    const resized = new ResizeObserver(look);
    resized.observe(body);
    body.addEventListener("scroll", look, { passive: true });
    return () => {
      resized.disconnect();
      body.removeEventListener("scroll", look);
    };
  }, [form.box, missing, see]);
  return (
    <div ref={form.box} class="rc-requests">
      {requests.map(({ name, description, args }, at) => (
        <div key={at} class="rc-form" role="group" aria-label={name}>
          <h4>
            <code>{name}</code>
            {requests.length > 1 && <span class="rc-note">{`${at + 1} of ${requests.length}`}</span>}
          </h4>
          {description && <Description text={description} />}
          <dl>
            {args.map(({ name: argument, text }) => (
              <div key={argument}>
                {argument && <dt>{argument}</dt>}
                <dd>
                  <Text>{text}</Text>
                </dd>
              </div>
            ))}
          </dl>
          {fieldsOf(row.form ?? [], form.texts, at).map((field) => (
            <Field key={field.key} field={field} state={form} locked={locked} />
          ))}
        </div>
      ))}
    </div>
  );
}
