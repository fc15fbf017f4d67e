"""Fetches the project lists of all repositories concurrently, and keeps them for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from repoprio.fetch import local_folders
from repoprio.lookup.events import FetchFailed
from repoprio.lookup.redirects import RedirectVerdict, next_hop
from repoprio.names import NormalizedName
from repoprio.policy.model import Format, Location, Policy, Repository
from repoprio.serve import problems
from repoprio.serve.client import VERSIONS, Client
from repoprio.serve.pages.relayed import is_local
from repoprio.serve.pages.union import union
from repoprio.serve.problems import Problem
from repoprio.serve.transport import folders
from repoprio.serve.transport.replies import Reply
from repoprio.serve.transport.room import SMALL, Part, Stage
from repoprio.simple_api import reader
from repoprio.simple_api.filenames import is_distribution, projects_of_all
from repoprio.simple_api.project_list import read_project_list
from repoprio.simple_api.response import UnusableResponse
from repoprio.urls import filename

_PROBLEM_SECONDS = 10.0

Names = frozenset[NormalizedName]


class ProjectLists:
    """The names of all projects that clients may get, without a decision on any of them."""

    def __init__(self, policy: Policy, client: Client, seconds: float, clock: Callable[[], float]) -> None:
        self._policy = policy
        self._client = client
        self._seconds = seconds
        self._clock = clock
        self._lock = asyncio.Lock()
        self._kept: tuple[float, list[NormalizedName] | Problem] | None = None

    async def names(self) -> list[NormalizedName] | Problem:
        """All names, sorted; a problem if a repository has no usable list.

        A problem is kept for a while too: each attempt may fetch the large lists of all other repositories.
        """
        async with self._lock:
            if self._kept is None or self._clock() >= self._kept[0]:
                begun = self._clock()
                lists = await self._fetch_all()
                if isinstance(lists, Problem):
                    self._kept = (self._clock() + _PROBLEM_SECONDS, lists)
                else:
                    self._kept = (begun + self._seconds, await asyncio.to_thread(union, self._policy, lists))
            return self._kept[1]

    async def _fetch_all(self) -> dict[str, Names] | Problem:
        repositories = self._policy.enabled()
        lists = await asyncio.gather(*map(self._fetch, repositories))
        pairs = list(zip(repositories, lists, strict=True))
        for repository, names in pairs:
            if isinstance(names, str) and not repository.skip_if_unavailable:
                return problems.no_list(repository, names)
        return {repository.name: names for repository, names in pairs if not isinstance(names, str)}

    async def _fetch(self, repository: Repository) -> Names | str:
        """The names of one repository, or the reason why there are none."""
        first = await self._try(repository, repository.locations[0])
        for mirror in repository.locations[1:] if isinstance(first, str) else ():
            names = await self._try(repository, mirror)
            if not isinstance(names, str):
                return names
        return first

    async def _try(self, repository: Repository, location: Location) -> Names | str:
        try:
            return await asyncio.wait_for(self._ask(repository, location), self._policy.page_timeout)
        except UnusableResponse as error:
            return str(error)
        except asyncio.TimeoutError:
            return "no answer in time"

    async def _ask(self, repository: Repository, start: Location) -> Names:
        with self._client.room.share() as share:
            return await self._names(repository, start, Part(share))

    async def _names(self, repository: Repository, start: Location, part: Part) -> Names:
        if start.unset:
            raise UnusableResponse("a variable of its URL is not set")
        is_flat = repository.format is Format.FLAT
        if is_local(start.url):
            return await asyncio.to_thread(
                _in_folder, folders.path_of(start.url), self._policy.page_size_limit, is_flat=is_flat
            )
        if is_flat and is_distribution(filename(start.url)):
            return _of_files([filename(start.url)])
        at = start if is_flat else Location(start.shown, f"{start.url.rstrip('/')}/", start.user, start.password)
        hops = 0
        while True:
            reply = await self._client.get(self._client.with_login(repository, at), part)
            if reply.redirect is None:
                break
            known = self._policy.repositories
            to = next_hop(known, repository, start, None, reply.redirect, hops=hops, asked=())
            if isinstance(to, RedirectVerdict):
                raise UnusableResponse(to.reason)
            at, hops = to, hops + 1
        if reply.status != 200:
            raise UnusableResponse(f"it answers {reply.status} for its project list")
        if len(reply.body) > SMALL:
            await part.take(Stage.READ, len(reply.body))
        return await asyncio.to_thread(self._read, reply, is_flat)

    def _read(self, reply: Reply, is_flat: bool) -> Names:
        response = reply.response
        if is_flat:
            return _of_files([file.filename for file in reader.read_flat_page(response)])
        listed = read_project_list(response)
        if isinstance(listed, FetchFailed):
            raise UnusableResponse(listed.reason)
        return listed.names


def _in_folder(path: str, size_limit: int, *, is_flat: bool) -> Names:
    try:
        if not is_flat:
            return local_folders.projects_in(path)
        files = local_folders.files_of_path(path, folders.url_of, size_limit)
        return _of_files([file.filename for file in files])
    except OSError as error:
        raise UnusableResponse(f"cannot be read: {error.strerror or error}") from None


def _of_files(names: list[str]) -> Names:
    return projects_of_all(names, VERSIONS.is_version)
