"""A preparer that builds nothing: anything but a wheel gets a placeholder, and no code of a package is run.

pip's resolver asks its preparer for the metadata of each file that it considers. For a wheel pip reads it;
for an sdist, a source tree or a VCS URL pip would run its code. This preparer does not fetch, unpack, clone or
open any of these.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from repoprio.explain.comparison import Failure, FailureCode
from repoprio.names import NormalizedName, normalize
from repoprio.pip_adapter import compat
from repoprio.pip_adapter.errors import LookupRefused
from repoprio.pip_adapter.finder.placeholder import PlaceholderDistribution
from repoprio.pip_adapter.hooks import wrappers
from repoprio.pip_adapter.requirements import link_of
from repoprio.simple_api.filenames import projects_of, version_in
from repoprio.urls import filename

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.links import Link
    from repoprio.pip_adapter.protocols.requirements import Distribution, InstallRequirement, RequirementPreparer


# After `policy_finder`: pip must not be imported before the hook is in place.
from pip._internal import exceptions  # isort: skip
from pip._vendor.packaging.requirements import Requirement  # isort: skip

# After these errors pip's resolver tries another file; any other error would end the installation.
_PASSED_OVER = tuple(
    getattr(exceptions, name) for name in ("MetadataInconsistent", "MetadataInvalid") if hasattr(exceptions, name)
)
_judge_direct_url = wrappers.prepare(lambda _preparer, _req: None)


class ProjectFailed(Exception):
    """A project stops the resolution: its name, and the failure."""

    def __init__(self, name: NormalizedName, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.name = name
        self.failure = failure


class NoBuildTracker:
    """Replaces pip's build tracker, through which every build goes: allows wheels only."""

    @contextmanager
    def track(self, req: InstallRequirement, *_: object) -> Iterator[None]:
        """Allow a wheel, which pip before 22.1 tracks too."""
        if not is_wheel(req):
            raise RuntimeError("nothing is built here")
        yield


class MetadataOnlyPreparer:
    """Replaces pip's `RequirementPreparer`; `wheels` is pip's own, which gets wheels only.

    `versionless` are the projects whose version only a build would show. While `is_alone`, a direct URL that the
    policy refuses gets a placeholder too: the author of the metadata that names it chose its host.
    """

    def __init__(self, wheels: RequirementPreparer) -> None:
        self._wheels = wheels
        self._known: dict[tuple[str, str], Distribution] = {}
        self.require_hashes = wheels.require_hashes
        self.download_dir = wheels.download_dir
        self.is_alone = False
        self.versionless: set[NormalizedName] = set()

    def prepare_linked_requirement(self, req: InstallRequirement, parallel_builds: bool = False) -> Distribution:  # noqa: FBT002 - pip's
        """The metadata of a requirement from a link; raises `ProjectFailed`."""
        try:
            _judge_direct_url(self._wheels, req)
        except LookupRefused as error:
            if not self.is_alone:
                raise ProjectFailed(_name_or_file(req), refused(error)) from None
            return self._stand_in(req)
        return self._wheel(req, parallel_builds) if is_wheel(req) else self._stand_in(req)

    def prepare_editable_requirement(self, req: InstallRequirement) -> Distribution:
        """The placeholder for an editable requirement, which is a source tree."""
        return self.prepare_linked_requirement(req)

    def prepare_linked_requirements_more(self, *_: object, **__: object) -> None:
        """Do nothing: nothing is installed, so nothing more is fetched."""

    def _wheel(self, req: InstallRequirement, parallel_builds: bool) -> Distribution:
        key = (link_of(req).url, str(sorted(req.hash_options.items())))
        if key not in self._known:
            try:
                self._known[key] = self._read_wheel(req, parallel_builds)
            except _PASSED_OVER:
                raise
            except Exception as error:  # noqa: BLE001 - after any error of pip, the metadata is unknown
                raise ProjectFailed(_name_or_file(req), _unreadable(req, error)) from None
        return self._known[key]

    def _read_wheel(self, req: InstallRequirement, parallel_builds: bool) -> Distribution:
        """The metadata of a wheel, checked for invalid dependencies; later pips check that themselves."""
        dist = self._fetch(req, parallel_builds)
        if not hasattr(exceptions, "MetadataInvalid"):
            list(dist.iter_dependencies(list(dist.iter_provided_extras())))
        return dist

    def _fetch(self, req: InstallRequirement, parallel_builds: bool) -> Distribution:
        """The metadata, by range requests if they work; some servers offer ranges, but fail."""
        lazy = self._wheels.use_lazy_wheel
        if lazy:
            try:
                return self._wheels.prepare_linked_requirement(req, parallel_builds)
            except Exception:  # noqa: BLE001 - ask again, for the whole file
                self._wheels.use_lazy_wheel = False
        try:
            return self._wheels.prepare_linked_requirement(req, parallel_builds)
        finally:
            self._wheels.use_lazy_wheel = lazy

    def _stand_in(self, req: InstallRequirement) -> PlaceholderDistribution:
        name = name_of(req)
        assert name is not None
        version = version_of(link_of(req), name)
        if req.req is None:
            req.req = Requirement(name)
        if version is None:
            self.versionless.add(name)
        return PlaceholderDistribution(name, version)


def is_wheel(req: InstallRequirement) -> bool:
    """Whether the requirement's link is a wheel, which pip reads without running its code."""
    link = req.link
    is_file = link is not None and link.is_wheel and not link.is_vcs and not link.is_existing_dir()
    return is_file and not req.editable


def name_of(req: InstallRequirement) -> NormalizedName | None:
    """The project that a requirement names, else the one in its file name; None if only a build would show it."""
    if req.name:
        return normalize(req.name)
    if req.link is None:
        return None
    if req.link.is_vcs or req.link.is_existing_dir():
        return None
    # An old sdist may have dashes in its version: then its name is ambiguous.
    projects = projects_of(filename(req.link.url), compat.is_version)
    return projects[0] if len(projects) == 1 else None


def _name_or_file(req: InstallRequirement) -> NormalizedName:
    return name_of(req) or normalize(filename(link_of(req).url))


def version_of(link: Link, name: NormalizedName) -> str | None:
    """The version in the file's name; None if it has none, as for a source tree or a VCS URL."""
    if link.is_vcs or link.is_existing_dir():
        return None
    return version_in(filename(link.url), name, compat.is_version)


def refused(error: LookupRefused) -> Failure:
    """The failure for a refusal without an explanation: what happened, and its code."""
    code = FailureCode(error.message.code)
    why = "by a URL, which direct-urls refuses" if code is FailureCode.DIRECT_URL else ""
    return Failure(code, error.message.lead, why)


def _unreadable(req: InstallRequirement, error: Exception) -> Failure:
    """The failure for an unreadable file, without pip's words, which have URLs, or a server's, which are untrusted."""
    kind, file = type(error).__name__, filename(link_of(req).url)
    if kind in _HASHES:
        return Failure(FailureCode.HASHES, f"{file} {_HASHES[kind]}.", _HASHES[kind])
    # pip wraps the error that has the response.
    answers = (getattr(cause, "response", None) for cause in (error, error.__context__))
    status = next((answer.status_code for answer in answers if answer is not None), None)
    problem = f"could not be fetched ({status})" if status else f"could not be read ({kind})"
    return Failure(FailureCode.UNREADABLE, f"{file} {problem}.", f"its file {problem}")


_HASHES = {
    "HashMismatch": "does not have the hash that it should",
    "HashMissing": "has no hash, and hashes are required",
    "HashUnpinned": "is not asked for with ==, and hashes are required",
}
