/** The answers of a question that can be judged in a line. */
import type { CheckpointRow, FormField, OptionRow } from "../kernel/contract";
import { isLate } from "../page/attention";
import { useNow, useStore, useUniqueId } from "../panel/context";
import { isLocked, isOpen } from "../state/submissions";
import { Field, useForm } from "./form";
import { Options } from "./options";
import { answerState } from "./wording";

/** The longest description of a question that can be judged in a line, in characters. */
const SHORT = 160;
const FEW_OPTIONS = 3;

/** The state of an answer that is given in a line. `blocked`: the reason why none can be sent. */
export function useQuick(row: CheckpointRow, blocked: string | null) {
  const store = useStore("submissions", "head", "attachment", "drafts");
  useNow(row.deadline !== null);
  const submission = store.submissions.get(row.id);
  const late = isLate(row, store.clocks.dueNow());
  const locked = isLocked(row, submission) || late || blocked !== null;
  const idle = store.port.kernel() === "idle";
  const silent = store.attachment === "silent";
  const unlocked = store.submissions.unlocked(row.id);
  const words = answerState({ row, submission, blocked, silent, idle, late, unlocked });
  const form = useForm(row, submission);
  const press = (option: OptionRow) => {
    if (locked) return;
    if (option.fills) form.send(option.id);
    else store.answer(row, option.id);
  };
  return { store, submission, locked, words, form, press, note: useUniqueId() };
}

/** Its field and its options; nothing for a question that has more to read. */
export function Quick({ row, quick }: { row: CheckpointRow; quick: ReturnType<typeof useQuick> }) {
  const { submission, locked, form, press, note } = quick;
  if (!isOpen(row) || !isShort(row)) return null;
  return (
    <>
      {row.form?.map((field) => (
        <div key={field.key} ref={form.box}>
          <Field field={field} state={form} locked={locked} />
        </div>
      ))}
      <Options
        row={{ ...row, options: row.options.map((option) => ({ ...option, description: null })) }}
        chosen={submission?.option ?? row.answer ?? row.decision}
        locked={locked}
        note={note}
        press={press}
      />
    </>
  );
}

/** True for a field that stands in a line. */
function isSimple({ kind }: FormField): boolean {
  return !["lines", "choices", "json"].includes(kind);
}

/** True for a question that can be judged in a line: nothing more to read, and a few plain answers. */
export function isShort(row: CheckpointRow): boolean {
  const { spec, changes, texts, other, template } = row.context;
  const more = [spec, changes, texts, other, template].some((part) => part !== undefined);
  const description = row.description ?? "";
  return (
    !more &&
    !row.free_text &&
    (row.form ?? []).every(isSimple) &&
    (row.form?.length ?? 0) < 2 &&
    !row.requests &&
    !(row.cut && row.cut.length > 0) &&
    description.length <= SHORT &&
    !description.includes("\n") &&
    row.options.length <= FEW_OPTIONS &&
    !row.options.some((option) => option.modifies)
  );
}
