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

# Of a longer target the site is told, which is what matters.
_LONG = 300
MAX_REDIRECTS = 10


@dataclass(frozen=True)
class RedirectVerdict:
    """What a redirect means: `state` None to follow it, else ABSENT or UNAVAILABLE with a reason.

    `into` is the other repository of the policy to which it leads, where that is why.
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
    """Where to ask next, without a login of its own, or why nobody is asked; `hops` redirects were followed before.

    The other arguments are those of `judge_redirect`. Whatever follows redirects does so by this.
    """
    verdict = judge_redirect(known, repository, location, name, target, asked=asked)
    if verdict.state is not None:
        return verdict
    if hops >= MAX_REDIRECTS:
        return RedirectVerdict(RepositoryState.UNAVAILABLE, f"more than {MAX_REDIRECTS} redirects")
    # A variable of the policy may have gone into the target: then it is not shown.
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

    `known` are all repositories, of which those that were added count for nothing here; `location` is
    the URL of the one that was asked, `target` an absolute URL. `name` is the project whose page was asked for,
    None where it was a project list or a flat page of all files. `asked` names the repositories that are asked for
    `name`, each in its turn: a redirect to the page of one that is not asked does not mean absence.
    """
    try:
        there, here = site(target), site(location.url)
        if "\\" in urlsplit(target).netloc:
            # To urllib3 the host ends there, to urlsplit it comes after the @.
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
    # A variable of the policy may have gone into the target, and queries carry tokens: neither is shown.
    shown = str(there) if "${" in location.shown or len(target) > _LONG else redact_url(target)
    return RedirectVerdict(RepositoryState.UNAVAILABLE, f"it redirects to another site, {shown}")


def _judge_other(
    other: Repository, name: NormalizedName | None, target: str, others: Collection[str]
) -> RedirectVerdict:
    """What a redirect into the grounds of another repository means; `others` are asked for `name` as well."""
    if name is None:
        return RedirectVerdict(RepositoryState.UNAVAILABLE, f"it redirects into {other.name}", other)
    page = page_url(other.locations[0].url, name)
    # A flat repository has no page of a single name.
    if other.format is Format.FLAT or site(target) != site(page) or not has_path_of(target, page):
        return RedirectVerdict(RepositoryState.UNAVAILABLE, f"it redirects into {other.name}, to another page", other)
    # The name would fall to one of the others, which nobody meant; where there is none, it falls to nobody.
    if others and other.name not in others:
        reason = f"it redirects to {other.name}, which is not asked for {name}"
        return RedirectVerdict(RepositoryState.UNAVAILABLE, reason, other)
    return RedirectVerdict(RepositoryState.ABSENT, f"it redirects to {other.name}")


def _repositories_at(
    known: tuple[Repository, ...], repository: Repository, target: str
) -> dict[str | None, Repository | None]:
    """The other repositories in whose grounds `target` may lie, by name, None for none: one for each reading."""
    repositories = (_repository_at(known, repository, target, read) for read in READINGS)
    return {other.name if other else None: other for other in repositories}


def _repository_at(
    known: tuple[Repository, ...], repository: Repository, target: str, read: Callable[[str], str]
) -> Repository | None:
    """The other repository in whose grounds `target` lies, however the URLs nest; None: in none.

    Grounds are the same over http and https: many a server answers at both.
    """
    homes = [
        (len(read(urlsplit(url).path)), r)
        for r in known
        if not r.is_addition
        for url in [*(home.url for home in r.locations if not home.unset), *r.aliases]
        if is_within(target, url, read)
    ]
    deepest = max((depth for depth, _ in homes), default=0)
    # A simple and a flat repository may lie at one URL; only the simple one has pages of names.
    nearest = sorted((r for depth, r in homes if depth == deepest), key=lambda r: r.format is Format.FLAT)
    # By name: of the one that is asked it may be known that its list is whole, or it may be asked at one URL alone.
    return None if not nearest or repository.name in {r.name for r in nearest} else nearest[0]
