"""Makes pip's links for the files of a page, each only when it is needed: most files of a large page never are."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from repoprio.lookup.cooldown import Clocks
from repoprio.lookup.events import NotFound, PageFound
from repoprio.names import NormalizedName
from repoprio.pip_adapter import compat
from repoprio.pip_adapter.index import quick_links
from repoprio.simple_api.model import File, ProjectPage

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.links import Link


class PipPage:
    """One repository's page of a project, for pip."""

    def __init__(self, page: ProjectPage) -> None:
        self._page = page
        self._links: dict[str, Link] = {}

    @property
    def name(self) -> NormalizedName:
        """The name of the project."""
        return self._page.name

    @property
    def files(self) -> tuple[File, ...]:
        """The files that may be candidates."""
        return self._page.files

    @property
    def dropped(self) -> tuple[tuple[str, str], ...]:
        """The names of the files that may not be candidates, each with the reason."""
        return self._page.dropped

    @property
    def api(self) -> str | None:
        """The format of the page with its API version, such as "JSON 1.1"; None if the files are not on a page."""
        return self._page.api

    @property
    def clocks(self) -> Clocks | None:
        """The time at which the page came; None if it is not known."""
        return self._page.clocks

    @cached_property
    def versions(self) -> tuple[str, ...]:
        """The versions of the files, newest first."""
        return self._page.versions(compat.VERSIONS)

    def link(self, file: File) -> Link:
        """Pip's link to one of the files."""
        link = self._links.get(file.url)
        if link is None:
            link = self._links[file.url] = quick_links.link_to(file)
        return link

    def lists(self, link: Link) -> bool:
        """Whether pip's `link` leads to one of the files."""
        return link.url in self._by_url

    def file(self, link: Link) -> File:
        """The file of this page that pip's `link` leads to."""
        return self._by_url[link.url]

    @cached_property
    def _by_url(self) -> dict[str, File]:
        # If several files have the same URL, pip uses the first.
        return {compat.url_of(file): file for file in reversed(self.files)}


def for_pip(answer: PageFound[ProjectPage] | NotFound) -> PageFound[PipPage] | NotFound:
    """`answer`, with its page as a `PipPage`."""
    if isinstance(answer, NotFound):
        return answer
    return PageFound(PipPage(answer.page), answer.files, answer.empty)
