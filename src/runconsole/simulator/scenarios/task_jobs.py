"""The four tasks of the task family: their prompts, their work, their questions."""

from __future__ import annotations

from runconsole.simulator.scenarios.task_script import Edit, Job, Option, Part, Question, bar, err, out

__all__ = [
    "ARCHITECTURE",
    "DESIGNS",
    "FIX_AFTER_LIMIT",
    "FIX_BEFORE_LIMIT",
    "FLAKY_TEST",
    "MERGE",
    "ORDERS_ANALYSIS",
    "ORDERS_REPORT",
    "ORDERS_VALIDATION",
    "PASSWORD_RESET",
    "PAYMENTS_RELEASE",
    "PAYMENTS_UPGRADE",
    "PAYMENTS_WORK",
    "RESET_BUILD",
    "RESET_SPEC",
    "SPEC_REVIEW",
]

# ---- 101: a feature, with its specification reviewed --------------------------------------------------------------

PASSWORD_RESET = Job(
    number=101,
    prompt="Add password reset by e-mail to the accounts service. Tokens must expire and work only once.",
    kind="feature",
    provider="claude-code",
    access="subscription",
    rate=690,
    spec_path="specs/password-reset.md",
    changelog="Added: password reset by e-mail.",
    tests=64,
    coverage=91.4,
)

RESET_SPEC = Part(
    phase="specification",
    name="Write the specification",
    description="Read the accounts service and write down what changes",
    seconds=7.0,
    output=(
        *out("\x1b[1mReading accounts/\x1b[0m", "  accounts/models.py", "  accounts/api.py", "  accounts/mail.py"),
        *bar("Indexing", 128, "files"),
        *out("\x1b[36mplan\x1b[0m  3 files to change, 2 to create", "\x1b[36mplan\x1b[0m  one migration, no downtime"),
        *out("Wrote \x1b[4mspecs/password-reset.md\x1b[0m (58 lines)"),
    ),
    edits=(Edit("specs/password-reset.md", "create", added=58),),
)

SPEC_REVIEW = Question(
    key="spec",
    kind="spec_review",
    title="Review the specification: password reset by e-mail",
    description="The agent has written the specification and waits before it changes any code.",
    options=(
        Option("approve", "Approve", "Implement the specification as it is", "approve"),
        Option("modify", "Request changes", "Say in the feedback what should be different", "modify"),
        Option("reject", "Reject", "Cancel the task; nothing has been changed", "reject"),
    ),
    default="approve",
    window_s=120.0,
    context={
        "spec": (
            "# Password reset by e-mail\n\n"
            "1. POST /reset takes an e-mail address and always answers 202.\n"
            "2. A random token of 32 bytes is mailed; only its SHA-256 is stored.\n"
            "3. The token is valid for 30 minutes and works once.\n"
            "4. A new password ends all sessions of the user.\n\n"
            "## Not included\n\nReset by text message, changes to the sign-in page.\n"
        ),
        "changes": [
            "accounts/models.py: new table password_resets",
            "accounts/api.py: POST /reset and POST /reset/confirm",
            "accounts/mail.py: template reset.html",
            "migrations/0012_password_resets.sql",
        ],
        "cost": 0.18,
        "risk": "medium",
    },
)

RESET_BUILD = (
    Part(
        phase="implementation",
        name="Create the table and the token",
        description="Migration 0012 and accounts/reset.py",
        seconds=6.0,
        output=(
            *out("\x1b[33m+\x1b[0m migrations/0012_password_resets.sql", "\x1b[33m+\x1b[0m accounts/reset.py"),
            *out("Applying 0012_password_resets ... \x1b[32mOK\x1b[0m"),
        ),
        edits=(
            Edit("migrations/0012_password_resets.sql", "create", added=14),
            Edit("accounts/reset.py", "create", added=96),
            Edit("accounts/models.py", "modify", added=21, removed=2),
        ),
    ),
    Part(
        phase="implementation",
        name="Add the two endpoints",
        description="POST /reset and POST /reset/confirm, and the e-mail",
        seconds=6.0,
        output=(
            *out("\x1b[33m~\x1b[0m accounts/api.py", "\x1b[33m~\x1b[0m accounts/mail.py"),
            *err("\x1b[33mwarning\x1b[0m: accounts/api.py:88: unused import 'hashlib'"),
            *out("Removed the unused import."),
        ),
        edits=(
            Edit("accounts/api.py", "modify", added=73, removed=4),
            Edit("accounts/templates/reset.html", "create", added=31),
        ),
    ),
    Part(
        phase="validation",
        name="Run the tests",
        description="The whole suite of the accounts service",
        seconds=5.0,
        output=(
            *bar("pytest", 64, "tests"),
            *out(
                "\x1b[32mPASSED\x1b[0m tests/test_reset.py::test_a_token_works_once",
                "\x1b[32mPASSED\x1b[0m tests/test_reset.py::test_a_token_expires",
                "\x1b[32m\x1b[1m64 passed\x1b[0m in 6.81s",
            ),
        ),
        edits=(Edit("tests/test_reset.py", "create", added=120),),
    ),
)

