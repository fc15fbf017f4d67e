"""Refuses policies that one index for all clients cannot obey. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from repoprio.errors import RepoprioError
from repoprio.policy.model import Mode, Policy


class CannotServe(RepoprioError):
    """The gateway cannot obey the policy; the text names all reasons."""

    def __init__(self, problems: list[str]) -> None:
        lines = [f"  {problem}" for problem in problems]
        super().__init__("\n".join(["the gateway cannot serve this policy:", *lines, "  [cannot-serve]"]))


def check(policy: Policy) -> None:
    """Raise `CannotServe` if the gateway cannot obey the policy."""
    problems = list(_modes(policy))
    if problems:
        raise CannotServe(problems)


def _modes(policy: Policy) -> Iterator[str]:
    if policy.mode in (Mode.FLEXIBLE, Mode.OBSERVE):
        rule = policy.rule("mode", f'"{policy.mode.value}"')
        yield f'{rule}: {_WHY[policy.mode]}\n    hint: use mode = "strict" for the gateway'
    for pin in policy.pins:
        if pin.mode is Mode.FLEXIBLE:
            rule = policy.rule(f"pins.{pin.name}.mode", '"flexible"')
            yield f'{rule}: {_WHY[Mode.FLEXIBLE]}\n    hint: use "strict" or "merge" there'


_WHY = {
    Mode.FLEXIBLE: "it depends on the requirement, which an index does not know",
    Mode.OBSERVE: "it lets pip choose, and an index has to decide",
}
