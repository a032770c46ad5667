"""The ends of a task: success, an error, or a cancellation by a person or a deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runconsole.simulator.scenario import Step
    from runconsole.simulator.scenarios.task_agent import Agent

__all__ = ["cancel", "complete", "fail"]

_INPUT_SHARE = 0.7  # of an agent's tokens


def complete(agent: Agent) -> Iterator[Step]:
    """End the task well."""
    yield agent.event(
        "agent.completed",
        agentId=agent.agent_id,
        providerId=agent.job.provider,
        result={"success": True, "exitCode": 0},
        metrics=_agent_metrics(agent),
    )
    metrics = {
        "totalDuration": agent.elapsed(),
        "providerTime": {agent.job.provider: round(agent.worked_s, 1)},
        "tokensUsed": agent.tokens,
        "cost": agent.cost,
    }
    yield agent.event("task.completed", result=_result(agent), metrics=metrics)


def fail(agent: Agent, code: str, message: str) -> Iterator[Step]:
    """End the task with a recoverable error."""
    error = {"code": code, "message": message, "recoverable": True}
    yield _agent_terminated(agent, "error")
    yield agent.event("task.failed", error=error, **_last_checkpoint(agent), metrics=_sums(agent))


def cancel(agent: Agent, reason: str, cancelled_by: str) -> Iterator[Step]:
    """Cancel the task in the name of `cancelled_by`: `user` or `timeout`."""
    yield _agent_terminated(agent, "timeout" if cancelled_by == "timeout" else "user_cancel")
    yield agent.event("task.cancelled", reason=reason, cancelledBy=cancelled_by, **_last_checkpoint(agent))


def _result(agent: Agent) -> dict[str, Any]:
    job = agent.job
    return {
        "success": True,
        "filesCreated": _edited(agent, "create"),
        "filesModified": _edited(agent, "modify"),
        "filesDeleted": _edited(agent, "delete"),
        "testsRun": job.tests,
        "testsPassed": job.tests,
        "coverage": job.coverage,
        "commitHash": f"{agent.rng.getrandbits(160):040x}",
        "pullRequestUrl": f"https://git.example.com/shop/pull/{job.number + 214}",
        "specPath": job.spec_path,
        "changelogEntry": job.changelog,
    }


def _edited(agent: Agent, action: str) -> list[str]:
    return [edit.path for edit in agent.edits if edit.action == action]


def _agent_metrics(agent: Agent) -> dict[str, Any]:
    tokens_in = round(agent.tokens * _INPUT_SHARE)
    return {
        "duration": round(agent.worked_s * 1000),  # agents report milliseconds
        "tokensInput": tokens_in,
        "tokensOutput": agent.tokens - tokens_in,
        "tokensTotal": agent.tokens,
        "toolCalls": len(agent.edits),
        "filesChanged": len(agent.edits),
        "cost": agent.cost,
    }


def _agent_terminated(agent: Agent, reason: str) -> Step:
    return agent.event(
        "agent.terminated",
        agentId=agent.agent_id,
        providerId=agent.job.provider,
        reason=reason,
        metrics=_sums(agent),
    )


def _sums(agent: Agent) -> dict[str, Any]:
    return {"duration": agent.elapsed(), "tokensUsed": agent.tokens, "cost": agent.cost}


def _last_checkpoint(agent: Agent) -> dict[str, str]:
    return {"lastCheckpoint": f"cp-{agent.job.number}-auto-{agent.saved}"} if agent.saved else {}