# ---- 102: a slow report, with a choice between designs ------------------------------------------------------------

ORDERS_REPORT = Job(
    number=102,
    prompt="The orders report times out for customers with more than 10,000 orders. Make it answer within a second.",
    kind="performance",
    provider="codex-cli",
    access="api",
    rate=590,
    spec_path="specs/orders-report.md",
    changelog="Fixed: the orders report no longer times out.",
    tests=112,
    coverage=87.9,
)

ORDERS_ANALYSIS = Part(
    phase="specification",
    name="Find where the time goes",
    description="Profile the report with 50,000 orders",
    seconds=8.0,
    output=(
        *bar("Loading orders", 50_000, "rows", steps=10),
        *out("EXPLAIN ANALYZE SELECT ... FROM orders WHERE customer_id = 4711 OFFSET 49900"),
        *out("\x1b[31mSeq Scan\x1b[0m on orders  (actual time=0.02..8412.60 rows=50000)"),
        *err("\x1b[33mwarning\x1b[0m: statement took 8.4 s"),
        *out("Three designs would help; they differ in what they cost later."),
    ),
    edits=(Edit("specs/orders-report.md", "create", added=41),),
)

ARCHITECTURE = Question(
    key="architecture",
    kind="architecture",
    title="Choose the design: orders report",
    description="All three meet the one second. Which one should be built?",
    options=(
        Option("keyset", "Keyset pagination", "Smallest change; pages can no longer be jumped to", "approve"),
        Option("view", "Materialized view", "Fastest to read; up to 5 minutes old", "approve"),
        Option("export", "Background export", "Any size; the customer waits for an e-mail", "approve"),
        Option("reject", "None of these", "Stop the task and keep the report as it is", "reject"),
    ),
    default="keyset",
    window_s=120.0,
    context={
        "changes": ["orders/report.py", "orders/queries.sql", "web/src/OrdersReport.tsx"],
        "cost": 0.12,
        "risk": "low",
    },
)

DESIGNS = {
    "keyset": Part(
        phase="implementation",
        name="Build keyset pagination",
        description="WHERE (created_at, id) < (:at, :id) LIMIT 100",
        seconds=8.0,
        output=(
            *out("\x1b[33m~\x1b[0m orders/queries.sql", "\x1b[33m~\x1b[0m orders/report.py"),
            *out("Index Scan using orders_customer_created  (actual time=0.03..\x1b[32m1.9 ms\x1b[0m)"),
        ),
        edits=(
            Edit("orders/queries.sql", "modify", added=18, removed=11),
            Edit("orders/report.py", "modify", added=44, removed=29),
        ),
    ),
    "view": Part(
        phase="implementation",
        name="Build the materialized view",
        description="orders_by_customer, refreshed every 5 minutes",
        seconds=9.0,
        output=(
            *out("\x1b[33m+\x1b[0m migrations/0044_orders_by_customer.sql", "\x1b[33m~\x1b[0m orders/report.py"),
            *out("REFRESH MATERIALIZED VIEW orders_by_customer ... \x1b[32m2.1 s\x1b[0m"),
        ),
        edits=(
            Edit("migrations/0044_orders_by_customer.sql", "create", added=23),
            Edit("orders/report.py", "modify", added=12, removed=31),
        ),
    ),
    "export": Part(
        phase="implementation",
        name="Build the background export",
        description="A job that writes the report and mails a link",
        seconds=10.0,
        output=(
            *out("\x1b[33m+\x1b[0m orders/export.py", "\x1b[33m~\x1b[0m web/src/OrdersReport.tsx"),
            *out("Export of 50,000 orders: \x1b[32m3.8 s\x1b[0m"),
        ),
        edits=(
            Edit("orders/export.py", "create", added=131),
            Edit("web/src/OrdersReport.tsx", "modify", added=38, removed=12),
        ),
    ),
}

ORDERS_VALIDATION = Part(
    phase="validation",
    name="Measure and test",
    description="The suite, and the report with 50,000 orders",
    seconds=5.0,
    output=(
        *bar("pytest", 112, "tests"),
        *out("\x1b[32m\x1b[1m112 passed\x1b[0m in 5.97s", "report, 50,000 orders: 8412 ms -> \x1b[32m214 ms\x1b[0m"),
    ),
    edits=(Edit("tests/test_orders_report.py", "modify", added=36, removed=3),),
)

# ---- 103: a flaky test, with a provider that runs into its limit --------------------------------------------------

