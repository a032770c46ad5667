/** The answers that a question offers: a button each, with what it means. */
import type { CheckpointOption } from "../model";
import { useUniqueId } from "./context";

interface OptionsProps {
  options: readonly CheckpointOption[];
  /** The option that was pressed or decided. */
  chosen: string | null;
  locked: boolean;
  /** The id of the line that says why they are locked. */
  note: string;
  press: (option: CheckpointOption) => void;
}

export function Options({ options, chosen, locked, note, press }: OptionsProps) {
  const described = options.some((option) => option.description);
  return (
    <div class={`rc-options${described ? " rc-options-described" : ""}`}>
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
  option: CheckpointOption;
  chosen: boolean;
  locked: boolean;
  note: string;
  press: () => void;
}

function Option({ option, chosen, locked, note, press }: OptionProps) {
  const id = useUniqueId();
  const kind = option.destructive ? "rc-destructive" : option.is_default ? "rc-primary" : "";
  const means = [option.is_default ? `${id}-default` : "", option.description ? id : ""].filter(Boolean).join(" ");
  return (
    <div class={`rc-option${option.destructive ? " rc-option-apart" : ""}`}>
      {/* aria-disabled, not disabled: a locked button keeps the keyboard's focus and can be asked why. */}
      <button
        type="button"
        class={`rc-button ${kind}${chosen && locked ? " rc-chosen" : ""}`}
        aria-label={option.label}
        aria-describedby={locked ? note : means || undefined}
        aria-disabled={locked}
        onClick={press}
      >
        {option.label}
      </button>
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

/** What ends things comes last, wherever the server put it. */
function ordered(options: readonly CheckpointOption[]): CheckpointOption[] {
  return [...options].sort((a, b) => Number(a.destructive) - Number(b.destructive));
}
