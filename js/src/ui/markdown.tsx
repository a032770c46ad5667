/**
 * Markdown of the stream as elements: headings, lists, tables, quotes, code, emphasis and http(s) links. There is no
 * HTML in it, no picture is loaded, and a link shows its address: nothing reads as something else than it is.
 */
import type { ComponentChildren, VNode } from "preact";
import { Text } from "./icons";

/** Longer texts are shown as they are. */
const MOST = 200_000;
const LONGEST_LINE = 4000;
/** Quotes and lists within each other; deeper ones are shown as they are. */
const DEEPEST = 12;

/** True for a text that has enough of Markdown to be read as such. */
export function looksLikeMarkdown(text: string): boolean {
  return (
    text.length <= MOST &&
    /^(#{1,6} \S|\s{0,3}([-*+]|\d+[.)]) \S|```|~~~|\|.+\||> )|\*\*\S|\[[^\]]+\]\(https?:/m.test(text)
  );
}

export function Markdown({ text }: { text: string }) {
  return <div class="rc-md">{blocks(text.replaceAll("\r\n", "\n").split("\n"))}</div>;
}

const FENCE = /^\s{0,3}(`{3,}|~{3,})\s*([\w+-]*)/;
const HEADING = /^\s{0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])(\s+)(.*)$/;
const RULE = /^\s{0,3}([-*_])(\s*\1){2,}\s*$/;
const QUOTE = /^\s{0,3}>\s?/;
const DIVIDER = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

/** A block begins at a line: its element, and the number of its lines. */
type Block = readonly [VNode | null, number];

function blocks(lines: readonly string[], depth = 0): VNode[] {
  if (depth > DEEPEST) return [<p>{lines.join("\n")}</p>];
  const found: VNode[] = [];
  for (let at = 0; at < lines.length; ) {
    const [element, length] = blockAt(lines, at, depth);
    if (element) found.push(element);
    at += Math.max(1, length);
  }
  return found;
}

function blockAt(lines: readonly string[], at: number, depth: number): Block {
  const line = lines[at] ?? "";
  if (line.trim() === "") return [null, 1];
  const fence = FENCE.exec(line);
  if (fence) return code(lines, at, fence[1] ?? "```");
  const heading = HEADING.exec(line);
  if (heading) return [<h4 class={`rc-md-h${heading[1]?.length}`}>{inline(heading[2] ?? "")}</h4>, 1];
  if (RULE.test(line)) return [<hr />, 1];
  if (QUOTE.test(line)) {
    const length = run(lines, at, (each) => QUOTE.test(each));
    return [
      <blockquote>
        {blocks(
          lines.slice(at, at + length).map((each) => each.replace(QUOTE, "")),
          depth + 1,
        )}
      </blockquote>,
      length,
    ];
  }
  if (ITEM.test(line)) return list(lines, at, depth);
  if (line.includes("|") && DIVIDER.test(lines[at + 1] ?? "") && (lines[at + 1] ?? "").includes("-"))
    return table(lines, at);
  const length = run(lines, at, (each, i) => i === at || (each.trim() !== "" && !startsBlock(each)));
  return [<p>{inline(lines.slice(at, at + length).join("\n"))}</p>, length];
}

function startsBlock(line: string): boolean {
  return [FENCE, HEADING, RULE, QUOTE, ITEM].some((kind) => kind.test(line));
}

/** The number of lines from one on for which it holds. */
function run(lines: readonly string[], at: number, holds: (line: string, index: number) => boolean): number {
  let end = at;
  while (end < lines.length && holds(lines[end] ?? "", end)) end++;
  return end - at;
}

function code(lines: readonly string[], at: number, fence: string): Block {
  const closes = (line: string) => line.trim().startsWith(fence) && line.trim().replaceAll(fence.charAt(0), "") === "";
  const length = run(lines, at + 1, (line) => !closes(line));
  return [<pre class="rc-pre">{lines.slice(at + 1, at + 1 + length).join("\n")}</pre>, length + 2];
}

function list(lines: readonly string[], at: number, depth: number): Block {
  const [, indent = "", marker = ""] = ITEM.exec(lines[at] ?? "") ?? [];
  const numbered = /\d/.test(marker);
  const items: VNode[] = [];
  let end = at;
  while (end < lines.length) {
    const item = ITEM.exec(lines[end] ?? "");
    if (!item || (item[1] ?? "").length > indent.length + 1 || /\d/.test(item[2] ?? "") !== numbered) break;
    const inner = (item[1] ?? "").length + (item[2] ?? "").length + 1;
    const more = run(lines, end + 1, (line) => line.trim() === "" || line.search(/\S/) >= inner);
    const rest = lines.slice(end + 1, end + 1 + more).map((line) => line.slice(inner));
    items.push(<li>{content(item[4] ?? "", rest, depth)}</li>);
    end += 1 + more;
  }
  const start = Number.parseInt(marker, 10);
  return [numbered ? <ol start={start}>{items}</ol> : <ul>{items}</ul>, end - at];
}

/** An item: its first line, a box where it is a task, and the blocks below. */
function content(line: string, rest: readonly string[], depth: number): ComponentChildren {
  const task = /^\[([ xX])\]\s+(.*)$/.exec(line);
  const first = task ? `${task[1] === " " ? "☐" : "☑"} ${task[2]}` : line;
  const plain = run(rest, 0, (each) => each.trim() !== "" && !startsBlock(each));
  return [inline([first, ...rest.slice(0, plain)].join("\n")), ...blocks(rest.slice(plain), depth + 1)];
}

function table(lines: readonly string[], at: number): Block {
  const length = run(lines, at, (line) => line.includes("|"));
  const [head = [], , ...rows] = lines.slice(at, at + length).map(cells);
  return [
    <div class="rc-md-table">
      <table>
        <thead>
          <tr>
            {head.map((cell, i) => (
              <th key={i}>{inline(cell)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={i}>
              {row.map((cell, j) => (
                <td key={j}>{inline(cell)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>,
    length,
  ];
}

function cells(line: string): string[] {
  return line
    .trim()
    .replace(/^\||(?<!\\)\|$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));
}

const SPANS =
  /(`+)([^`]|[^`].*?[^`])\1(?!`)|\*\*(\S(?:.*?\S)?)\*\*|__(\S(?:.*?\S)?)__|~~(\S(?:.*?\S)?)~~|\*(\S(?:.*?\S)?)\*|(?<!\w)_(\S(?:.*?\S)?)_(?!\w)|!?\[([^\]]*)\]\(([^)\s]+)[^)]*\)/s;

function inline(text: string): ComponentChildren {
  const found = text.length > LONGEST_LINE ? null : SPANS.exec(text);
  if (!found) return text === "" ? null : <Text>{text}</Text>;
  const [all, , literal, strong, strongToo, gone, soft, softToo, words, address] = found;
  const span =
    literal !== undefined ? (
      <code>{literal}</code>
    ) : (strong ?? strongToo) !== undefined ? (
      <strong>{inline(strong ?? strongToo ?? "")}</strong>
    ) : gone !== undefined ? (
      <del>{inline(gone)}</del>
    ) : (soft ?? softToo) !== undefined ? (
      <em>{inline(soft ?? softToo ?? "")}</em>
    ) : (
      // The address stands beside the words: they could promise another.
      <>
        {words} <Text>{`(${address})`}</Text>
      </>
    );
  return [inline(text.slice(0, found.index)), span, inline(text.slice(found.index + all.length))];
}
