"""The course of each of the four tasks, and its reaction to a person's decision."""

from __future__ import annotations

from collections.abc import Callable

from runconsole.simulator.scenario import Decision, Script, Sleep
from runconsole.simulator.scenarios import task_jobs as jobs
from runconsole.simulator.scenarios.task_agent import Agent
from runconsole.simulator.scenarios.task_ending import cancel, complete, fail
from runconsole.simulator.scenarios.task_question import ask
from runconsole.simulator.scenarios.task_script import Job, Part, err, out

__all__ = ["FLOWS", "Flow"]

_SHOWN_FEEDBACK = 80  # characters of it in a subtask's name


def _password_reset(agent: Agent) -> Script:
    """Specification, review, build. A rejected specification cancels the task."""
    yield from agent.begin((jobs.RESET_SPEC, *jobs.RESET_BUILD))
    yield from agent.work(jobs.RESET_SPEC)
    decision = yield from ask(agent, jobs.SPEC_REVIEW)
    if decision.option == "reject":
        yield from cancel(agent, _because("Specification rejected", decision), "user")
        return
    if decision.option == "modify":
        yield from _rework(agent, "specification", "Revise the specification", decision)
    for part in jobs.RESET_BUILD:
        yield from agent.work(part)
    yield from complete(agent)


def _orders_report(agent: Agent) -> Script:
    """Analysis, choice of a design, the chosen design. Choosing none cancels the task."""
    yield from agent.begin((jobs.ORDERS_ANALYSIS,))
    yield from agent.work(jobs.ORDERS_ANALYSIS)
    decision = yield from ask(agent, jobs.ARCHITECTURE)
    if decision.option == "reject":
        yield from cancel(agent, _because("No design was chosen", decision), "user")
        return
    if decision.feedback:
        yield from agent.write(*out(f"Noted: {decision.feedback}"))
    chosen = (jobs.DESIGNS[decision.option], jobs.ORDERS_VALIDATION)
    yield from agent.plan(chosen)
    for part in chosen:
        yield from agent.work(part)
    yield from complete(agent)


def _flaky_test(agent: Agent) -> Script:
    """No question, but a provider that reaches its rate limit once and recovers."""
    yield from agent.begin((jobs.FIX_BEFORE_LIMIT, *jobs.FIX_AFTER_LIMIT))
    yield from agent.work(jobs.FIX_BEFORE_LIMIT)
    yield from _rate_limited(agent, wait_s=3)
    for part in jobs.FIX_AFTER_LIMIT:
        yield from agent.work(part)
    yield from complete(agent)


def _payments_upgrade(agent: Agent) -> Script:
    """Upgrade, approval, release. A time-out cancels the task; a person's no fails it."""
    yield from agent.begin((*jobs.PAYMENTS_WORK, jobs.PAYMENTS_RELEASE))
    for part in jobs.PAYMENTS_WORK:
        yield from agent.work(part)
    decision = yield from ask(agent, jobs.MERGE)
    if decision.option == "reject" and decision.automatic:
        yield from cancel(agent, "Nobody approved the merge in time; nothing was merged.", "timeout")
        return
    if decision.option == "reject":
        yield from fail(agent, "MERGE_REJECTED", _because("The merge was not approved", decision))
        return
    if decision.option == "modify":
        yield from _rework(agent, "implementation", "Work in the review", decision)
    yield from agent.work(jobs.PAYMENTS_RELEASE)
    yield from complete(agent)


def _because(what: str, decision: Decision) -> str:
    return f"{what}: {decision.feedback}" if decision.feedback else f"{what}."


def _rework(agent: Agent, phase: str, name: str, decision: Decision) -> Script:
    """Add a subtask with the person's own words, and do it."""
    feedback = decision.feedback or "as discussed"
    shown = feedback if len(feedback) <= _SHOWN_FEEDBACK else feedback[: _SHOWN_FEEDBACK - 1] + "…"
    part = Part(
        phase=phase,
        name=f"{name}: {shown}",
        description=feedback,
        seconds=4.0,
        output=out("\x1b[1mFeedback from the reviewer\x1b[0m", f"  {feedback}", "\x1b[36mplan\x1b[0m  updated"),
    )
    yield from agent.plan((part,))
    yield from agent.work(part)


def _rate_limited(agent: Agent, wait_s: int) -> Script:
    job = agent.job
    limit = {"type": "tokens", "current": 40_000, "max": 40_000, "resetAt": agent.clock.stamp(wait_s)}
    yield agent.event(
        "agent.rate_limited",
        agentId=agent.agent_id,
        providerId=job.provider,
        accessMode=job.access,
        limit=limit,
        action={"type": "wait", "waitSeconds": wait_s},
    )
    yield from agent.write(*err(f"\x1b[31merror\x1b[0m: {job.provider}: rate limit reached (429), waiting {wait_s} s"))
    yield agent.event(
        "agent.error",
        agentId=agent.agent_id,
        providerId=job.provider,
        error={
            "code": "RATE_LIMITED",
            "message": f"{job.provider} refused the request: 40,000 tokens a minute are used up",
            "recoverable": True,
        },
        action={"type": "retry", "retryCount": 1},
    )
    yield Sleep(wait_s)
    yield from agent.write(*out("\x1b[32mretry 1\x1b[0m accepted, going on"))


Flow = Callable[[Agent], Script]

FLOWS: tuple[tuple[Job, Flow], ...] = (
    (jobs.PASSWORD_RESET, _password_reset),
    (jobs.ORDERS_REPORT, _orders_report),
    (jobs.FLAKY_TEST, _flaky_test),
    (jobs.PAYMENTS_UPGRADE, _payments_upgrade),
)
"""The tasks in the order of the queue."""
