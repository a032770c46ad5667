"""The execution scenario's plan: the `authentication_feature`, 120 tasks in 5 phases, 45 artifacts."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PHASES", "WORK_STEPS", "PlannedTask", "kind_of", "language_of", "planned_tasks"]

PHASES = ("Discovery", "Analysis", "Planning", "Execution", "Validation")

# One task a line; after "->" the file it creates.
_DISCOVERY = """
Read the repository layout
List authentication entry points
Collect the existing user models
Map external identity providers
Summarize open security findings
"""

_ANALYSIS = """
Analyze authentication requirements -> docs/auth/requirements.md
Analyze session storage options
Analyze password policy
Analyze token lifetimes
Compare hashing algorithms
Trace the current login flow
Trace the current logout flow
Find callers of the legacy auth module
Identify personal data in requests
Model threats to the login form -> docs/auth/threat-model.md
Model threats to the token endpoint
Estimate load on the login endpoint
Review rate limiting needs
Review audit log requirements
Write acceptance criteria
"""

_PLANNING = """
Design the user table -> docs/auth/schema.md
Design the session table
Design the refresh token rotation
Design the password reset flow
Design the error responses
Design the public API -> docs/auth/openapi.yaml
Plan database migrations
Plan the feature flag -> config/features.toml
Plan the rollout
Plan backwards compatibility
Plan test data
Plan the login tests
Plan the token tests
Plan the reset tests
Plan load tests
Plan metrics and alerts -> config/alerts.yaml
Split the work into atoms
Order the atoms by dependency
Assign atoms to waves
Review the plan
"""

_EXECUTION = """
Implement auth.py -> src/auth.py
Implement models.py -> src/models.py
Implement the password hasher -> src/auth/passwords.py
Test the password hasher -> tests/auth/test_passwords.py
Tune hashing cost
Implement the user repository -> src/auth/users.py
Test the user repository -> tests/auth/test_users.py
Create the users migration -> migrations/0007_users.sql
Apply the users migration
Check the users migration backwards
Implement the session store -> src/auth/sessions.py
Test the session store -> tests/auth/test_sessions.py
Create the sessions migration -> migrations/0008_sessions.sql
Apply the sessions migration
Index sessions by expiry
Implement access tokens -> src/auth/tokens.py
Test access tokens -> tests/auth/test_tokens.py
Implement refresh token rotation -> src/auth/refresh.py
Test refresh token rotation -> tests/auth/test_refresh.py
Load signing keys from the key store
Rotate signing keys in staging
Implement the login endpoint -> src/api/login.py
Test the login endpoint -> tests/api/test_login.py
Wire the login endpoint into the router
Implement the logout endpoint -> src/api/logout.py
Test the logout endpoint -> tests/api/test_logout.py
Wire the logout endpoint into the router
Implement the token endpoint -> src/api/token.py
Test the token endpoint -> tests/api/test_token.py
Wire the token endpoint into the router
Implement the password reset endpoint -> src/api/reset.py
Test the password reset endpoint -> tests/api/test_reset.py
Write the reset e-mail template -> src/mail/templates/reset.html
Send the reset e-mail in staging
Implement the authentication service -> src/services/auth.py
Test the authentication service -> tests/services/test_auth.py
Replace the legacy service in the checkout
Replace the legacy service in the back office
Implement the auth middleware -> src/api/middleware.py
Test the auth middleware -> tests/api/test_middleware.py
Enable the middleware for internal routes
Enable the middleware for public routes
Implement the rate limiter -> src/auth/ratelimit.py
Test the rate limiter -> tests/auth/test_ratelimit.py
Choose rate limits from traffic samples
Implement the audit log -> src/auth/audit.py
Ship audit records to the log store
Implement role checks -> src/auth/roles.py
Migrate roles of existing users
Implement the lockout policy -> src/auth/lockout.py
Simulate a lockout
Implement second factors -> src/auth/otp.py
Enroll a test device
Implement the OAuth client -> src/auth/oauth.py
Register the OAuth client in staging
Implement the settings schema -> src/auth/settings.py
Validate settings at start-up
Implement the command line tools -> src/auth/cli.py
Write the sign-in page -> web/src/SignIn.tsx
Style the sign-in page
Check the sign-in page with a screen reader
Translate the sign-in page
Remove the legacy session cookie
Remove the legacy auth module
Format and lint the change
Type-check the change
Scan dependencies for advisories
Measure login latency
Refactor token parsing
Review the change
"""

_VALIDATION = """
Run unit tests
Run integration tests
Run validation tests
Run load tests -> reports/load-test.md
Run the security scan
Check acceptance criteria
Check the rollout plan
Check the audit trail
Rehearse the rollback
Write the release notes -> docs/auth/release-notes.md
"""

WORK_STEPS = ("draft", "implement", "self_review")
"""The subtasks of a task that writes source code, in order."""

_LANGUAGES = {
    "html": "html",
    "md": "markdown",
    "py": "python",
    "sql": "sql",
    "toml": "toml",
    "tsx": "typescript",
    "yaml": "yaml",
}


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """One of the 120 tasks: `artifact` is the path of the file it creates, if any."""

    id: str
    name: str
    phase: int
    artifact: str | None

    @property
    def writes_code(self) -> bool:
        """True if the task creates a source file (it then reports the subtasks `WORK_STEPS`)."""
        return self.artifact is not None and kind_of(self.artifact) == "file"


def planned_tasks() -> list[PlannedTask]:
    """Return the plan in order: 5, 15, 20, 70 and 10 tasks."""
    tasks: list[PlannedTask] = []
    for phase, lines in enumerate((_DISCOVERY, _ANALYSIS, _PLANNING, _EXECUTION, _VALIDATION)):
        for line in lines.strip().splitlines():
            name, _, artifact = line.partition(" -> ")
            tasks.append(PlannedTask(f"task_{len(tasks) + 1:03}", name, phase, artifact or None))
    return tasks


def kind_of(path: str) -> str:
    """Return the artifact type of a path: `test`, `documentation`, `config` or `file`."""
    if path.startswith("tests/"):
        return "test"
    if path.startswith(("docs/", "reports/")):
        return "documentation"
    return "config" if path.startswith("config/") else "file"


def language_of(path: str) -> str:
    """Return the language of a path by its extension."""
    return _LANGUAGES[path.rpartition(".")[2]]
