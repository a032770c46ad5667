/** Lines of output. */

import type { OutputRow } from "../kernel/contract";
import type { Finder } from "../state/log-search";
import { marked, pieces } from "../ui/ansi";
import { moment, preciseClock } from "../ui/format";
import { Text } from "../ui/icons";
import { memo } from "../ui/memo";
import { TaskLink } from "./task-link";

export interface LineProps {
  row: OutputRow;
  /** True to show the task of each line. */
  tagged: boolean;
  /** Its place among the shown lines; undefined shows no line number. */
  place?: number;
  stamped?: boolean;
  /** It has the present match. */
  current?: boolean;
  chosen?: boolean;
  /** Finds what is marked in it. */
  finder?: Finder | null;
}

const NOTHING: Finder = () => [];

export const Line = memo(function Line(props: LineProps) {
  const { row, place, finder } = props;
  const isError = row.stream === "stderr";
  const classes = [
    "rc-line",
    isError && "rc-line-err",
    props.current && "rc-line-current",
    props.chosen && "rc-line-chosen",
  ];
  const parts = marked(pieces(row.text), finder ?? NOTHING);
  const hasMarks = parts.some(({ isMarked }) => isMarked);
  return (
    <div class={classes.filter(Boolean).join(" ")} aria-current={props.current || undefined}>
      <span class="rc-gutter">
        {place !== undefined && (
          <span
            class="rc-line-number"
            data-place={place}
            data-number={Number(row.key) + 1}
            title={`${moment(row.at)}: choose this line`}
          />
        )}
        {props.stamped && <time title={moment(row.at)}>{preciseClock(row.at)}</time>}
        <span class="rc-stream">{isError ? "err" : "out"}</span>
        {props.tagged &&
          (row.task ? (
            <TaskLink class="rc-line-task" id={row.task} name={row.name} inTable />
          ) : (
            <span class="rc-line-task" />
          ))}
      </span>
      <span class="rc-line-text">
        {parts.map(({ text, style, color, background, isMarked }) => {
          // A link that is marked in part would lead elsewhere.
          const content = hasMarks ? text : <Text>{text}</Text>;
          const inner = isMarked ? <mark>{content}</mark> : content;
          if (style === "" && color === null && background === null) return inner;
          return (
            <span class={style} style={colors(color, background)}>
              {inner}
            </span>
          );
        })}
      </span>
    </div>
  );
});

function colors(color: string | null, background: string | null): Record<string, string> | undefined {
  if (color === null && background === null) return undefined;
  const style: Record<string, string> = {};
  if (color !== null) style.color = `rgb(${color})`;
  if (background !== null) style.backgroundColor = `rgb(${background})`;
  return style;
}
