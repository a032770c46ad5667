/** A choice among the rows of a table, with its number. */
import { Button } from "../ui/button";
import { count } from "../ui/format";

export function FilterChip(props: { name: string; number: number; pressed: boolean; press: () => void }) {
  return (
    <Button class="rc-chip-button" aria-pressed={props.pressed} onClick={props.press}>
      {props.name} <span class="rc-of">{count(props.number)}</span>
    </Button>
  );
}
