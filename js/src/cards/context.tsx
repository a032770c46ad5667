/** The context of a question: the spec, the changes, and all other data of the server, each behind a tab of its own. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { CheckpointRow } from "../kernel/contract";
import { Button } from "../ui/button";
import { plural } from "../ui/format";
import { Text } from "../ui/icons";
import { looksLikeMarkdown, Markdown } from "../ui/markdown";
import { Tabs } from "../ui/tabs";
import { Diff, looksLikeDiff } from "./diff";

/** Lines of a text drawn at first. */
const MOST_LINES = 1000;

interface Part {
  name: string;
  /** A part of it is not here yet. */
  part: boolean;
  shown: ComponentChildren;
}

/** `lacks`: a part of it is not here yet. */
export function Context({ row, lacks }: { row: CheckpointRow; lacks: boolean }) {
  const [chosen, choose] = useState("");
  const parts = partsOf(row, lacks);
  const current = parts.find(({ name }) => name === chosen) ?? parts[0];
  if (!current) return null;
  return (
    <div class="rc-context">
      <Tabs
        label="Context"
        tabs={parts.map(({ name, part }) => ({ name, badge: null, note: part ? "so far" : undefined }))}
        selected={current.name}
        select={choose}
      >
        {current.shown}
      </Tabs>
    </div>
  );
}

function partsOf(row: CheckpointRow, lacks: boolean): Part[] {
  const { spec, changes = [], texts = [], other } = row.context;
  const part = (name: string) => lacks && (row.cut?.includes(`context.${name}`) ?? false);
  return [
    ...(spec === undefined ? [] : [{ name: "Spec", part: part("spec"), shown: <Prose key="spec" text={spec} /> }]),
    ...(changes.length > 0 ? [{ name: "Changes", part: part("changes"), shown: <Changes changes={changes} /> }] : []),
    ...texts.map(({ name, text }) => ({
      name: titleOf(name),
      part: part("texts"),
      shown: <Prose key={name} text={text} />,
    })),
    ...(other === undefined ? [] : [{ name: "More", part: part("other"), shown: <Plain key="other" text={other} /> }]),
  ];
}

/** The missing parts of a question, in words; null when everything that matters for the decision is here. */
export function lacking({ cut = [], rest = {} }: CheckpointRow): string | null {
  const parts = cut
    .filter((field) => /^(context|title|description|options|form|requests)/.test(field))
    .map((field) => {
      const [lines, characters] = rest[field] ?? [0, 0];
      const more =
        lines > 0 ? plural(lines, "more line") : characters > 0 ? plural(characters, "more character") : "more";
      return `${more} of ${field.replace("context.", "")}`;
    });
  return parts.length > 0 ? parts.join(", ") : null;
}

/** "rollback_plan" → "Rollback plan". */
function titleOf(name: string): string {
  const words = name.replaceAll(/[_-]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function Changes({ changes }: { changes: readonly string[] }) {
  if (changes.some(looksLikeDiff)) return <Diff text={changes.join("\n")} />;
  return (
    <ul class="rc-changes">
      {changes.map((change, i) => (
        <li key={i} class={changeClass(change)}>
          <Text>{change}</Text>
        </li>
      ))}
    </ul>
  );
}

/** A text as Markdown where it looks like it. */
export function Description({ text }: { text: string }) {
  return looksLikeMarkdown(text) ? (
    <Markdown text={text} />
  ) : (
    <p class="rc-description">
      <Text>{text}</Text>
    </p>
  );
}

/** A text as the diff or the Markdown that it is, or as it came. */
function Prose({ text }: { text: string }) {
  const [raw, setRaw] = useState(false);
  if (looksLikeDiff(text)) return <Diff text={text} />;
  if (!looksLikeMarkdown(text)) return <Plain text={text} />;
  return (
    <div class="rc-prose-box">
      <Button class="rc-link-button rc-raw" aria-pressed={raw} onClick={() => setRaw(!raw)}>
        {raw ? "Formatted" : "As sent"}
      </Button>
      {raw ? <Plain text={text} /> : <Markdown text={text} />}
    </div>
  );
}

function Plain({ text }: { text: string }) {
  const lines = text.replace(/\n$/, "").split("\n");
  const [all, setAll] = useState(false);
  return (
    <>
      <pre class="rc-pre">
        <Text>{(all ? lines : lines.slice(0, MOST_LINES)).join("\n")}</Text>
      </pre>
      {!all && lines.length > MOST_LINES && (
        <Button class="rc-link-button" onClick={() => setAll(true)}>
          Show all {plural(lines.length, "line")}
        </Button>
      )}
    </>
  );
}

function changeClass(change: string): string {
  if (/^(\+|(add|create|new)\b)/i.test(change)) return "rc-change-add";
  return /^(-|(delete|remove)\b)/i.test(change) ? "rc-change-del" : "";
}
