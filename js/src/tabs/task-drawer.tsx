/** The drawer of a task: all that is known of it, over whichever tab is shown. */

import type { ErrorRow, TaskHistory, TaskRow } from "../kernel/contract";
import { useNow, useStore } from "../panel/context";
import { useView } from "../panel/view";
import { Button } from "../ui/button";
import { Clip } from "../ui/clip";
import { CopyButton } from "../ui/copy";
import { Drawer } from "../ui/drawer";
import { clock, count, dollars, duration, plural, size } from "../ui/format";
import { Section, StatusMark, Text } from "../ui/icons";
import { attempts, Progress, Time } from "./columns";
import { WHO } from "./decisions";
import { Line } from "./lines";
import { Subtasks } from "./subtasks";
import { TaskCommands } from "./task-commands";
import { useTask } from "./task-history";

export function TaskDrawer() {
  const { task, openTask } = useView();
  return task === null ? null : <OpenDrawer id={task} close={() => openTask(null)} />;
}

function OpenDrawer({ id, close }: { id: string; close: () => void }) {
  const known = useTask(id);
  const row = known?.row;
  const name = row?.name || id;
  const head = (
    <h3 class="rc-sheet-title">
      {row && <StatusMark status={row.status} />}
      <span class="rc-clip" title={name}>
        {name}
      </span>
      {name !== id && <code class="rc-id">{id}</code>}
    </h3>
  );
  return (
    <Drawer name={`Task ${name}`} head={head} close={close}>
      {known && <Contents row={known.row} history={known.history} close={close} />}
      {known === undefined && <p class="rc-note">The kernel is asked…</p>}
      {known === null && <p class="rc-note">The run has told nothing of this task.</p>}
    </Drawer>
  );
}

function Contents({ row, history, close }: { row: TaskRow; history: TaskHistory; close: () => void }) {
  const failed = row.status === "failed" || row.status === "cancelled";
  return (
    <>
      {row.error && failed && (
        <p class="rc-prose">
          <span class="rc-tone-failed">
            <Text>{row.error}</Text>
          </span>
        </p>
      )}
      <Place row={row} history={history} />
      <TaskCommands row={row} />
      <dl class="rc-detail-facts">
        {factsOf(row).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <Text>{value}</Text>
            </dd>
          </div>
        ))}
      </dl>
      {row.subtasks_total > 0 && (
        <Section title="Subtasks" note={`${count(row.subtasks_done)} of ${count(row.subtasks_total)}`}>
          <Subtasks row={row} />
        </Section>
      )}
      <Attempts row={row} history={history} />
      <Questions history={history} />
      <Files history={history} />
      <Output history={history} close={close} />
    </>
  );
}

function noteOf(shown: number, total: number): string {
  return total > shown ? `the last ${count(shown)} of ${count(total)}` : count(total);
}

/** The errors of the task, each the end of an attempt, the newest first; and the attempt that goes on, or ended well. */
export function Attempts({ row, history }: { row: TaskRow; history: TaskHistory }) {
  const { errors, errors_total } = history;
  if (errors.length === 0) return null;
  const goesOn = row.status === "running" || row.status === "paused" || row.status === "completed";
  return (
    <Section title="Attempts" note={`${noteOf(errors.length, errors_total)} failed`}>
      <ul class="rc-attempts">
        {goesOn && (
          <li>
            <StatusMark status={row.status} word={`${row.status}: attempt ${attempts(row).replace("/", " of ")}`} />
          </li>
        )}
        {[...errors].reverse().map((error, at) => (
          <Failure key={error.key} error={error} open={at === 0 && row.status === "failed"} />
        ))}
      </ul>
    </Section>
  );
}

function Failure({ error, open }: { error: ErrorRow; open: boolean }) {
  const limit = error.max_retries === null ? "" : ` of ${error.max_retries}`;
  return (
    <li>
      <p class="rc-prose">
        <span class="rc-note">
          {error.attempt !== null && `attempt ${error.attempt}${limit} · `}
          <Time at={error.at} />
        </span>{" "}
        {error.error_type && <b class="rc-error-type">{error.error_type}</b>}
        <Text>{error.message}</Text>
      </p>
      {error.stack && (
        <details open={open}>
          <summary>Stack</summary>
          <pre class="rc-pre">{error.stack}</pre>
        </details>
      )}
    </li>
  );
}

