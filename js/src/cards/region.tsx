/**
 * The questions of the run that wait for a person. One line of fixed height above the tabs names them; a drawer over the
 * content shows one of them, or the list: nothing that a person reads is moved by a question.
 */
import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { CheckpointRow } from "../kernel/contract";
import { canAnswer, isLastMinute } from "../page/attention";
import { useNow, useStore } from "../panel/context";
import { type DrawerState, useView } from "../panel/view";
import type { Store } from "../state/store";
import { isOpen } from "../state/submissions";
import { plural } from "../ui/format";
import { Icon } from "../ui/icons";
import { Sticky } from "../ui/sticky";
import { useSelection } from "./bulk";
import { Card } from "./card";
import { CloseButton, QuestionDrawer } from "./drawer";
import { Line, Toast } from "./line";
import { QuestionList } from "./list";
import { isShort } from "./quick";

/** So many questions at once stand in the line side by side; more are shown as a list. */
const FEW = 3;
/** Pixels of a line that has room for a field and its options; as in `questions.css`. */
const ROOMY = 620;

export function DecisionRegion() {
  const store = useStore("checkpoints", "submissions", "drafts", "attachment", "head");
  const { cards, dismiss } = useCards(store);
  const open = cards.filter(isOpen);
  const total = Math.max(open.length, store.head?.questions ?? 0);
  const blocked = whyBlocked(store);
  const replayed = Boolean(store.head?.replay);
  const line = useRef<HTMLDivElement>(null);
  const [shown, show] = useShown(line, cards);
  const selection = useSelection(open, blocked);
  useKeptFocus(line, JSON.stringify([cards.length, shown, selection.ticked.size > 0]));
  const name = replayed ? "Waiting for a decision" : open.length > 0 ? "Needs your decision" : "Decided meanwhile";
  const single = typeof shown === "object" ? shown : null;
  const card = single && cards.find(({ key }) => key === single.key);
  const silent = store.attachment === "silent";
  return (
    <>
      <div class="rc-needs" {...(cards.length > 0 ? { role: "region", "aria-label": name } : {})}>
        <Line place={line} cards={cards} open={open} total={total} blocked={blocked} shown={shown} show={show} />
        {card && (
          <QuestionDrawer
            name={card.title}
            close={() => show(single.from === "list" && open.length > 1 ? "list" : null)}
          >
            {(close) => (
              <Card
                key={card.key}
                row={card}
                submission={store.submissions.get(card.id)}
                blocked={blocked}
                silent={silent}
                dismiss={isOpen(card) ? null : dismiss(card.key)}
              >
                <CloseButton name="Close" close={close} />
              </Card>
            )}
          </QuestionDrawer>
        )}
        {shown === "list" && cards.length > 0 && (
          <QuestionDrawer name={plural(total, "question")} close={() => show(null)}>
            {(close) => (
              <QuestionList
                cards={cards}
                total={total}
                blocked={blocked}
                selection={replayed || (open.length < 2 && selection.ticked.size === 0) ? null : selection}
                show={(key) => show({ key, from: "list" })}
              >
                <CloseButton name="Close" close={close} />
              </QuestionList>
            )}
          </QuestionDrawer>
        )}
      </div>
      {cards.length > 0 && <Toast />}
      {open.length > 0 && !replayed && (
        <Sticky target={line}>
          <Icon name="hand" />
          <strong>{plural(total, "question")}</strong>
          {total > 1 ? " need your decision" : " needs your decision"}
          {blocked === null && <Urgency open={open} />}
        </Sticky>
      )}
    </>
  );
}

/** Open questions before closed ones; the nearest deadline first, those without one after them, the oldest first. */
function byDeadline(rows: Iterable<CheckpointRow>): CheckpointRow[] {
  const due = (row: CheckpointRow) => (isOpen(row) ? (row.deadline ?? Number.MAX_VALUE) : Number.POSITIVE_INFINITY);
  return [...rows].sort((a, b) => (due(a) === due(b) ? 0 : due(a) - due(b)));
}

/**
 * The drawer: a question opens it once by itself while nobody works in the panel, and it closes when its question is
 * gone.
 */
