"""Redirects, judged hop by hop before they are followed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from repoprio.lookup.events import RepositoryState
from repoprio.names import NormalizedName
from repoprio.policy.model import Location, Redirects, Repository
from repoprio.urls import is_within, page_url, place, redacted, site

# Of a longer target the site is told, which is what matters.
_LONG = 300
MAX_REDIRECTS = 10


@dataclass(frozen=True)
class RedirectVerdict:
    """What a redirect means: `state` None to follow it, else ABSENT or UNAVAILABLE with a reason."""

    state: RepositoryState | None
    reason: str = ""


def next_hop(
    known: tuple[Repository, ...],
    repository: Repository,
    location: Location,
    name: NormalizedName | None,
    target: str,
    *,
    hops: int,
) -> Location | RedirectVerdict:
    """Where to ask next, without a login of its own, or why nobody is asked; `hops` redirects were followed before.

    The other arguments are those of `judge_redirect`. Whatever follows redirects does so by this.
    """
    verdict = judge_redirect(known, repository, location, name, target)
    if verdict.state is not None:
        return verdict
    if hops >= MAX_REDIRECTS:
        return RedirectVerdict(RepositoryState.UNAVAILABLE, f"more than {MAX_REDIRECTS} redirects")
    # A variable of the policy may have gone into the target: then it is not shown.
    return Location(location.shown if "${" in location.shown else redacted(target), target)


def judge_redirect(
    known: tuple[Repository, ...], repository: Repository, location: Location, name: NormalizedName | None, target: str
) -> RedirectVerdict:
    """Judge one hop before it is followed.

    `known` are all repositories, of which those that were added count for nothing here; `location` is
    the URL of the one that was asked, `target` an absolute URL. `name` is the project whose page was asked for,
    None where it was a project list or a flat page of all files.
    """
    try:
        there, here = site(target), site(location.url)
        other = _repository_at(known, repository, target)
    except ValueError:
        return RedirectVerdict(RepositoryState.UNAVAILABLE, "it redirects to something that is no URL")
    if other:
        if name is None:
            return RedirectVerdict(RepositoryState.UNAVAILABLE, f"it redirects into {other.name}")
        if place(target) == place(page_url(other.locations[0].url, name)):
            return RedirectVerdict(RepositoryState.ABSENT, f"it redirects to {other.name}")
        return RedirectVerdict(RepositoryState.UNAVAILABLE, f"it redirects into {other.name}, to another page")
    if there.scheme not in ("http", "https"):
        return RedirectVerdict(RepositoryState.UNAVAILABLE, f"it redirects to a {there.scheme or 'nameless'}: URL")
    if here.is_own(there):
        return RedirectVerdict(None)
    told = repository.redirects.get(there)
    if told is Redirects.ABSENT:
        return RedirectVerdict(RepositoryState.ABSENT, f"it redirects to {there}")
    if told is Redirects.FOLLOW:
        return RedirectVerdict(None)
    # A variable of the policy may have gone into the target, and queries carry tokens: neither is shown.
    shown = str(there) if "${" in location.shown or len(target) > _LONG else redacted(target)
    return RedirectVerdict(RepositoryState.UNAVAILABLE, f"it redirects to another site, {shown}")


def _repository_at(known: tuple[Repository, ...], repository: Repository, target: str) -> Repository | None:
    """The other repository in whose grounds `target` lies, however the URLs nest; None: in none.

    Grounds are the same over http and https: many a server answers at both.
    """
    homes = [
        (len(urlsplit(place(url)).path), r)
        for r in known
        if not r.is_addition
        for url in [*(home.url for home in r.locations if not home.unset), *r.aliases]
        if is_within(target, url)
    ]
    deepest = max((depth for depth, _ in homes), default=0)
    nearest = [r for depth, r in homes if depth == deepest]
    return None if repository in nearest or not nearest else nearest[0]
