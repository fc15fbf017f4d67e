"""A policy of three repositories, and pages and decisions for it: for tests of the gateway's pure parts."""

from __future__ import annotations

from typing import Any

from repoprio.lookup.drivers import drive
from repoprio.lookup.events import (
    FetchFailed,
    FetchRequest,
    FetchResult,
    PageFound,
    StatusReceived,
)
from repoprio.lookup.memory import RunMemory
from repoprio.lookup.project import Decision, ProjectLookup
from repoprio.lookup.reasons import Cause
from repoprio.names import normalize
from repoprio.policy.model import Location, Policy, Repository
from repoprio.serve.pages.versions import PackagingVersions
from repoprio.simple_api.filenames import version_in
from repoprio.simple_api.model import File, ProjectPage

ACME = normalize("acme")
VERSIONS = PackagingVersions()
ABSENT: FetchResult[ProjectPage] = StatusReceived(404)


def repository(name: str, priority: int, **keys: Any) -> Repository:
    """A repository on a separate site."""
    return Repository(name, (Location.of(f"https://{name}.example/simple/"),), priority, **keys)


CORP, TEAM, PUBLIC = repository("corp", 10), repository("team", 50), repository("public", 90)
POLICY = Policy((CORP, TEAM, PUBLIC))


def wheel(version: str, site: str = "corp", **keys: Any) -> File:
    """A wheel of acme at the site of a repository."""
    name = f"acme-{version}-py3-none-any.whl"
    return File(name, f"https://{site}.example/files/{name}", {"sha256": "ab"}, **keys)


def page(*files: File, **keys: Any) -> PageFound[ProjectPage]:
    """An answer with these files."""
    stated = (version_in(file.filename, ACME, VERSIONS.is_version) for file in files)
    claimed = frozenset(version for version in stated if version is not None)
    listed = ProjectPage(ACME, "https://corp.example/simple/acme/", files, claimed, **keys)
    return PageFound(listed, len(files))


def decide(policy: Policy, /, *remembered: str, **answers: FetchResult[ProjectPage]) -> Decision[ProjectPage]:
    """The decision for these answers, by the names of repositories; the others do not have the project."""

    def fetch(ask: FetchRequest) -> FetchResult[ProjectPage]:
        return answers.get(ask.repository.name, ABSENT)

    lookup = ProjectLookup(RunMemory[ProjectPage](policy), ACME, remembered=remembered)
    return drive(lookup, fetch, lambda _: True)


DOWN = FetchFailed("the connection was refused", Cause.CONNECTION, lasting=True)