function useShown(
  line: RefObject<HTMLElement | null>,
  cards: readonly CheckpointRow[],
): [DrawerState, (drawer: DrawerState) => void] {
  const { drawer, openDrawer } = useView();
  const offered = useRef(new Set<string>());
  const fresh = cards.map(({ key }) => key).filter((key) => !offered.current.has(key));
  const single = typeof drawer === "object" ? drawer : null;
  const gone = single !== null && !cards.some(({ key }) => key === single.key);
  const empty = drawer === "list" && cards.length === 0;
  const next = gone && single.from === "list" && cards.length > 0 ? "list" : null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a list of keys is compared by its text
  useEffect(() => {
    for (const key of fresh) offered.current.add(key);
    if (gone || empty) openDrawer(next);
    else if (drawer === null && fresh.length > 0 && !isUsed(line.current) && !fitsInLine(cards, line.current)) {
      openDrawer(fresh.length > FEW ? "list" : { key: fresh[0] as string, from: "line" });
    }
  }, [fresh.join("\n"), gone, empty]);
  return [gone || empty ? next : drawer, openDrawer];
}

/** True for a single question whose one field stands in the line. */
function fitsInLine(cards: readonly CheckpointRow[], line: HTMLElement | null): boolean {
  const [only, ...others] = cards;
  const fits = only?.form && others.length === 0 && isShort(only) && !only.description;
  return Boolean(fits) && (line?.offsetWidth ?? 0) >= ROOMY;
}

/** True while a person works in the panel: then nothing may come over what is read. */
function isUsed(element: HTMLElement | null): boolean {
  return element?.closest(".rc-active") != null;
}

/** The cards. A question that closes with unsent text stays until it is dismissed. */
function useCards(store: Store) {
  const { drafts, tables } = store;
  const shown = useRef(new Map<string, CheckpointRow>());
  const dismissals = useRef(new Map<string, () => void>());
  const cards = new Map<string, CheckpointRow>();
  for (const [key, row] of shown.current) {
    const now = tables.checkpoints.get(key);
    if (now ? isOpen(now) || drafts.isUnsent(now) : drafts.isUnsent(row)) cards.set(key, now ?? row);
    else drafts.drop(row.id);
  }
  for (const row of tables.checkpoints.rows) if (isOpen(row) || drafts.isUnsent(row)) cards.set(row.key, row);
  shown.current = cards;
  const dismiss = (key: string) => {
    const known = dismissals.current.get(key);
    if (known) return known;
    const end = () => {
      dismissals.current.delete(key);
      drafts.drop(shown.current.get(key)?.id ?? key);
    };
    dismissals.current.set(key, end);
    return end;
  };
  return { cards: byDeadline(cards.values()), dismiss };
}

/** The reason why no answer can be sent. */
function whyBlocked(store: Store): string | null {
  if (store.attachment === "gone") return "The kernel is gone; run the cell again to answer.";
  if (store.attachment === "recorded") return "This is a recording: no kernel is attached, so nothing can be answered.";
  if (store.head?.replay) return "This is a replay: the question is shown as it was asked, and cannot be answered.";
  if (store.head?.link === "stopped") return "The console was stopped; run the cell again to answer.";
  return null;
}

/** The number of urgent questions, in words. */
export function Urgency({ open }: { open: readonly CheckpointRow[] }): ComponentChildren {
  const store = useStore("submissions", "head");
  useNow(open.some((row) => row.deadline !== null));
  const now = store.clocks.dueNow();
  const waiting = open.filter((row) => canAnswer(row, store.submissions.get(row.id), now));
  const last = waiting.filter((row) => isLastMinute(row, now)).length;
  const reminded = waiting.filter((row) => row.reminded).length;
  return (
    <>
      {last > 0 && (
        <span class="rc-urgent rc-tone-failed">
          <Icon name="clock" />
          last minute{open.length > 1 && ` for ${plural(last, "question")}`}
        </span>
      )}
      {reminded > 0 && (
        <span class="rc-urgent rc-tone-paused">
          <Icon name="bell" />
          reminded{open.length > 1 && ` of ${plural(reminded, "question")}`}
        </span>
      )}
    </>
  );
}

/** Keeps the focus at its place on the page when its card or the bar below is removed. */
function useKeptFocus(line: RefObject<HTMLDivElement | null>, shown: string): void {
  const inside = useRef(false);
  useLayoutEffect(() => {
    const element = line.current?.parentElement;
    if (!element) return undefined;
    const note = () => {
      inside.current = element.contains(focused(element));
    };
    const root = element.getRootNode();
    root.addEventListener("focusin", note);
    return () => root.removeEventListener("focusin", note);
  }, [line]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: looks after each change of what is shown
  useLayoutEffect(() => {
    const element = line.current;
    const now = element && focused(element);
    const lost = now === null || now === document.body;
    if (!inside.current || !lost) return;
    // Not on the next card's button: the key that answered one question must not answer another.
    element?.focus({ preventScroll: true });
  }, [line, shown]);
}

/** The focused element, in the page or in the shadow root of the panel. */
function focused(element: Element): Element | null {
  return (element.getRootNode() as Document | ShadowRoot).activeElement;
}
