/** A button that copies a text. */

import { useEffect, useState } from "preact/hooks";
import { Button } from "./button";
import { Icon } from "./icons";

const COPIED_MS = 1500;

export interface CopyProps {
  /** The text, or a promise of it; if that is refused, nothing is copied. */
  text: () => string | Promise<string>;
  title: string;
}

export function CopyButton({ text, title }: CopyProps) {
  const [says, setSays] = useState("Copy");
  useEffect(() => {
    if (says === "Copy") return undefined;
    const timer = setTimeout(() => setSays("Copy"), COPIED_MS);
    return () => clearTimeout(timer);
  }, [says]);
  const copy = async () => {
    let isHere = true;
    try {
      const wanted = text();
      if (typeof wanted !== "string") {
        wanted.catch(() => {
          isHere = false;
        });
      }
      await put(wanted);
      setSays("Copied");
    } catch {
      // No clipboard outside secure contexts, or not allowed: the text can still be selected.
      setSays(isHere ? "Not allowed here" : "Not copied");
    }
  };
  return (
    <Button class="rc-button rc-small" title={title} onClick={copy}>
      <Icon name="copy" />
      {says}
    </Button>
  );
}

/** Browsers that want a press for each copy take a promise of the text at once. */
async function put(text: string | Promise<string>): Promise<void> {
  if (typeof text === "string") return navigator.clipboard.writeText(text);
  if (typeof ClipboardItem !== "function") return navigator.clipboard.writeText(await text);
  const blob = text.then((whole) => new Blob([whole], { type: "text/plain" }));
  return navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
}
