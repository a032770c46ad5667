/** Tabs with what they show below them, by the keyboard conventions of the ARIA authoring practices. */
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { useUniqueId } from "../panel/context";
import { count } from "./format";

export interface Tab {
  name: string;
  /** A number beside its name; null for a tab that never has one. */
  badge: number | null;
  tone?: string | undefined;
  /** A word beside its name. */
  note?: string | undefined;
}

export interface TabsProps {
  /** Its accessible name. */
  label: string;
  tabs: readonly Tab[];
  selected: string;
  select: (name: string) => void;
  children: ComponentChildren;
}

export function Tabs({ label, tabs, selected, select, children }: TabsProps) {
  const id = useUniqueId();
  const list = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const at = tabs.findIndex((tab) => tab.name === selected);
    const next = neighbor(event.key, at, tabs.length);
    const tab = next === null ? undefined : tabs[next];
    if (next === null || !tab) return;
    event.preventDefault();
    select(tab.name);
    (list.current?.children[next] as HTMLElement | undefined)?.focus();
  };
  return (
    <>
      <div role="tablist" aria-label={label} class="rc-tabs" ref={list} onKeyDown={onKeyDown}>
        {tabs.map(({ name, badge, tone, note }) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`${id}-${name}`}
            class="rc-tab"
            aria-label={name}
            aria-selected={name === selected}
            aria-controls={name === selected ? `${id}-panel` : undefined}
            tabIndex={name === selected ? 0 : -1}
            onClick={() => select(name)}
          >
            {name}
            {note && <span class="rc-tone-failed">{note}</span>}
            {badge !== null && (
              // A drawn number: as text it would be a part of the label that the name lacks. Its place is always there.
              <span
                class={`rc-badge${tone ? ` rc-badge-${tone}` : ""}`}
                data-count={badge > 0 ? short(badge) : undefined}
              />
            )}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${selected}`} class="rc-panel">
        {children}
      </div>
    </>
  );
}

function neighbor(key: string, at: number, length: number): number | null {
  switch (key) {
    case "ArrowRight":
      return (at + 1) % length;
    case "ArrowLeft":
      return (at + length - 1) % length;
    case "Home":
      return 0;
    case "End":
      return length - 1;
    default:
      return null;
  }
}

/** 12345 → "12k": a badge has room for three characters. */
function short(n: number): string {
  if (n < 1000) return count(n);
  return n < 999_500 ? `${Math.round(n / 1000)}k` : `${(n / 1e6).toFixed(1)}M`;
}
