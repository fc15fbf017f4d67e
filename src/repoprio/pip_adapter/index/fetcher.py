"""Answers the requests of lookups: pages over HTTP and from disk."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Collection, Iterator
from http.cookiejar import DefaultCookiePolicy
from threading import Lock
from typing import TYPE_CHECKING, Any

from pip._internal.models.link import Link
from pip._internal.utils.urls import path_to_url, url_to_path

from repoprio.fetch import local_folders
from repoprio.fetch.deciding_thread import TimeLimit
from repoprio.fetch.lookups_ahead import Ahead
from repoprio.fetch.page_cache import Key, PageCache
from repoprio.lookup.events import (
    FetchFailed,
    FetchRequest,
    FetchResult,
    NotFound,
    PageFound,
    RedirectReceived,
    ResourceKind,
    StatusReceived,
)
from repoprio.lookup.memory import RunStore
from repoprio.lookup.reasons import Cause
from repoprio.names import NormalizedName
from repoprio.pip_adapter import compat
from repoprio.pip_adapter.garbage import uncollected
from repoprio.pip_adapter.index import credentials, login_hooks, login_sources, server_clock, transport
from repoprio.pip_adapter.index.links import PipPage, for_pip
from repoprio.pip_adapter.index.metadata_ahead import MetadataAhead
from repoprio.pip_adapter.index.quiet_session import quiet_session
from repoprio.pip_adapter.index.repository_logins import RepositoryLogins
from repoprio.pip_adapter.index.transport import Reply
from repoprio.policy.locations import variable_of
from repoprio.policy.model import Policy
from repoprio.simple_api import reader
from repoprio.simple_api.filenames import is_distribution
from repoprio.simple_api.model import File
from repoprio.simple_api.problem_document import problem_in
from repoprio.simple_api.response import Response, UnusableResponse
from repoprio.urls import Site, filename, site

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.network import PipSession


class NotAtHand(Exception):
    """A page has not been fetched yet."""


class Pages:
    """Fetches what lookups request, with pip's session; answers are kept as long as the object lives."""

    def __init__(self, session: PipSession, policy: Policy) -> None:
        self._session = session
        # Cookies ignore the port: those of one repository, with its login, would go to another on the same host.
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._policy = policy
        self.logins = RepositoryLogins(session, policy)
        # Pairs of a repository and a name that it was asked for.
        self.disclosed: set[tuple[str, NormalizedName]] = set()
        self._kept: RunStore[Key, FetchResult[PipPage]] = RunStore(Lock())
        self._answers = PageCache[PipPage](self._kept)
        self._flat: dict[str, tuple[File, ...]] = {}
        self._spent: dict[tuple[str, ResourceKind, str], float] = {}
        if policy.has_min_age:
            server_clock.watch(session)
        self._quiet = quiet_session(session)
        self._is_looking = False
        # How many sites have asked for a login and got one, and how often answers were dropped for that.
        self._refused = 0, 0
        self.forgotten = 0
        # The schemes and hosts that are as safe as pip demands.
        self._safe: set[tuple[str, ...]] = set()
        self._sources = login_sources.LoginSources(session.auth)
        self.ahead = Ahead[PipPage](
            self._answers, self._fetch_ahead, self._may_ask_ahead, lambda ask: self._may_begin_ahead(ask.location.url)
        )
        credentials.credential_policy(session.auth).in_deciding_thread = self.ahead.in_deciding_thread
        self.metadata = MetadataAhead(session, self._quiet, self.ahead, self._may_begin_ahead, policy.page_size_limit)

    def fetch(self, ask: FetchRequest) -> FetchResult[PipPage]:
        """The answer to `ask`; any error becomes a `FetchFailed`. Only the deciding thread may call this."""
        if self._is_looking:
            answer = self.ahead.at_hand(ask)
            if answer is None:
                raise NotAtHand
            return answer
        if ask.location.url.startswith("file:"):
            return self.ahead.at_hand(ask) or self._answers.get_or_fetch(ask, self._fetch_now)
        late = FetchFailed(self._too_late(), Cause.TIME)
        if ask.hops == 0:
            self._spent.pop(_hop_key(ask), None)
        limit = self.time_limit(self._policy.page_timeout - self._spent.get(_hop_key(ask), 0.0))
        return self.ahead.fetch(ask, self._fetch_now, limit, late)

    def forget_doubtful(self) -> int:
        """Forget answers of sites that asked for a login since; returns how often there were any.

        Those fetched ahead and not used yet; of the others, those of sites that then got a login: all but pages with
        files, and these too if versions decide between repositories.
        """
        logins = credentials.credential_policy(self._session.auth)
        refused = len(logins.refused), len(logins.late)
        if refused != self._refused:
            self._refused = refused
            early = self.ahead.forget(frozenset(logins.refused))
            self._flat = {url: files for url, files in self._flat.items() if site(url) not in logins.late}
            is_doubtful = functools.partial(_is_doubtful, logins.late, self._policy.looks_at_versions)
            self.forgotten += self._kept.forget(is_doubtful) or early
        return self.forgotten

    @contextlib.contextmanager
    def at_hand(self) -> Iterator[None]:
        """A context in which `fetch` asks no repository; it raises `NotAtHand` instead."""
        before, self._is_looking = self._is_looking, True
        try:
            yield
        finally:
            self._is_looking = before

    def time_limit(self, seconds: float) -> TimeLimit:
        """A limit of `seconds`; the time in which a person is asked for a login does not count."""
        return TimeLimit(seconds, self._clock)

    def _too_late(self) -> str:
        return f"took more than {self._policy.page_timeout:g} s"

    def _clock(self) -> float:
        return credentials.credential_policy(self._session.auth).clock()

    def _may_ask_ahead(self, ask: FetchRequest) -> bool:
        """Whether a worker may make this request now.

        It may not if a login may be needed; nor for a flat page, which is fetched once for all names.
        """
        if ask.location.url.startswith("file:"):
            return True
        here = site(ask.location.url)
        if ask.kind is ResourceKind.FILES and ask.location.url not in self._flat:
            return is_distribution(filename(ask.location.url))
        return here not in credentials.credential_policy(self._session.auth).refused and self.logins.is_one_at(ask)

    def _may_begin_ahead(self, url: str) -> bool:
        """Whether workers may ask a site before the deciding thread has: there is no login that could be wrong."""
        return not self._sources.may_have_one(url)

    def _fetch_ahead(self, ask: FetchRequest) -> FetchResult[PipPage]:
        """As `_fetch_now`, but without prompts and retries; for several threads."""
        with login_hooks.asking_ahead():
            return self._fetch_now(ask, self._quiet)

    def _fetch_now(self, ask: FetchRequest, session: Any = None) -> FetchResult[PipPage]:
        begun = self._clock()
        try:
            return self._soundly_asked(ask, session or self._session)
        except UnusableResponse as error:
            return FetchFailed(str(error), error.cause, lasting=error.lasting, asks=error.asks)
        except OSError as error:
            return FetchFailed(f"cannot be read: {error.strerror or error}", Cause.MISSING)
        except Exception as error:  # noqa: BLE001 - a server may cause any error in a parser; it is never an answer
            return FetchFailed(f"its answer cannot be understood ({type(error).__name__})")
        finally:
            # `page-timeout` holds for a page in all, redirects included.
            key = _hop_key(ask)
            before = self._spent.get(key, 0.0) if ask.hops else 0.0
            self._spent[key] = before + self._clock() - begun

    def _soundly_asked(self, ask: FetchRequest, session: Any) -> FetchResult[PipPage]:
        """As `_asked`; if pip's cache has something unusable, asks once more without it."""
        transport.ASKING.cached = None
        try:
            return self._asked(ask, session)
        except Exception:
            # The disk was full, two pips wrote at once, or a cut-off answer did not say how long it was.
            if not transport.forget_cached(session):
                raise
            return self._asked(ask, session)

    def _asked(self, ask: FetchRequest, session: Any) -> FetchResult[PipPage]:
        local = ask.location.url.startswith("file:")
        if ask.kind is ResourceKind.FILES:
            return self._local_files(ask) if local else self._remote_files(ask, session)
        if local:
            return self._folder(ask)
        reply = self._get(ask, session)
        if not isinstance(reply, Reply):
            return reply
        if ask.kind is ResourceKind.LIST:
            from repoprio.simple_api.project_list import read_project_list

            return read_project_list(reply.response)
        return project_page(ask.name, reply.response)

    def _get(self, ask: FetchRequest, session: Any) -> Reply | RedirectReceived | StatusReceived:
        """The reply, if its status is 200; else the redirect or the status."""
        url = ask.location.url
        if not self._is_safe(url, session):
            raise UnusableResponse(f"{site(url)} is neither https nor a trusted host of pip", Cause.INSECURE)
        if ask.kind is ResourceKind.PAGE:
            self.disclosed.add((ask.repository.name, ask.name))
        reply = transport.get(
            session,
            self.logins.url_of(ask.repository, ask.location),
            whom=str(ask.repository),
            size_limit=self._policy.page_size_limit,
            needs_times=self._policy.has_min_age,
        )
        if reply.redirect:
            return RedirectReceived(reply.redirect)
        if reply.status != 200:
            return StatusReceived(reply.status, self._detail(ask, reply), problem_in(reply.response))
        return reply

    def _is_safe(self, url: str, session: Any) -> bool:
        """Whether pip deems the site of `url` safe; a site stays so, since trusted hosts are only ever added."""
        here = tuple(url.split("/", 3)[:3])
        if here not in self._safe and session.is_secure_origin(Link(url)):
            self._safe.add(here)
        return here in self._safe

    def _detail(self, ask: FetchRequest, reply: Reply) -> str:
        if reply.status == 407:
            return "; the proxy (--proxy, HTTPS_PROXY) refuses, and may need another login"
        if reply.status in (401, 403):
            if reply.sent is None:
                return f"; no login was sent (set {variable_of(ask.repository.name)}_USERNAME and _PASSWORD)"
            # The user name is not shown: it is often a token.
            return f"; the login that was sent came from {self.logins.origin_of(ask, reply.sent)}"
        return f", {reply.tries} tries" if reply.tries > 1 else ""

    def _folder(self, ask: FetchRequest) -> FetchResult[PipPage]:
        """A project page of a simple repository on disk, as pip reads it: ``NAME/index.html``."""
        folder = url_to_path(ask.location.url.rstrip("/"))
        if ask.kind is ResourceKind.LIST:
            local_folders.check_root(folder)
            return FetchFailed("a folder has no complete project list")
        answer = local_folders.page_in(folder, ask.name, path_to_url, self._policy.page_size_limit)
        return project_page(ask.name, answer) if isinstance(answer, Response) else answer

    def _local_files(self, ask: FetchRequest) -> FetchResult[PipPage]:
        path = url_to_path(ask.location.url)
        if ask.location.url not in self._flat:
            limit = self._policy.page_size_limit
            self._flat[ask.location.url] = local_folders.files_of_path(path, path_to_url, limit)
        files = self._flat[ask.location.url]
        answer = self._offer(ask, files)
        return NotFound(in_empty_root=not reader.lists_distributions(files)) if isinstance(answer, NotFound) else answer

    def _remote_files(self, ask: FetchRequest, session: Any) -> FetchResult[PipPage]:
        url = ask.location.url
        if is_distribution(filename(url)):
            return self._offer(ask, (reader.file_at(url),))
        # Another thread may forget it meanwhile.
        files = self._flat.get(url)
        if files is None:
            reply = self._get(ask, session)
            if not isinstance(reply, Reply):
                return reply
            files = self._flat[url] = reader.read_flat_page(reply.response)
        return self._offer(ask, files)

    @staticmethod
    def _offer(ask: FetchRequest, files: tuple[File, ...]) -> PageFound[PipPage] | NotFound:
        """The page with those of `files` that belong to the project; `NotFound` if there are none."""
        return for_pip(reader.files_of(ask.name, files, ask.location.url, compat.VERSIONS))


def project_page(name: NormalizedName, response: Response) -> PageFound[PipPage] | NotFound:
    """The page of `name` in `response`, for pip; raises `UnusableResponse` if it is not one."""
    with uncollected():
        return for_pip(reader.read_project_page(name, response, compat.VERSIONS))


def _is_doubtful(late: Collection[Site], looks_at_versions: bool, key: Key, answer: FetchResult[PipPage]) -> bool:
    """Whether a site that got a login late may answer otherwise with it: it may hide what others must not see."""
    has_files = isinstance(answer, PageFound) and answer.files > 0
    return site(key[3]) in late and (looks_at_versions or not has_files)


def _hop_key(ask: FetchRequest) -> tuple[str, ResourceKind, str]:
    """The key that all requests for one page share, redirects included."""
    return ask.repository.name, ask.kind, ask.name
