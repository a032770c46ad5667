/** What a person needs to know before answering: the spec, the changes, and whatever else came along. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { plural } from "../format";
import type { CheckpointRow } from "../model";
import { useFull } from "./detail";
import { Text } from "./marks";

const FOLDED_LINES = 8;

export function Context({ row }: { row: CheckpointRow }) {
  const { spec, changes, other } = useFull("checkpoints", row).context;
  return (
    <>
      {spec !== undefined && <Folded title="Spec" text={spec} />}
      {changes !== undefined && changes.length > 0 && <Changes changes={changes} />}
      {other !== undefined && <Folded title="More" text={other} startFolded />}
    </>
  );
}

function Changes({ changes }: { changes: readonly string[] }) {
  const isDiff = changes.some(looksLikeDiff);
  if (isDiff) return <Folded title="Changes" text={changes.join("\n")} />;
  return (
    <Folds title="Changes" count={changes.length} unit="change">
      {(shown) => (
        <ul class="rc-changes">
          {changes.slice(0, shown).map((change, i) => (
            <li key={i} class={changeClass(change)}>
              <Text>{change}</Text>
            </li>
          ))}
        </ul>
      )}
    </Folds>
  );
}

function Folded({ title, text, startFolded = false }: { title: string; text: string; startFolded?: boolean }) {
  const lines = text.replace(/\n$/, "").split("\n");
  const diff = looksLikeDiff(text);
  return (
    <Folds title={title} count={lines.length} unit="line" startFolded={startFolded}>
      {(shown) => (
        <pre class={`rc-pre${diff ? " rc-diff" : ""}`}>
          {lines.slice(0, shown).map((line, i) => (
            <span key={i} class={diff ? diffClass(line) : undefined}>
              {line === "" ? "\n" : <Text>{line}</Text>}
            </span>
          ))}
        </pre>
      )}
    </Folds>
  );
}

interface FoldsProps {
  title: string;
  count: number;
  unit: string;
  startFolded?: boolean;
  children: (shown: number) => ComponentChildren;
}

/** Shows the beginning, and all of it when asked. */
function Folds({ title, count, unit, startFolded = false, children }: FoldsProps) {
  const beginning = startFolded ? 0 : FOLDED_LINES;
  // Folding one or two lines away saves nothing.
  const folds = count > beginning + (startFolded ? 0 : 2);
  const [all, setAll] = useState(false);
  return (
    <div class="rc-context">
      <div class="rc-context-title">
        <span>{title}</span>
        {folds && (
          <button type="button" class="rc-link-button" aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? "Show less" : `Show all ${plural(count, unit)}`}
          </button>
        )}
      </div>
      {(all || !folds || beginning > 0) && children(all || !folds ? count : beginning)}
    </div>
  );
}

/** A unified diff, or enough like one: a hunk header, or file headers. */
export function looksLikeDiff(text: string): boolean {
  return /^(@@ .*@@|diff --git |--- \S+.*\n\+\+\+ )/m.test(text);
}

export function diffClass(line: string): string {
  if (line.startsWith("@@")) return "rc-diff-hunk";
  if (/^(diff |index |--- |\+\+\+ )/.test(line)) return "rc-diff-file";
  if (line.startsWith("+")) return "rc-diff-add";
  return line.startsWith("-") ? "rc-diff-del" : "";
}

function changeClass(change: string): string {
  if (/^(\+|(add|create|new)\b)/i.test(change)) return "rc-change-add";
  return /^(-|(delete|remove)\b)/i.test(change) ? "rc-change-del" : "";
}
