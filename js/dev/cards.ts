/** Cards in every state of an answer: `?run=cards&show=open,diff,...` (all without `show`). */
import type { CheckpointRow } from "../src/kernel/contract";
import { checkpoint, choiceRows, type FakeKernel, formField, optionRow, requestFields } from "./fake";

const DIFF = `--- a/src/session/store.py
+++ b/src/session/store.py
@@ -12,9 +12,11 @@ class SessionStore:
     def rotate(self, session: Session) -> Session:
-        token = secrets.token_hex(8)
-        self._sessions[session.id] = token
+        token = secrets.token_urlsafe(32)
+        with self._lock:
+            self._sessions[session.id] = token
         return replace(session, token=token)
 
     def drop(self, session_id: str) -> None:
-        del self._sessions[session_id]
+        self._sessions.pop(session_id, None)
`;

const SPEC = `# Password reset by e-mail

1. The link is valid for 30 minutes and can be used once.
2. The answer never tells whether an account exists.
3. Old sessions end when the password has changed.
4. Five requests an hour for each address.
5. The mail has a plain text part.
6. Failed attempts are written to the audit log.
7. The token is stored as a hash.
8. The form works without JavaScript.
9. Rollback: the feature flag \`reset_by_mail\`.
10. Out of scope: single sign-on.
`;

const FORM = [
  formField("name", "text", "Name", { required: true, limits: "at most 40 characters" }),
  formField("epochs", "integer", "Epochs", { start: "10", limits: "1 to 100" }),
  formField("rate", "number", "Learning rate", {
    description: "Of the optimizer",
    start: "0.001",
    limits: "at most 0.1",
  }),
  formField("device", "choice", "Device", { choices: choiceRows("cpu", "gpu", "tpu"), start: '"gpu"' }),
  formField("model", "choice", "Model", {
    choices: choiceRows("resnet-50", "efficientnet-b4", "vit-large-patch16", "convnext-base", "swin-v2"),
    required: true,
  }),
  formField("resume", "boolean", "Resume", {
    description: "From the newest checkpoint, if there is one",
    start: "true",
  }),
  formField("notes", "lines", "Notes"),
  formField("splits", "choices", "Splits", { choices: choiceRows("train", "validation", "test"), start: '["train"]' }),
  formField("limit.day", "date", "Not before", { group: "Time" }),
  formField("limit.end", "datetime", "Stop at", { group: "Time", start: '"2026-05-31T18:00:00Z"' }),
];

export function cards(kernel: FakeKernel, show: string | null): () => void {
  const now = Date.now();
  kernel.setHead({
    link: "live",
    status: "running",
    percent: 42,
    total_tasks: 4,
    completed_tasks: 1,
    title: "Release",
  });
  const asked = { requested_at: now - 95_000, task_name: "Reset passwords", task: "t1" };
  const ours = { answer: "approve", decision: "approve" };
  const all: Record<string, Partial<CheckpointRow>> = {
    open: {
      title: "Review the specification: password reset by e-mail",
      description: "The agent wrote this from issue 812. It implements it as soon as you approve.",
      deadline: now + 272_000,
      context: {
        spec: SPEC,
        changes: ["add src/reset.py", "modify src/session/store.py", "delete src/legacy_reset.py"],
        cost: 0.42,
        risk: "medium",
        template: '{\n  "valid_minutes": 30,\n  "per_hour": 5\n}',
        other: '{\n  "reviewers": 2\n}',
      },
    },
    diff: {
      title: "Apply this change?",
      type: "code_change",
      deadline: now + 4_000_000,
      context: { changes: [DIFF], risk: "high: touches every session" },
    },
    last: { title: "Deploy to staging", type: "deploy", deadline: now + 42_000, reminded: true },
    sending: { title: "Sending", status: "sending", delivery: "sent", ...ours, deadline: now + 100_000 },
    queued: { title: "Waiting for the link", status: "sending", delivery: "queued", ...ours, deadline: now + 100_000 },
    unknown: {
      title: "Nobody knows",
      status: "unknown",
      delivery: "unknown",
      ...ours,
      error: "the link broke before the answer: it may or may not count",
    },
    refused: {
      title: "Refused",
      delivery: "refused",
      ...ours,
      error: "the server does not allow this answer (UNAUTHORIZED)",
    },
    late: { title: "Too late", deadline: now - 1000 },
    form: {
      title: "Fit it to the new data?",
      description: "The data is ready: 48,000 rows in 12 files.",
      type: null,
      options: checkpoint("x")
        .options.slice(0, 2)
        .map((option, index) => ({
          ...option,
          id: index === 0 ? "train" : "skip",
          label: index === 0 ? "Train" : "Skip",
          description: null,
          is_default: false,
          modifies: false,
          fills: index === 0,
        })),
      context: { spec: SPEC },
      form: FORM,
    },
    one: {
      title: "Fit it again?",
      type: null,
      description: null,
      options: [optionRow("train", { label: "Train", fills: true }), optionRow("skip", { label: "Skip" })],
      context: {},
      form: [formField("fast", "boolean", "Fast")],
    },
    actions: {
      title: "Call send_mail, delete_file?",
      type: "approval",
      options: [
        optionRow("approve", { label: "Approve all" }),
        optionRow("reject", { label: "Reject all", destructive: true }),
        optionRow("decide", { label: "Decide each", fills: true }),
      ],
      context: {},
      requests: [
        {
          name: "send_mail",
          description: "Tool execution requires approval",
          args: [
            { name: "to", text: "ann@example.org" },
            { name: "subject", text: "Your invoice of May" },
            { name: "body", text: "Dear Ann,\n\nthe invoice is attached.\n\nBest wishes" },
            { name: "attachments", text: '[\n  "invoice-2026-05.pdf"\n]' },
          ],
        },
        { name: "delete_file", description: null, args: [{ name: "path", text: "/srv/invoices/draft-2026-05.pdf" }] },
      ],
      form: [
        ...requestFields(0, "approve", "edit", "reject", "respond"),
        formField("0.args.to", "text", "to", { path: ["args", "to"], start: '"ann@example.org"' }),
        formField("0.args.body", "lines", "body", { path: ["args", "body"], start: '"Dear Ann"' }),
        formField("0.args.attachments", "json", "attachments", {
          path: ["args", "attachments"],
          start: '[\n  "invoice-2026-05.pdf"\n]',
        }),
        ...requestFields(1, "approve", "reject"),
      ],
    },
    plain: {
      title: "Without descriptions",
      type: null,
      options: checkpoint("x").options.map((option) => ({ ...option, description: null })),
    },
  };
  const wanted = show?.split(",") ?? Object.keys(all);
  for (const name of wanted) kernel.put("checkpoints", checkpoint(name, { ...asked, ...all[name] }));
  kernel.onDecide = ({ id, answer }) => {
    const { name = "", epochs } = (answer.modifications ?? {}) as { name?: string; epochs?: unknown };
    const fields: Record<string, string> = {};
    if (name === "") fields.name = "a value is needed";
    if (Number(epochs) > 100) fields.epochs = `${epochs} is greater than the maximum of 100`;
    kernel.model.receive({ kind: "answer", id, ok: false, error: "the values do not fit", fields });
  };
  return () => {};
}
