"""Answers that are not pages: problem documents (RFC 9457), with a status that clients understand. Pure.

After a 404 a client asks its next index, so it is sent only if every repository that may serve the name said that it
has no such project. 410 is final, also for uv; 503 is tried again.
"""

from __future__ import annotations

import json
from typing import Any

from repoprio.dataclass import dataclass
from repoprio.explain.explaining import explain
from repoprio.explain.explanation import Explanation, LineStatus
from repoprio.lookup.events import RepositoryState
from repoprio.lookup.project import Code, Decision, Outcome
from repoprio.policy.model import Policy, Repository
from repoprio.policy.routing import asked_for
from repoprio.render.messages import refusals, sentences

MEDIA_TYPE = "application/problem+json"
_TITLES = {
    Code.ABSENT: "No repository has this project",
    Code.OWNED_ABSENT: "Its owner does not have this project",
    Code.REMEMBERED: "Its owner does not have this project any more",
    Code.BLOCKED: "The policy blocks this project",
    Code.AMBIGUOUS: "Two pins of the policy contradict each other",
    Code.OWNER_RULED_OUT: "Its owner may not be asked",
    Code.UNAVAILABLE: "A repository that may own this project is unavailable",
}


@dataclass(frozen=True)
class Problem:
    """An answer that is not a page; `code` is for the header X-Repoprio-State, `owners` for X-Repoprio-Owner."""

    status: int
    code: str
    title: str
    detail: str
    owners: tuple[str, ...] = ()
    more: tuple[tuple[str, Any], ...] = ()

    @property
    def unavailable(self) -> tuple[str, ...]:
        """The names of the repositories that gave no usable answer."""
        lines = dict(self.more).get("repositories", ())
        return tuple(line["name"] for line in lines if line["status"] == LineStatus.UNAVAILABLE.value)

    @property
    def body(self) -> bytes:
        """The problem document."""
        document = {"title": self.title, "status": self.status, "detail": self.detail, "code": self.code}
        return json.dumps({**document, **dict(self.more)}, indent=2).encode()


def of_decision(policy: Policy, decision: Decision[Any], store: str = "") -> Problem:
    """The answer if no repository serves the name; `store` is the ownership memory, without a login."""
    explanation = explain(policy, decision, decision.name, {}, store=store)
    lead, *details = _text(explanation)
    repositories = [
        {"name": line.repository.name, "priority": line.repository.priority, "status": line.status.value}
        | ({"reason": line.reason} if line.status in (LineStatus.ABSENT, LineStatus.UNAVAILABLE) else {})
        for line in explanation.lines
    ]
    return Problem(
        _status(decision),
        decision.code.value,
        _TITLES[decision.code],
        " ".join(f"{text.removesuffix('.')}." for text in (lead, *details)),
        tuple(owner.name for owner in explanation.owners),
        (("project", decision.name), ("repositories", repositories)),
    )


def _text(explanation: Explanation) -> tuple[str, ...]:
    if explanation.code is Code.ABSENT:
        # Not in pip's own words.
        return (sentences.sentence(explanation),)
    message = refusals.refusal(explanation)
    return (message.lead, *message.details)


def _status(decision: Decision[Any]) -> int:
    if decision.outcome is Outcome.UNAVAILABLE:
        return 503
    if decision.code is not Code.ABSENT:
        return 410
    routed = asked_for(decision.route)
    if any(result.skipped for result in decision.results):
        return 503
    absent = {result.repository.name for result in decision.of(RepositoryState.ABSENT)}
    return 404 if routed and absent >= routed else 410


def unknown_path() -> Problem:
    """The answer for a path that does not exist."""
    return Problem(
        404, "no-such-page", "There is no such page", "The index is at /simple/; a project at /simple/NAME/."
    )


def no_file() -> Problem:
    """The answer if the project's current page does not list the file."""
    return Problem(404, "no-such-file", "There is no such file", "The page of the project does not list it (any more).")


def no_list(repository: Repository, reason: str) -> Problem:
    """The answer if the list of all projects would be incomplete."""
    return Problem(
        502, "project-list", "There is no complete project list", f"{repository}: {reason}.", (repository.name,)
    )


def bad_file(repository: Repository, reason: str) -> Problem:
    """The answer if a repository does not send its file."""
    return Problem(502, "file-unavailable", "The file is not available", f"{repository}: {reason}.", (repository.name,))


def wrong_method() -> Problem:
    """The answer to methods other than GET and HEAD."""
    return Problem(405, "method", "This index is read only", "Use GET or HEAD.")


def no_media() -> Problem:
    """The answer if the client accepts neither JSON nor HTML."""
    detail = (
        "A page is available as application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html, text/html."
    )
    return Problem(406, "not-acceptable", "There is no page in a format that you accept", detail)


def unsound_memory(reason: str) -> Problem:
    """The answer while the ownership memory cannot be read or written."""
    detail = f"The ownership memory cannot be used: {reason}. Without it, only pages that are known already are served."
    return Problem(503, "ownership-memory", "The ownership memory is unavailable", detail)


def broken() -> Problem:
    """The answer after an internal error."""
    return Problem(503, "internal", "The gateway failed", "Its log has the reason.")
