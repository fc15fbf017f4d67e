"""The wrappers of pip's functions. Each takes the original and returns its replacement.

Loaded while pip itself is being imported, from any part of it, so nothing of pip is imported at the top.

Without a policy each one does what the original does.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from repoprio.environments.child_script import IS_CHILD, NO_INDEX
from repoprio.pip_adapter import progress
from repoprio.pip_adapter.command import HANDED_ON, begin, current, enforced, hand_on, policy
from repoprio.pip_adapter.finder.callers import direct_urls
from repoprio.pip_adapter.finder.registry import guard_of, note_guard, source_of
from repoprio.pip_adapter.hooks import failures, requirement_files
from repoprio.pip_adapter.index import credentials
from repoprio.pip_adapter.observe.registry import observer_of
from repoprio.pip_adapter.resolver import resolving
from repoprio.render.messages.model import message

if TYPE_CHECKING:
    from optparse import Values

    from repoprio.pip_adapter.finder.placeholder import PlaceholderDistribution
    from repoprio.pip_adapter.protocols.commands import Command
    from repoprio.pip_adapter.protocols.finder import BestCandidateResult, LinkCollector, PackageFinder
    from repoprio.pip_adapter.protocols.links import Hashes, InstallationCandidate, Link, SpecifierSet
    from repoprio.pip_adapter.protocols.network import PipSession
    from repoprio.pip_adapter.protocols.requirements import Distribution, InstallRequirement, RequirementPreparer
    from repoprio.pip_adapter.protocols.resolver import CollectedRootRequirements, Factory, LegacyResolver


T = TypeVar("T")


def main(original: Callable[..., int]) -> Callable[..., int]:
    """Wraps one command, and ends its state with it.

    If an invalid policy stopped the command, the status becomes 2; pip itself would return 1.
    """

    @functools.wraps(original)
    def main(self: Command, args: list[str]) -> int:
        # In the same way as pip decides which of its files to read (its `main`, 22.2 to 26.3).
        begin(isolated="--isolated" in args, command=self.name, arguments=args)
        before = {name: os.environ.get(name) for name in HANDED_ON}
        try:
            status = original(self, args)
            return 2 if status == 1 and current().invalid_policy is not None else status
        finally:
            if current().is_observed:
                resolving.observation().report()
            begin(isolated=False)
            for name, value in before.items():
                os.environ.pop(name, None)
                os.environ.update({name: value} if value is not None else {})

    return main


def create(original: Callable[..., LinkCollector]) -> Callable[..., LinkCollector]:
    """Wraps the making of a collector, which precedes lookups: loads the policy, and notes --no-index.

    From now on its session, which also fetches requirements files, uses only logins that the policy allows.
    """

    @functools.wraps(original)
    def create(cls: type, session: PipSession, options: Values, *args: object, **kwargs: object) -> LinkCollector:
        any_policy, in_force = policy(), enforced()
        if in_force is not None:
            credentials.keep(session.auth, in_force, requirement_files.written_by_user(options))
            if not current().looks and not current().is_build:
                progress.show_for(session, options)
        collector = original(cls, session, options, *args, **kwargs)
        if any_policy is not None:
            from repoprio.pip_adapter import compat

            no_index = compat.says_no_index(options)
            compat.note_no_index(collector, no_index)
            hand_on(NO_INDEX, "1" if no_index else "0")
        return collector

    return create


def collect_sources(original: Callable[..., T]) -> Callable[..., T]:
    """Wraps the sources of a collector: refused under a policy, since a finder asks its `PolicyFinder` instead."""

    @functools.wraps(original)
    def collect_sources(self: LinkCollector, project_name: str, candidates_from_page: object) -> T:
        if enforced() is None:
            return original(self, project_name, candidates_from_page)
        from repoprio.pip_adapter.errors import LookupRefused

        raise LookupRefused(message(f"{project_name} was looked up without the policy.", [], "unguarded"))

    return collect_sources


def find_all_candidates(
    original: Callable[..., list[InstallationCandidate]],
) -> Callable[..., list[InstallationCandidate]]:
    """Wraps all lookups of candidates: returns the owner's. A locked link is checked when its hashes are known."""

    @functools.wraps(original)
    def find_all_candidates(self: PackageFinder, project_name: str) -> list[InstallationCandidate]:
        source = source_of(self)
        if source is None or _locked_link(self, project_name) is not None:
            return original(self, project_name)
        return source.candidates(project_name)

    return _with_cache_clear(find_all_candidates, original)


def _with_cache_clear(wrapper: Callable[..., T], original: Callable[..., T]) -> Callable[..., T]:
    """The wrapper with `cache_clear`: pip caches candidates up to 25.0, and pip-tools clears that cache."""
    clear: Callable[[], None] | None = getattr(original, "cache_clear", None)
    if clear is None:
        return wrapper

    def cache_clear() -> None:
        from repoprio.pip_adapter.finder.policy_finder import PolicyFinder

        PolicyFinder.forgotten += 1
        clear()

    wrapper.cache_clear = cache_clear  # type: ignore[attr-defined]
    return wrapper


