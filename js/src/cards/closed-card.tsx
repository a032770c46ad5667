/** A question that closed while somebody typed an answer to it: its end, and the unsent text. */

import type { CheckpointRow } from "../kernel/contract";
import type { Draft } from "../state/drafts";
import type { Submission } from "../state/submissions";
import { Button } from "../ui/button";
import { CopyButton } from "../ui/copy";
import { Icon } from "../ui/icons";
import { wordsOf } from "./values";
import { ending } from "./wording";

export function ClosedCard({ row, submission }: { row: CheckpointRow; submission: Submission | undefined }) {
  return (
    <p class="rc-outcome rc-tone-paused">
      <Icon name={row.decided_by === "timeout" || row.status === "expired" ? "clock" : "info"} />
      <span>{ending(row, submission)} What you wrote did not count; it is kept here.</span>
    </p>
  );
}

interface ActionsProps {
  row: CheckpointRow;
  draft: Readonly<Draft>;
  dismiss: () => void;
}

export function ClosedCardActions({ row, draft, dismiss }: ActionsProps) {
  const text = () =>
    [draft.feedback, draft.modifications ?? "", wordsOf(row.form ?? [], draft.form)]
      .filter((part) => part.trim() !== "")
      .join("\n\n");
  return (
    <div class="rc-stranded-actions">
      <CopyButton text={text} title="Copy what you wrote" />
      <Button class="rc-button rc-small" onClick={dismiss}>
        Dismiss
      </Button>
    </div>
  );
}
