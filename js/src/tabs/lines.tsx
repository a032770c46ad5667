/** Lines of output. */

import type { OutputRow } from "../kernel/contract";
import { pieces } from "../ui/ansi";
import { moment } from "../ui/format";
import { Text } from "../ui/icons";
import { memo } from "../ui/memo";

export interface LineProps {
  row: OutputRow;
  /** True to show the task of each line. */
  tagged: boolean;
}

export const Line = memo(function Line({ row, tagged }: LineProps) {
  const isError = row.stream === "stderr";
  return (
    <div class={`rc-line${isError ? " rc-line-err" : ""}`} title={moment(row.at)}>
      <span class="rc-stream">{isError ? "err" : "out"}</span>
      {tagged && <span class="rc-line-task">{row.task ?? ""}</span>}
      <span class="rc-line-text">
        {pieces(row.text).map(({ text, style, color, background }) =>
          style === "" && color === null && background === null ? (
            <Text>{text}</Text>
          ) : (
            <span class={style} style={colors(color, background)}>
              <Text>{text}</Text>
            </span>
          ),
        )}
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
