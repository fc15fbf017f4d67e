"""Redirects, judged hop by hop before they are followed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from repoprio.dataclass import dataclass
from repoprio.lookup.events import RepositoryState
from repoprio.lookup.reasons import Cause
from repoprio.names import NormalizedName
from repoprio.policy.model import Format, Location, Redirects, Repository
from repoprio.redaction import redact_url
from repoprio.urls import READINGS, has_path_of, is_within, page_url, site

# Of a longer target, a message names only the site.
_LONG = 300
MAX_REDIRECTS = 10


@dataclass(frozen=True)
class RedirectVerdict:
    """What a redirect means: `state` None to follow it, else ABSENT or UNAVAILABLE with a reason.

    `into` is the other repository of the policy to which it leads, if that is the reason.
    """

    state: RepositoryState | None
    reason: str = ""
    into: Repository | None = None

    @property
    def cause(self) -> Cause:
        """Its stable code."""
        return Cause.REDIRECT_INTO if self.into else Cause.REDIRECT


def next_hop(
    known: tuple[Repository, ...],
    repository: Repository,
    location: Location,
    name: NormalizedName | None,
    target: str,
    *,
    hops: int,
    asked: Collection[str],
) -> Location | RedirectVerdict:
    """The next location to ask, without credentials, or the verdict why none is; `hops` redirects came before.

    The other arguments are those of `judge_redirect`. All code that follows redirects uses this function.
    """
    verdict = judge_redirect(known, repository, location, name, target, asked=asked)
    if verdict.state is not None:
        return verdict
    if hops >= MAX_REDIRECTS:
        return RedirectVerdict(RepositoryState.UNAVAILABLE, f"more than {MAX_REDIRECTS} redirects")
    # The target may contain the value of a variable: then show the policy's own text.
    return Location(location.shown if "${" in location.shown else redact_url(target), target)


def judge_redirect(
    known: tuple[Repository, ...],
    repository: Repository,
    location: Location,
    name: NormalizedName | None,
    target: str,
    *,
    asked: Collection[str],
) -> RedirectVerdict:
    """Judge one hop before it is followed.

    `known` are all repositories; those with `is_addition` are ignored. `location` is the URL that was asked, `target`
    an absolute URL. `name` is the project whose page was asked for, None for a project list or a flat page of all
    files. `asked` names the repositories that are asked for `name`: a redirect to the page of any other does not mean
    absence.
    """
    try:
        there, here = site(target), site(location.url)
        if "\\" in urlsplit(target).netloc:
            # For urllib3 the host ends there; for urlsplit it comes after the @.
            raise ValueError("a backslash in the host")
        others = _repositories_at(known, repository, target)
        if len(others) > 1:
            return RedirectVerdict(
                RepositoryState.UNAVAILABLE, "it redirects to a URL that can be read in several ways"
            )
        if other := next(iter(others.values())):
            return _judge_other(other, name, target, set(asked) - {repository.name})
    except ValueError:
        return RedirectVerdict(RepositoryState.UNAVAILABLE, "it redirects to something that is not a URL")
    if there.scheme not in ("http", "https"):
        return RedirectVerdict(RepositoryState.UNAVAILABLE, f"it redirects to a {there.scheme or 'nameless'}: URL")
    if here.is_own(there):
        return RedirectVerdict(None)
    meaning = repository.redirects.get(there)
    if meaning is Redirects.ABSENT:
        return RedirectVerdict(RepositoryState.ABSENT, f"it redirects to {there}")
    if meaning is Redirects.FOLLOW:
        return RedirectVerdict(None)
    # Show neither the value of a variable, which the target may contain, nor a query: it may have a token.
    shown = str(there) if "${" in location.shown or len(target) > _LONG else redact_url(target)
    return RedirectVerdict(RepositoryState.UNAVAILABLE, f"it redirects to another site, {shown}")


def _judge_other(
    other: Repository, name: NormalizedName | None, target: str, others: Collection[str]
) -> RedirectVerdict:
    """What a redirect to a URL within another repository means; `others` are also asked for `name`."""
    if name is None:
        return RedirectVerdict(RepositoryState.UNAVAILABLE, f"it redirects into {other.name}", other)
    page = page_url(other.locations[0].url, name)
    # A flat repository has no page of a single name.
    if other.format is Format.FLAT or site(target) != site(page) or not has_path_of(target, page):
        return RedirectVerdict(RepositoryState.UNAVAILABLE, f"it redirects into {other.name}, to another page", other)
    # Absence would give the name to one of the other repositories by accident; without others, none gets it.
    if others and other.name not in others:
        reason = f"it redirects to {other.name}, which is not asked for {name}"
        return RedirectVerdict(RepositoryState.UNAVAILABLE, reason, other)
    return RedirectVerdict(RepositoryState.ABSENT, f"it redirects to {other.name}")


def _repositories_at(
    known: tuple[Repository, ...], repository: Repository, target: str
) -> dict[str | None, Repository | None]:
    """The other repositories within which `target` may lie, by name, one for each reading of the URL; None for none."""
    repositories = (_repository_at(known, repository, target, read) for read in READINGS)
    return {other.name if other else None: other for other in repositories}


def _repository_at(
    known: tuple[Repository, ...], repository: Repository, target: str, read: Callable[[str], str]
) -> Repository | None:
    """The other repository within which `target` lies, the innermost if their URLs nest; None if there is none.

    http and https count as the same: many servers answer at both.
    """
    homes = [
        (len(read(urlsplit(url).path)), r)
        for r in known
        if not r.is_addition
        for url in [*(home.url for home in r.locations if not home.unset), *r.aliases]
        if is_within(target, url, read)
    ]
    deepest = max((depth for depth, _ in homes), default=0)
    # A simple and a flat repository may have the same URL; only the simple one has project pages.
    nearest = sorted((r for depth, r in homes if depth == deepest), key=lambda r: r.format is Format.FLAT)
    # Compare names, not objects: the repository that was asked may be a changed copy (its list, or a single URL).
    return None if not nearest or repository.name in {r.name for r in nearest} else nearest[0]
