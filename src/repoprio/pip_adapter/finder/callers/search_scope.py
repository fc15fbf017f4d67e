"""Checks the indexes that callers add to pip's search scope against the policy."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from pip._internal.utils.urls import path_to_url

from repoprio.config.pip.indexes import NamedBy, Origin
from repoprio.dataclass import dataclass
from repoprio.environments.child_script import IS_CHILD
from repoprio.pip_adapter import policy_reading
from repoprio.pip_adapter.index.credentials import Login
from repoprio.policy import locations
from repoprio.policy.model import CALLERS_PRIORITY, Format, Location, Policy, Repository, Unlisted
from repoprio.redaction import redact_text, redact_url
from repoprio.render.unlisted import UnlistedPlace
from repoprio.urls import credentials, is_fuse, is_same_place, site, without_credentials

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.finder import SearchScope


@dataclass
class ScopeMatch:
    """The repositories that callers named: known to the policy, admitted below it, ignored, or refused.

    `gateways`: the policy's gateway, which is not asked, since its answers are those of the repositories.
    """

    listed: list[tuple[str, Repository]] = field(default_factory=list)
    admitted: list[Repository] = field(default_factory=list)
    refused: list[UnlistedPlace] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    gateways: list[str] = field(default_factory=list)
    logins: dict[str, Login] = field(default_factory=dict)


def match(policy: Policy, search_scope: SearchScope, noted: Mapping[str, Origin]) -> ScopeMatch:
    """The indexes and find-links of pip's `search_scope`, matched with `policy`.

    `noted` says which line of which requirements file named an index.
    """
    callers = ScopeMatch()
    named = [(url, Format.SIMPLE) for url in _wished(search_scope.index_urls, noted)]
    named += [(url, Format.FLAT) for url in search_scope.find_links]
    for written, kind in named:
        url = _as_url(written)
        shown = redact_url(url) if "://" in written else redact_text(written)
        known = next((r for r in policy.repositories if r.format is kind and _is_at(r, url)), None)
        if known:
            callers.listed.append((shown, known))
            # A requirements file never supplies a login, even if it names the repository.
            if (login := credentials(url)) and written not in noted:
                callers.logins.setdefault(known.name, Login(site(url), *login, origin=str(origin(written, noted))))
        elif kind is Format.SIMPLE and policy.is_gateway(url):
            callers.gateways.append(shown)
        elif policy.unlisted is Unlisted.LOWEST and _is_url(url) and not _resembled(policy, url):
            callers.admitted.append(_admitted(url, kind, len(callers.admitted) + 1))
        elif policy.unlisted is Unlisted.IGNORE:
            callers.ignored.append(shown)
        else:
            other = next((r for r in policy.repositories if _is_at(r, url)), None)
            named_as = shown if _is_url(url) else redact_text(written)
            at = _absolute(written)
            resembled = None if other else _resembled(policy, url)
            refused = UnlistedPlace(named_as, at, kind, origin(written, noted), other, _problem(at), resembled)
            callers.refused.append(refused)
    return callers


def announcement(callers: ScopeMatch) -> Iterator[str]:
    """The lines about what happens to the repositories that callers named."""
    for url, repository in callers.listed:
        yield f"repoprio: {url} is {repository}; the policy decides its place"
    for url in callers.gateways:
        yield f"repoprio: {url} is the policy's gateway; its repositories are asked instead"
    for url in callers.ignored:
        yield f'repoprio: {url} is not in the policy and is ignored (unlisted = "ignore")'
    for repository in callers.admitted:
        place = f"as {repository.name} (priority {CALLERS_PRIORITY})"
        yield f"repoprio: {repository.locations[0].shown} is not in the policy and is asked last, {place}"


def _wished(index_urls: Iterable[str], noted: Mapping[str, Origin]) -> list[str]:
    """The indexes that somebody named, without the fuse, and without pip's default if nobody named it."""
    return [url for url in index_urls if url and not is_fuse(url) and not _is_unnamed_default(url, noted)]


def _is_unnamed_default(url: str, noted: Mapping[str, Origin]) -> bool:
    # pip passes the default to child pips as an explicit -i; the parent has checked it already.
    if url.rstrip("/") != policy_reading.default_index().rstrip("/"):
        return False
    return IS_CHILD or origin(url, noted) == _NOBODY


def _is_url(url: str) -> bool:
    try:
        site(url)
    except ValueError:
        return False
    return True


def _is_at(repository: Repository, url: str) -> bool:
    try:
        return repository.is_at(url)
    except ValueError:
        return False


def _resembled(policy: Policy, url: str) -> Repository | None:
    """The repository that a server may treat `url` as, though its URL differs; None if there is none."""
    if not _is_url(url) or any(_is_at(repository, url) for repository in policy.repositories):
        return None
    return next((repository for repository in policy.repositories if repository.may_be_at(url)), None)


def _admitted(url: str, kind: Format, number: int) -> Repository:
    # A name that no policy can use: names in a policy are [a-z0-9-]+.
    login = credentials(url)
    bare = without_credentials(url)
    location = Location(redact_url(url), bare, *(login or (None, "")))
    return Repository(f"unlisted:{number}", (location,), CALLERS_PRIORITY, format=kind, is_addition=True)


def _as_url(text: str) -> str:
    """A path as the URL that pip makes of it; any other text unchanged."""
    if "://" not in text and not text.startswith("file:"):
        expanded = os.path.expanduser(text)
        return str(path_to_url(expanded))
    return text


def _absolute(written: str) -> str:
    """A URL without its login, or an absolute path, as a policy would state it."""
    if "://" in written or written.startswith("file:"):
        return redact_text(written) if "?" in written or "#" in written or not _is_url(written) else redact_url(written)
    return os.path.abspath(os.path.expanduser(written))


def _problem(url: str) -> str | None:
    """Why a policy cannot list `url`; None if it can."""
    try:
        locations.location(url, {}, url)
    except locations.NotALocation as error:
        return str(error)
    return None


_NOBODY = Origin(NamedBy.NOBODY)
_COMMAND_LINE = Origin(NamedBy.COMMAND_LINE)


def origin(url: str, noted: Mapping[str, Origin]) -> Origin:
    """Who named `url`: the command line, a requirements file (`noted`), a variable, or a setting of pip's files."""
    if any(_says(argument, url) for argument in sys.argv[1:]):
        return _COMMAND_LINE
    settings = policy_reading.pip_settings(isolated="--isolated" in sys.argv)
    # The last one counts, as in pip.
    by_setting = next((setting.origin for setting in reversed(settings) if setting.url == url), None)
    known = noted.get(url) or by_setting
    # All lines of files are noted, so an index that is found nowhere else came with the command, spelled differently.
    return known or (_NOBODY if is_same_place(url, policy_reading.default_index()) else _COMMAND_LINE)


def _says(argument: str, url: str) -> bool:
    """Whether `argument` is `url`, or an option with it: ``--index-url=URL``, ``-iURL``."""
    return url in (argument, argument.partition("=")[2] if argument[:2] == "--" else argument[2:])
