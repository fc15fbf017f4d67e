"""Compares a gateway's answers about itself with the policy that names it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from repoprio.explain.refusal_remedies import connection_remedy
from repoprio.lookup.reasons import Cause
from repoprio.policy.model import Policy
from repoprio.redaction import display_url
from repoprio.urls import place_or_text


class Finding(NamedTuple):
    """What is wrong with a gateway: a stable code, a sentence, and what to do."""

    code: str
    text: str
    fix: str


class Answer(NamedTuple):
    """What a gateway answered to `doctor --network`; `problem` is why there is no usable answer, "" if there is one.

    `cause`: of the problem; `is_ready`: what its ``/health/ready`` says; `state`: its header X-Repoprio-State for a
    name that nobody has, None without that header; `repositories`: those of its policy, as ``/explain`` has them. None:
    not known.
    """

    problem: str = ""
    is_ready: bool | None = None
    state: str | None = None
    repositories: Sequence[Mapping[str, Any]] | None = None
    cause: Cause | None = None


def findings(policy: Policy, answer: Answer) -> list[Finding]:
    """What is wrong with the gateway, by its own answers."""
    url = policy.gateway or ""
    start = "start repoprio serve there, or correct gateway in the policy"
    if answer.problem:
        remedy = connection_remedy(answer.cause)
        return [Finding("gateway-down", f"no usable answer: {answer.problem}", remedy.text if remedy else start)]
    if answer.state is None:
        text = "no gateway answers there: its pages have no X-Repoprio-State"
        return [Finding("no-gateway", text, start)]
    problems = []
    if answer.is_ready is False:
        text = "it says that it is not ready: its ownership memory cannot be read"
        problems.append(Finding("gateway-not-ready", text, "see its log: repair or restore the store (--store)"))
    is_own = any(repository.is_at(url) for repository in policy.repositories)
    differs = list(_differing(policy, answer.repositories or ())) if answer.repositories and not is_own else []
    problems += [
        Finding("gateway-policy", text, "give both the same policy, and have the gateway reload it (SIGHUP)")
        for text in differs
    ]
    return problems


def _differing(policy: Policy, there: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """How the gateway's repositories differ from those of the policy, one sentence for each."""
    ours = {repository.name: repository for repository in policy.repositories}
    theirs = {str(entry.get("name")): entry for entry in there}
    yield from (f"its policy has no repository {name}" for name in ours if name not in theirs)
    yield from (f"its policy has {name}, which this one does not have" for name in theirs if name not in ours)
    for name in ours.keys() & theirs.keys():
        priority, url = theirs[name].get("priority"), str(theirs[name].get("url"))
        here = ours[name].locations[0].shown
        if priority != ours[name].priority:
            yield f"{name} has priority {priority} there, and {ours[name].priority} here"
        if place_or_text(url) != place_or_text(here):
            yield f"{name} is {display_url(url)} there, and {here} here"
