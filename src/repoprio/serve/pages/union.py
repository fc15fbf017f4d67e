"""Makes the list of all projects: the lists of the repositories, with the names that each may serve. Pure."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence

from repoprio.names import OWN_NAME, NormalizedName
from repoprio.policy.model import Policy
from repoprio.policy.patterns import Pattern
from repoprio.policy.routing import asked_for, route
from repoprio.serve.requests import Media

# The number of names that are written at a time: a list can have a million.
_PART = 5000
_HTML_BEGIN = (
    '<!DOCTYPE html>\n<html><head>\n<meta name="pypi:repository-version" content="1.0">\n'
    "<title>Simple index</title>\n</head><body>\n"
)


def union(policy: Policy, lists: Mapping[str, frozenset[NormalizedName]]) -> list[NormalizedName]:
    """The sorted names that are listed by a repository that may serve them; the keys of `lists` are repositories."""
    names = sorted(frozenset().union(*lists.values()))
    special = _special(policy, names)
    open_to = [r for r in policy.enabled() if not (r.explicit or r.namespaces or r.include)]
    plain = frozenset().union(*(lists.get(repository.name, frozenset()) for repository in open_to))
    return [name for name in names if (_is_listed(policy, lists, name) if name in special else name in plain)]


def _is_listed(policy: Policy, lists: Mapping[str, frozenset[NormalizedName]], name: NormalizedName) -> bool:
    return any(name in lists.get(repository, ()) for repository in asked_for(route(policy, name)))


def _special(policy: Policy, names: Sequence[NormalizedName]) -> set[NormalizedName]:
    """The names that a pattern of the policy matches; routing each of a million names would take too long."""
    special = {OWN_NAME}
    for pattern in _patterns(policy):
        begin = re.split(r"[*?]", pattern.text)[0]
        for name in names[bisect_left(names, begin) :]:
            if not name.startswith(begin):
                break
            if pattern.matches(name):
                special.add(name)
    return special


def _patterns(policy: Policy) -> set[Pattern]:
    repositories = (r for r in policy.repositories)
    of_repositories = {p for r in repositories for p in (*r.namespaces, *r.owns, *r.include, *r.exclude)}
    return of_repositories | {pattern for pin in policy.pins for pattern in pin.projects}


def write(names: Sequence[NormalizedName], media: Media) -> Iterator[bytes]:
    """The list in one of its formats, in parts; normalized names need no escaping."""
    begin, end = ('{"meta":{"api-version":"1.0"},"projects":[', "]}") if media is Media.JSON else _HTML_ENDS
    yield begin.encode()
    for start in range(0, len(names), _PART):
        part = names[start : start + _PART]
        yield (_json(part, is_first=not start) if media is Media.JSON else _html(part)).encode()
    yield end.encode()


_HTML_ENDS = (_HTML_BEGIN, "</body></html>\n")


def _json(names: Iterable[NormalizedName], *, is_first: bool) -> str:
    return ("" if is_first else ",") + ",".join(f'{{"name":"{name}"}}' for name in names)


def _html(names: Iterable[NormalizedName]) -> str:
    return "".join(f'<a href="{name}/">{name}</a><br>\n' for name in names)
