/** The state of commands for tasks sent here (cancel, pause, resume, retry): one at a time for each task. */

import type { TaskRow, ToKernel, Verb } from "../kernel/contract";
import type { Env } from "../page/env";

export interface Command {
  readonly id: string;
  readonly verb: Verb;
  readonly phase: "sending" | "taken" | "refused";
  readonly error: string | null;
}

/** Commands that a task can take in its present state. */
export function verbsFor(status: TaskRow["status"]): readonly Verb[] {
  switch (status) {
    case "running":
      return ["pause", "cancel"];
    case "paused":
      return ["resume", "cancel"];
    case "pending":
      return ["cancel"];
    case "failed":
    case "cancelled":
      return ["retry"];
    default:
      return [];
  }
}

export class Commands {
  readonly #env: Env;
  readonly #send: (message: ToKernel) => boolean;
  readonly #changed: () => void;
  readonly #given = new Map<string, Command>();

  constructor(env: Env, send: (message: ToKernel) => boolean, changed: () => void) {
    this.#env = env;
    this.#send = send;
    this.#changed = changed;
  }

  get(task: string): Command | undefined {
    return this.#given.get(task);
  }

  /** Sends a command for the task with this key; false while another one is on its way. */
  give(task: string, verb: Verb): boolean {
    if (this.get(task)?.phase === "sending") return false;
    const id = this.#env.id();
    if (!this.#send({ kind: "command", id, task, command: verb })) return false;
    this.#given.set(task, { id, verb, phase: "sending", error: null });
    this.#changed();
    return true;
  }

  /** Takes the answer of the server, or of the kernel. */
  answer(id: string, ok: boolean, error: string | null): void {
    for (const [task, command] of this.#given) {
      if (command.id !== id) continue;
      this.#given.set(task, { ...command, phase: ok ? "taken" : "refused", error });
      this.#changed();
    }
  }
}
