"""Says which names a policy gives to which repositories, by patterns alone. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from repoprio.policy.model import Pin, Policy, Repository
from repoprio.policy.patterns import Pattern

ANY = Pattern("*")


def allowed(repository: Repository) -> tuple[Pattern, ...]:
    """The patterns of names that `repository` may serve, without its `exclude`."""
    return repository.namespaces + repository.include or (ANY,)


def overlap(patterns: Iterable[Pattern], other: Pattern) -> bool:
    """Whether a name may match `other` and one of `patterns`."""
    return any(pattern.overlaps(other) for pattern in patterns)


def routed(pins: Iterable[Pin]) -> Iterator[Pattern]:
    """The patterns of names that `pins` route or block."""
    return (pattern for pin in pins if pin.repositories or pin.block is not None for pattern in pin.projects)


def repositories_below(policy: Policy, repository: Repository) -> list[Repository]:
    """The repositories that may get a name that `repository` does not serve; none if it is explicit."""
    others = policy.enabled() if not repository.explicit else []
    return [r for r in others if r.priority > repository.priority and not r.explicit]


class Claims:
    """Patterns by their literal prefix: only a pattern with a fitting prefix can cover another one."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        self._by_prefix: dict[str, list[Pattern]] = {}
        for pattern in dict.fromkeys(patterns):
            self._by_prefix.setdefault(re.split(r"[*?]", pattern.text)[0], []).append(pattern)

    def cover(self, pattern: Pattern) -> bool:
        """Whether one of the patterns certainly matches every name that `pattern` matches."""
        return bool(self.covering(pattern))

    def covering(self, pattern: Pattern) -> list[Pattern]:
        """The patterns that certainly match every name that `pattern` matches, the most specific first."""
        starts = (pattern.text[:end] for end in range(len(pattern.text) + 1))
        known = (other for start in starts for other in self._by_prefix.get(start, ()))
        return sorted((p for p in known if p.covers(pattern)), key=lambda p: p.specificity, reverse=True)


def may_supply(policy: Policy, repository: Repository) -> bool:
    """Whether some name may come from `repository`; True if that is uncertain."""
    may_serve = allowed(repository)
    pinned = [
        p for pin in policy.pins if repository.name in pin.repositories and pin.block is None for p in pin.projects
    ]
    owned = [*repository.namespaces, *repository.owns]
    elsewhere = Claims(
        routed(pin for pin in policy.pins if repository.name not in pin.repositories or pin.block is not None)
    )
    others = Claims(p for r in policy.repositories if r is not repository for p in (*r.namespaces, *r.owns))
    excluded = Claims(repository.exclude)
    open_to_it = () if repository.explicit else (p for p in may_serve if not others.cover(p))
    ways = (*pinned, *(p for p in (*owned, *open_to_it) if not elsewhere.cover(p)))
    return any(overlap(may_serve, p) and not excluded.cover(p) for p in ways)