FLAKY_TEST = Job(
    number=103,
    prompt="tests/test_invoice.py::test_rounding fails about once in twenty runs. Find out why and fix it.",
    kind="bugfix",
    provider="claude-code",
    access="subscription",
    rate=510,
    spec_path="specs/flaky-rounding.md",
    changelog="Fixed: invoice totals no longer depend on the order of the lines.",
    tests=87,
    coverage=89.2,
)

FIX_BEFORE_LIMIT = Part(
    phase="implementation",
    name="Reproduce the failure",
    description="Run the test 200 times with random seeds",
    seconds=6.0,
    output=(
        *bar("test_rounding", 200, "runs", steps=10),
        *err("\x1b[31mFAILED\x1b[0m tests/test_invoice.py::test_rounding - assert 10.02 == 10.01"),
        *out("11 of 200 runs failed; all of them sum the lines in another order."),
    ),
)

FIX_AFTER_LIMIT = (
    Part(
        phase="implementation",
        name="Sum in whole cents",
        description="billing/invoice.py: integers instead of floats",
        seconds=5.0,
        output=out("\x1b[33m~\x1b[0m billing/invoice.py", "\x1b[33m~\x1b[0m tests/test_invoice.py"),
        edits=(
            Edit("billing/invoice.py", "modify", added=17, removed=15),
            Edit("tests/test_invoice.py", "modify", added=22, removed=4),
            Edit("billing/rounding_workaround.py", "delete", removed=48),
        ),
    ),
    Part(
        phase="validation",
        name="Run the test 1,000 times",
        description="It must not fail once",
        seconds=5.0,
        output=(*bar("test_rounding", 1_000, "runs", steps=10), *out("\x1b[32m1000 of 1000 passed\x1b[0m")),
    ),
)

# ---- 104: an upgrade, with an approval before it is merged and deployed -------------------------------------------

PAYMENTS_UPGRADE = Job(
    number=104,
    prompt="Upgrade the payments client to v3, adapt the checkout, and release it to production.",
    kind="chore",
    provider="codex-cli",
    access="api",
    rate=810,
    spec_path="specs/payments-v3.md",
    changelog="Changed: the checkout uses payments client v3.",
    tests=143,
    coverage=90.6,
)

PAYMENTS_WORK = (
    Part(
        phase="specification",
        name="Read the migration guide",
        description="What v3 renames and removes",
        seconds=4.0,
        output=out(
            "v3 renames \x1b[36mcharge()\x1b[0m to \x1b[36mcapture()\x1b[0m", "2 of 9 call sites need more than that"
        ),
    ),
    Part(
        phase="implementation",
        name="Adapt the checkout",
        description="Nine call sites in four files",
        seconds=7.0,
        output=(
            *bar("npm install", 412, "packages"),
            *err("npm \x1b[33mwarn\x1b[0m deprecated payments-client@2.9.1: use version 3"),
            *out("\x1b[33m~\x1b[0m checkout/pay.ts", "\x1b[33m~\x1b[0m checkout/refund.ts"),
        ),
        edits=(
            Edit("package.json", "modify", added=1, removed=1),
            Edit("checkout/pay.ts", "modify", added=52, removed=47),
            Edit("checkout/refund.ts", "modify", added=19, removed=16),
        ),
    ),
    Part(
        phase="validation",
        name="Pay in the sandbox",
        description="Suite and 25 payments against the provider's sandbox",
        seconds=5.0,
        output=(
            *bar("sandbox", 25, "payments", steps=5),
            *out("\x1b[32m\x1b[1m143 passed\x1b[0m, 25 payments captured"),
        ),
        edits=(Edit("checkout/pay.test.ts", "modify", added=40, removed=12),),
    ),
)

MERGE = Question(
    key="merge",
    kind="deployment",
    title="Merge and deploy: payments client v3",
    description="All checks are green. This goes to production and touches every payment.",
    options=(
        Option("approve", "Merge and deploy", "Merge the pull request and deploy it", "approve"),
        Option("modify", "Ask for changes", "The agent works your feedback in and then merges", "modify"),
        Option("reject", "Do not merge", "Close the pull request; the task fails", "reject"),
    ),
    default="reject",
    window_s=180.0,
    context={
        "changes": ["package.json (+1 -1)", "checkout/pay.ts (+52 -47)", "checkout/refund.ts (+19 -16)"],
        "cost": 0.21,
        "risk": "high",
    },
)

PAYMENTS_RELEASE = Part(
    phase="finalization",
    name="Merge and deploy",
    description="Squash, tag, deploy, watch the error rate",
    seconds=5.0,
    output=(
        *out("Merged pull request \x1b[36m#318\x1b[0m"),
        *bar("deploy", 6, "instances", steps=6),
        *out("error rate \x1b[32m0.02 %\x1b[0m, unchanged"),
    ),
    edits=(Edit("CHANGELOG.md", "modify", added=3),),
)
