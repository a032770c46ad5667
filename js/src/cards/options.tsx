/** The options of a question: a button each, with its meaning. */

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { CheckpointRow, OptionRow } from "../kernel/contract";
import { usePanel, useUniqueId } from "../panel/context";
import { Button } from "../ui/button";
import { count, plural } from "../ui/format";
import { TwiceButton } from "../ui/twice";

interface OptionsProps {
  row: CheckpointRow;
  /** The option that was pressed or decided. */
  chosen: string | null;
  locked: boolean;
  /** The id of the line with the reason why they are locked. */
  note: string;
  press: (option: OptionRow) => void;
  /** What stands before them. */
  children?: ComponentChildren;
}

export function Options({ row, ...props }: OptionsProps) {
  const total = row.options_total ?? row.options.length;
  return total > row.options.length ? (
    <PagedOptions row={row} total={total} {...props} />
  ) : (
    <OptionList options={row.options} {...props} />
  );
}

const PAGE = 50;

/** Options by the page, and those with a text in their names. */
function PagedOptions({ row, total, ...props }: OptionsProps & { total: number }) {
  const { store } = usePanel();
  const [{ offset, search }, look] = useState({ offset: 0, search: "" });
  const [page, setPage] = useState(row.options);
  useEffect(() => {
    if (offset === 0 && search === "") return setPage(row.options);
    return store.details.options(row.key, offset, search, setPage);
  }, [store, row, offset, search]);
  const last = offset + page.length;
  return (
    <>
      <div class="rc-toolbar">
        <input
          type="search"
          class="rc-input"
          aria-label="Find an option"
          placeholder="Find an option"
          value={search}
          onInput={(event) => look({ offset: 0, search: event.currentTarget.value })}
        />
        {search === "" && (
          <Button class="rc-button rc-small" onClick={() => look({ offset: last < total ? offset + PAGE : 0, search })}>
            {last < total ? "Next" : "First"}
          </Button>
        )}
        <span class="rc-note">
          {search === ""
            ? `${count(offset + 1)} to ${count(last)} of ${plural(total, "option")}`
            : `${count(page.length)} found`}
        </span>
      </div>
      <OptionList options={page} {...props} />
    </>
  );
}

function OptionList({
  options,
  chosen,
  locked,
  note,
  press,
  children,
}: Omit<OptionsProps, "row"> & Pick<CheckpointRow, "options">) {
  const described = options.some((option) => option.description);
  return (
    <div class={`rc-options${described ? " rc-options-described" : ""}`}>
      {children}
      {ordered(options).map((option) => (
        <Option
          key={option.id}
          option={option}
          chosen={option.id === chosen}
          locked={locked}
          note={note}
          press={() => press(option)}
        />
      ))}
    </div>
  );
}

interface OptionProps {
  option: OptionRow;
  chosen: boolean;
  locked: boolean;
  note: string;
  press: () => void;
}

function Option({ option, chosen, locked, note, press }: OptionProps) {
  const id = useUniqueId();
  const { store } = usePanel();
  const kind = option.destructive ? "rc-destructive" : option.is_default ? "rc-primary" : "";
  const means = [option.is_default ? `${id}-default` : "", option.description ? id : ""].filter(Boolean).join(" ");
  return (
    <div class={`rc-option${option.destructive ? " rc-option-apart" : ""}`}>
      {/* aria-disabled, not disabled: a locked button keeps the keyboard's focus and can be asked why. */}
      <TwiceButton
        class={`rc-button ${kind}${chosen && locked ? " rc-chosen" : ""}`}
        label={option.label}
        asks={option.asks_twice === true}
        locked={locked}
        act={press}
        tell={(words) => store.tell(words)}
        aria-describedby={locked ? note : means || undefined}
      />
      {option.is_default && (
        <span id={`${id}-default`} class="rc-chip">
          default
        </span>
      )}
      {option.description && (
        <span id={id} class="rc-option-says">
          {option.description}
        </span>
      )}
    </div>
  );
}

/** Options with destructive ones last, in any order of the server. */
function ordered(options: readonly OptionRow[]): OptionRow[] {
  return [...options].sort((a, b) => Number(a.destructive) - Number(b.destructive));
}