def find_best_candidate(original: Callable[..., BestCandidateResult]) -> Callable[..., BestCandidateResult]:
    """Wraps the lookup that gets the requirement as merged by the resolver, and the hashes."""

    @functools.wraps(original)
    def find_best_candidate(
        self: PackageFinder, project_name: str, specifier: SpecifierSet | None = None, hashes: Hashes | None = None
    ) -> BestCandidateResult:
        source = source_of(self)
        if source is None:
            return original(self, project_name, specifier, hashes)
        locked = _locked_link(self, project_name)
        if locked is not None:
            source.verify_locked(project_name, locked, hashes)
            return original(self, project_name, specifier, hashes)
        return source.find_best_candidate(project_name, specifier, hashes)

    return _with_cache_clear(find_best_candidate, original)


def _locked_link(finder: PackageFinder, project_name: str) -> Link | None:
    from repoprio.names import normalize

    return getattr(finder, "_locked_links", {}).get(normalize(project_name))


def find_requirement(
    original: Callable[..., InstallationCandidate | None],
) -> Callable[..., InstallationCandidate | None]:
    """Wraps the legacy resolver's lookup, for its error that nothing fits."""

    @functools.wraps(original)
    def find_requirement(self: PackageFinder, req: InstallRequirement, upgrade: bool) -> InstallationCandidate | None:
        from pip._internal.exceptions import DistributionNotFound

        resolving.refuse_flexible(guard_of(self), req)
        try:
            candidate = original(self, req, upgrade)
        except DistributionNotFound:
            guard, hashes = guard_of(self), req.hashes(trust_internet=False)
            refusal = guard and failures.refusal_of(guard.explanation(req.name or "", req.specifier, hashes=hashes))
            if not refusal:
                raise
            raise refusal from None
        observer = observer_of(self)
        if observer is not None:
            observer.note_found(req, candidate)
        return candidate

    return find_requirement


def get_dist_for(original: Callable[..., Distribution]) -> Callable[..., Distribution]:
    """Wraps the legacy resolver's check of a file: its metadata must name the project that was looked up."""

    @functools.wraps(original)
    def _get_dist_for(self: LegacyResolver, req: InstallRequirement) -> Distribution:
        from repoprio.names import normalize

        name = req.name
        dist = original(self, req)
        if name is None or req.original_link is not None or guard_of(self.finder) is None:
            return dist
        if normalize(name) != normalize(dist.raw_name):
            from repoprio.pip_adapter.errors import LookupRefused

            lead = f"{name}: the file that was chosen is {dist.raw_name}, according to its own metadata."
            raise LookupRefused(
                message(lead, ["hint: report this to the operator of that repository"], "another-project")
            )
        return dist

    return _get_dist_for


def collect_root_requirements(
    original: Callable[..., CollectedRootRequirements],
) -> Callable[..., CollectedRootRequirements]:
    """Wraps the collection of requirements: notes the URLs that the user asks for, and the constraints."""

    @functools.wraps(original)
    def collect_root_requirements(self: Factory, root_ireqs: list[InstallRequirement]) -> CollectedRootRequirements:
        if policy() is not None and not current().is_build:
            current().roots.update(i.link.url for i in root_ireqs if i.link)
        collected = original(self, root_ireqs)
        if current().is_observed:
            resolving.observation().resolution.note_constraints(self, collected.constraints)
        return collected

    return collect_root_requirements


def prepare(original: Callable[..., T]) -> Callable[..., T]:
    """Wraps the preparation of a requirement: checks direct URLs, also from metadata, before anything is fetched."""

    @functools.wraps(original)
    def prepare(self: RequirementPreparer, req: InstallRequirement, *args: object, **kwargs: object) -> T:
        in_force = enforced()
        if in_force is not None and req.original_link is not None:
            direct_urls.judge(in_force, req)
        # The check of wheels needs to know where it came from.
        note_guard(req, guard_of(self.finder))
        return original(self, req, *args, **kwargs)

    return prepare


def prepare_linked(original: Callable[..., Distribution]) -> Callable[..., Distribution | PlaceholderDistribution]:
    """The same for a link; in flexible mode, an sdist of a lower tier is not built at first."""
    return prepare(resolving.wait_until_needed(original))


def trace_basic_info(original: Callable[..., None]) -> Callable[..., None]:
    """Wraps pip's line about the indexes that it uses, which would be wrong under a policy."""
    import logging

    @functools.wraps(original)
    def trace_basic_info(finder: PackageFinder) -> None:
        guard, observer = guard_of(finder), observer_of(finder)
        if guard is None:
            original(finder)
        speaker = guard or observer
        if speaker is not None and not IS_CHILD and logging.getLogger("pip").isEnabledFor(logging.INFO):
            speaker.announce()

    return trace_basic_info
