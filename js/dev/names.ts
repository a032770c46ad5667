/** Names that the runs of the dev page share. */
export const PHASES = [
  ["Discovery", 5],
  ["Analysis", 15],
  ["Planning", 20],
  ["Execution", 70],
  ["Validation", 10],
] as const;
const VERBS = ["Implement", "Refactor", "Validate", "Document", "Design", "Review"];
export const NOUNS = [
  "auth.py",
  "session store",
  "rate limiter",
  "user model",
  "password reset flow",
  "token rotation",
  "audit log",
];

export const pick = <T>(items: readonly T[], n: number): T => items[n % items.length] as T;
export const named = (n: number) => `${pick(VERBS, n * 7)} ${pick(NOUNS, n * 3 + Math.floor(n / 5))}`;

export function event(type: string, taskId: string | null, at: number, payload: string) {
  const kind =
    type === "malformed"
      ? ("malformed" as const)
      : type === "provider.warmup"
        ? ("unknown" as const)
        : ("known" as const);
  return { type, task: taskId, at, kind, payload };
}