function Questions({ history: { questions, questions_total } }: { history: TaskHistory }) {
  if (questions.length === 0) return null;
  return (
    <Section title="Questions" note={noteOf(questions.length, questions_total)}>
      <ul class="rc-rows">
        {questions.map((one) => (
          <li key={one.key}>
            <Clip title={one.title}>{one.title}</Clip>
            <span class="rc-note">
              {one.answer === null ? one.status : `${one.answer}${one.by ? ` by ${WHO[one.by] ?? one.by}` : ""}`}
            </span>
            <Time at={one.decided_at ?? one.asked_at} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Files({ history: { files, files_total } }: { history: TaskHistory }) {
  if (files.length === 0) return null;
  const paths = () => files.map(({ path }) => path).join("\n");
  return (
    <Section title="Files" note={noteOf(files.length, files_total)}>
      <ul class="rc-rows">
        {files.map(({ key, path, action, size: bytes }) => (
          <li key={key}>
            <code class="rc-path" title={path}>
              <bdi>{path}</bdi>
            </code>
            {action && <span class="rc-note">{action}</span>}
            {bytes !== null && <span>{size(bytes)}</span>}
          </li>
        ))}
      </ul>
      <CopyButton text={paths} title="Copy the paths" />
    </Section>
  );
}

function Output({ history: { output, output_searched }, close }: { history: TaskHistory; close: () => void }) {
  const { change } = useView();
  if (output_searched === 0) return null;
  const show = () => {
    close();
    change({ tab: "Output" });
  };
  const all = (
    <Button class="rc-link-button" onClick={show}>
      All output
    </Button>
  );
  return (
    <Section title="Its output" note={all}>
      {output.length === 0 ? (
        <p class="rc-note">None among the newest {plural(output_searched, "line")} of the run.</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling area must be reachable by keyboard
        <div class="rc-log rc-sheet-log" role="log" aria-label="Output of the task" aria-live="off" tabIndex={0}>
          {output.map((line) => (
            <Line key={line.key} row={line} tagged={false} />
          ))}
        </div>
      )}
    </Section>
  );
}

/** The time of the task within the time of the run, with its failures and questions. */
function Place({ row, history }: { row: TaskRow; history: TaskHistory }) {
  const { head, clocks } = useStore("head");
  const ended = row.ended_at !== null;
  useNow(!ended && head?.ended_at === null);
  if (!head || row.started_at === null) return <Progress name={row.name || row.id} row={row} />;
  const now = head.ended_at ?? clocks.serverNow();
  const from = Math.min(head.started_at ?? row.started_at, row.started_at);
  const to = Math.max(now, row.ended_at ?? 0, row.started_at + 1);
  const share = (at: number) => `${((Math.min(Math.max(at, from), to) - from) / (to - from)) * 100}%`;
  const end = row.ended_at ?? now;
  const width = `calc(${share(end)} - ${share(row.started_at)})`;
  const times = `${clock(row.started_at)} to ${ended ? clock(row.ended_at) : "now"}`;
  return (
    <div class="rc-place">
      <div class="rc-place-track" role="img" aria-label={`In the time of the run: ${times}`}>
        <i class={`rc-tone-${row.status}`} style={{ left: share(row.started_at), width }} />
        {history.questions.map(
          (one) =>
            one.asked_at !== null && (
              <i
                key={one.key}
                class="rc-place-asked"
                title={`asked: ${one.title}`}
                style={{
                  left: share(one.asked_at),
                  width: `calc(${share(one.decided_at ?? now)} - ${share(one.asked_at)})`,
                }}
              />
            ),
        )}
        {history.errors.map(
          (one) =>
            one.at !== null && (
              <i key={one.key} class="rc-place-error" title={one.message} style={{ left: share(one.at) }} />
            ),
        )}
      </div>
      <div class="rc-note rc-place-times">
        <span>{clock(from)}</span>
        <span>
          {times}
          {row.duration_s !== null && ended && `, ${duration(row.duration_s)}`}
        </span>
        <span>{head.ended_at === null ? "now" : clock(to)}</span>
      </div>
    </div>
  );
}

function factsOf(row: TaskRow): [string, string][] {
  const facts: [string, string | null][] = [
    ["Step", row.step],
    ["Phase", row.phase_name ?? (row.phase === null ? null : String(row.phase))],
    ["Wave", row.wave === null ? null : String(row.wave)],
    ["Time", row.duration_s === null ? null : duration(row.duration_s)],
    ["Attempts", attempts(row).replace("/", " of ") || null],
    ["Tokens", row.tokens === null ? null : count(row.tokens)],
    ["Cost", row.cost_usd === null ? null : dollars(row.cost_usd)],
    ["Worker", row.worker_id],
    ["Provider", row.provider_id],
    ...(row.details ?? []),
  ];
  return facts.filter((fact): fact is [string, string] => fact[1] !== null);
}
