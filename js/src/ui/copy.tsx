/** A button that copies a text. */

import { useEffect, useState } from "preact/hooks";
import { Button } from "./button";
import { Icon } from "./icons";

const COPIED_MS = 1500;

export function CopyButton({ text, title }: { text: () => string; title: string }) {
  const [says, setSays] = useState("Copy");
  useEffect(() => {
    if (says === "Copy") return undefined;
    const timer = setTimeout(() => setSays("Copy"), COPIED_MS);
    return () => clearTimeout(timer);
  }, [says]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text());
      setSays("Copied");
    } catch {
      // No clipboard outside secure contexts, or not allowed: the text can still be selected.
      setSays("Not allowed here");
    }
  };
  return (
    <Button class="rc-button rc-small" title={title} onClick={copy}>
      <Icon name="copy" />
      {says}
    </Button>
  );
}
