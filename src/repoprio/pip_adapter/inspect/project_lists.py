"""Fetches whole project lists, for ``repoprio audit --collisions``; no name is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple, TypeVar

from pip._internal.models.link import Link
from pip._internal.utils.urls import path_to_url, url_to_path

from repoprio.fetch import local_folders
from repoprio.lookup.events import ProjectListFound
from repoprio.lookup.reasons import REFUSED_LOGIN, Cause, status_cause
from repoprio.lookup.redirects import RedirectVerdict, next_hop
from repoprio.names import NormalizedName
from repoprio.pip_adapter.compat import is_version
from repoprio.pip_adapter.index import transport
from repoprio.pip_adapter.index.transport import Reply
from repoprio.pip_adapter.inspect.context import PipContext
from repoprio.policy.locations import variable_of
from repoprio.policy.model import Format, Location, Repository
from repoprio.simple_api import reader
from repoprio.simple_api.filenames import is_distribution, projects_of_all
from repoprio.simple_api.project_list import read_project_list
from repoprio.simple_api.response import UnusableResponse
from repoprio.urls import filename, site

# A list of a million names takes 60 MiB as HTML; project pages have their own limit (`page-size-limit`).
SIZE_LIMIT = 256 * 2**20
_NO_ANSWER = (Cause.CONNECTION, Cause.TIME, Cause.SERVER)
Tell = Callable[[str], None]
Result = TypeVar("Result")


class NoList(NamedTuple):
    """Why a repository has no usable list; `asks`: it asks for a login; `is_down`: it is down, or too slow."""

    repository: Repository
    reason: str
    asks: bool = False
    is_down: bool = False


class Lists(NamedTuple):
    """The names on each repository's list, by repository; and the reasons for repositories without a list."""

    names: dict[str, frozenset[NormalizedName]]
    missing: list[NoList]


def lists(pip: PipContext, progress: Tell) -> Lists:
    """The lists of all enabled repositories; `tell` gets texts about the progress."""
    result = Lists({}, [])
    # As in any lookup, an index that the policy refuses stops this.
    pip.guard.refresh_search_scope()
    for repository in pip.guard.policy.enabled():
        progress(f"{repository.name}: asking for its list")
        try:
            result.names[repository.name] = _names(pip, repository)
        except UnusableResponse as error:
            result.missing.append(NoList(repository, str(error), error.asks, error.cause in _NO_ANSWER))
        except OSError as error:
            result.missing.append(NoList(repository, f"it cannot be read: {error.strerror or type(error).__name__}"))
        except Exception as error:  # noqa: BLE001 - a server may cause any error in a parser; it is never a list
            result.missing.append(NoList(repository, f"its answer cannot be understood ({type(error).__name__})"))
        else:
            progress(f"{repository.name}: {len(result.names[repository.name]):,} names")
    return result


def _names(pip: PipContext, repository: Repository) -> frozenset[NormalizedName]:
    """The names on the list of `repository`; raises `UnusableResponse` if it has no usable list."""
    location = repository.locations[0]
    if location.unset:
        raise UnusableResponse(f"{', '.join(f'${{{name}}}' for name in location.unset)} is not set")
    local = location.url.startswith("file:")
    if repository.format is Format.FLAT:
        return projects_of_all(_flat_files(pip, repository, location, local=local), is_version)
    if local:
        return local_folders.projects_in(url_to_path(location.url.rstrip("/")))
    begin = replace(location, url=f"{location.url.rstrip('/')}/")
    return _fetched(pip, repository, begin, _names_in_reply)


def _fetched(pip: PipContext, repository: Repository, begin: Location, read: Callable[[Reply], Result]) -> Result:
    """The result of `read` for the answer at `begin`, all within the page-timeout."""
    limit = pip.guard.policy.page_timeout
    _, usual = pip.guard.memory()
    try:
        return usual.ahead.in_time(lambda: _asked(pip, repository, begin, read), usual.time_limit(limit))
    except TimeoutError:
        raise UnusableResponse(f"took more than {limit:g} s", Cause.TIME) from None


def _asked(pip: PipContext, repository: Repository, begin: Location, read: Callable[[Reply], Result]) -> Result:
    reply = _get(pip, repository, begin)
    known = pip.guard.policy.repositories
    hops = 0
    while reply.redirect:
        to = next_hop(known, repository, begin, None, reply.redirect, hops=hops, asked=())
        if isinstance(to, RedirectVerdict):
            raise UnusableResponse(to.reason, Cause.REDIRECT)
        hops += 1
        reply = _get(pip, repository, to)
    if reply.status != 200:
        asks = reply.status in REFUSED_LOGIN
        raise UnusableResponse(_refusal(repository, reply), status_cause(reply.status), asks=asks)
    return read(reply)


def _get(pip: PipContext, repository: Repository, at: Location) -> Reply:
    if not pip.session.is_secure_origin(Link(at.url)):
        raise UnusableResponse(f"{site(at.url)} is neither https nor a trusted host of pip")
    _, usual = pip.guard.memory()
    return transport.get(pip.session, usual.logins.url_of(repository, at), whom=str(repository), size_limit=SIZE_LIMIT)


def _refusal(repository: Repository, reply: Reply) -> str:
    if reply.status in (401, 403):
        begin = variable_of(repository.name)
        none = f"no login was sent (set {begin}_USERNAME and _PASSWORD)"
        return f"{reply.status}; {none if reply.sent is None else 'the login that was sent is refused'}"
    return f"{reply.status}{f', {reply.tries} tries' if reply.tries > 1 else ''}"


def _names_in_reply(reply: Reply) -> frozenset[NormalizedName]:
    answer = read_project_list(reply.response)
    if isinstance(answer, ProjectListFound):
        return answer.names
    raise UnusableResponse(answer.reason)


def _flat_files(pip: PipContext, repository: Repository, location: Location, *, local: bool) -> list[str]:
    if local:
        files = local_folders.files_of_path(url_to_path(location.url), path_to_url, SIZE_LIMIT)
    elif is_distribution(filename(location.url)):
        files = (reader.file_at(location.url),)
    else:
        files = _fetched(pip, repository, location, lambda reply: reader.read_flat_page(reply.response))
    return [file.filename for file in files]
