"""Finds out what pip's resolver will need next, so that it is fetched ahead: pages, and metadata of candidates.

The scout does what the resolver does as long as nothing conflicts: for each project it takes the candidate that pip
would take under the bounds known so far, and then looks at its dependencies. It decides nothing. It runs in the
resolver's own thread and makes no requests itself: workers fetch what it wants.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

from pip._internal.utils.hashes import Hashes
from pip._vendor.packaging.specifiers import SpecifierSet

from repoprio.lookup.project import Outcome
from repoprio.names import NormalizedName, is_project_name, normalize
from repoprio.pip_adapter import compat
from repoprio.pip_adapter.errors import LookupRefused
from repoprio.pip_adapter.finder.look_ahead import AheadSource
from repoprio.pip_adapter.index.fetcher import NotAtHand
from repoprio.pip_adapter.requirements import narrowed_specifier
from repoprio.pip_adapter.resolver.remembering import Distributions
from repoprio.pip_adapter.resolver.scouted_project import ScoutedProject, SkippedLinks

# The most metadata files wanted at a time if the resolver tries one version after the other.
STEPS = 4
# The most versions below the resolver's that are known not to fit: it comes to them one by one, and may never.
MOST_UNFIT = 16
# If projects depend on each other, one choice may undo another forever: the most choices for one project.
MOST_TURNS = 20


class Scout:
    """Goes ahead of one resolution; `provider` is that of pip's resolver."""

    def __init__(self, source: AheadSource, provider: Any, distributions: Distributions) -> None:
        self._source = source
        self._distributions = distributions
        self._provider = provider
        self._factory = provider._factory
        self._skipped = SkippedLinks(self._factory._finder)
        self._pages = source.pages()
        self._projects: dict[NormalizedName, ScoutedProject] = {}
        self._dirty: dict[NormalizedName, None] = {}
        # Metadata files that wait until their site may be asked, and files that are under way.
        self._parked: dict[str, tuple[NormalizedName, Any]] = {}
        self._wanted: dict[str, tuple[NormalizedName, Any, Any]] = {}
        # What the dependencies of a distribution are, and whether a project has a version for one.
        self._requirements: dict[tuple[Any, frozenset[str]], list[Any]] = {}
        self._possible: dict[tuple[Any, ...], bool] = {}
        self._is_busy = False

    def begin(self, requirements: Iterable[Any]) -> None:
        """Note the requirements with which the resolution begins."""
        for requirement in requirements:
            self._require(requirement, None)
        self.go_on()

    def note_taken(self, candidate: Any) -> None:
        """Note that the resolver takes a candidate for now, and reads its dependencies."""
        base = getattr(candidate, "base", candidate)
        dist = getattr(base, "dist", None)
        if dist is None or not is_project_name(str(base.project_name)):
            return
        name = normalize(base.project_name)
        project = self._projects.setdefault(name, ScoutedProject())
        link = getattr(base, "source_link", None)
        key = link.url_without_fragment if link is not None else f"installed {base.version}"
        project.metadata[key] = dist
        project.taken = base.version
        project.turns = 0
        self._choose(name, project, key, base.version)
        extras = project.extras | frozenset(getattr(candidate, "extras", ()))
        self._expand(name, project, extras)
        project.is_walking = link is not None and not self._fits(name, project, dist)
        if project.is_walking:
            self._look_down(name, project)
        self.go_on()

    def note_search(self, identifier: str, incompatible: Iterable[Any]) -> None:
        """Note that the resolver looks for candidates of a project, except for the `incompatible` ones."""
        # Some identifiers are not project names, such as that of Python itself.
        name = normalize(identifier.partition("[")[0])
        self._skipped.hand_over(name)
        project = self._projects.get(name)
        rejected = frozenset(str(candidate.version) for candidate in incompatible)
        if project is not None and rejected != project.rejected:
            project.rejected = rejected
            self._dirty[name] = None
        self.go_on()

    def go_on(self) -> None:
        """Do everything that is possible with what was fetched so far."""
        if self._is_busy:
            return
        self._is_busy = True
        try:
            self._take_in()
            while self._dirty:
                name = next(iter(self._dirty))
                del self._dirty[name]
                self._pursue(name, self._projects[name])
        finally:
            self._is_busy = False

    def _take_in(self) -> None:
        """Take in what was fetched since the last call: lookups that ended, and metadata."""
        for lookup in self._pages.ahead.ended():
            project = self._projects.get(lookup.name)
            if project and lookup.decision and lookup.decision.outcome is Outcome.SERVED:
                project.is_served = True
                self._dirty[lookup.name] = None
        for url, (name, candidate, metadata) in list(self._wanted.items()):
            content = self._pages.metadata.content(metadata)
            if content is not None:
                del self._wanted[url]
                dist = self._distribution(content, candidate, name)
                if dist is not None:
                    self._projects[name].metadata[url] = dist
                    self._dirty[name] = None
                    if self._projects[name].is_walking:
                        self._look_down(name, self._projects[name])
        parked, self._parked = self._parked, {}
        for name, candidate in parked.values():
            self._want_metadata(name, candidate)

    def _require(self, requirement: Any, parent: NormalizedName | None) -> None:
        """Note a requirement of pip's resolver."""
        explicit, ireq = requirement.get_candidate_lookup()
        if ireq is not None and ireq.req is not None and explicit is None:
            self._want(normalize(ireq.name), parent, ireq.req.specifier, frozenset(ireq.extras))
        elif explicit is not None and is_project_name(str(requirement.project_name)):
            self._projects.setdefault(normalize(requirement.project_name), ScoutedProject()).is_direct = True

    def _want(
        self, name: NormalizedName, parent: NormalizedName | None, specifier: Any, extras: frozenset[str]
    ) -> None:
        """Note that `parent` requires `name`; None stands for the user."""
        project = self._projects.setdefault(name, ScoutedProject())
        if parent in project.bounds:
            known, known_extras = project.bounds[parent]
            specifier, extras = narrowed_specifier(specifier, [known]), extras | known_extras
        project.bounds[parent] = specifier, extras
        self._dirty[name] = None

    def _pursue(self, name: NormalizedName, project: ScoutedProject) -> None:
        """Go as far as possible with a project whose bounds, page, metadata or rejected versions changed."""
        if project.is_direct or not project.bounds or self._is_constrained_to_url(name):
            return
        specifier = self._specifier(name, project)
        installed = self._installed(name, specifier)
        if installed is not None and compat.prefers_installed(self._provider, name):
            return
        if not project.is_asked:
            project.is_asked = True
            self._source.look_ahead([name])
        if not project.is_served or self._factory.preparer.require_hashes:
            return
        best = next(self._in_order(name, project, specifier), None)
        if best is None or (installed is not None and installed.version >= best.version):
            return
        key = best.link.url_without_fragment
        is_known = key in project.metadata
        if project.choice != key or (is_known and project.expanded != (key, project.extras)):
            project.turns += 1
        if project.turns > MOST_TURNS:
            return
        self._choose(name, project, key, best.version)
        if is_known:
            self._expand(name, project, project.extras)
        else:
            self._want_metadata(name, best)

    def _specifier(self, name: NormalizedName, project: ScoutedProject) -> Any:
        """The constraint and all bounds of a project, merged."""
        return narrowed_specifier(self._constraint(name), (specifier for specifier, _ in project.bounds.values()))

    def _constraint(self, name: NormalizedName) -> Any:
        """The specifier of the user's constraint on a project; empty if there is none."""
        constraint = self._provider._constraints.get(name)
        return constraint.specifier if constraint is not None else SpecifierSet()

    def _in_order(
        self, name: NormalizedName, project: ScoutedProject, specifier: Any, below: Any = None
    ) -> Iterator[Any]:
        """The candidates on the pages that were fetched, in the order in which pip tries them; lower than `below`."""
        constraint = self._provider._constraints.get(name)
        hashes = constraint.hashes if constraint is not None else Hashes()
        try:
            with self._pages.at_hand(), self._skipped.kept(name):
                result = self._source.find_best_candidate(name, specifier, hashes)
        except (LookupRefused, NotAtHand):
            return
        impossible = project.rejected | project.unusable
        for candidate in compat.as_tried(result, specifier):
            # Versions are compared faster than they are written.
            if (below is None or candidate.version < below) and str(candidate.version) not in impossible:
                yield candidate

    def _choose(self, name: NormalizedName, project: ScoutedProject, key: str, version: Any) -> None:
        if project.choice == key:
            return
        for child in project.needs:
            if self._projects[child].bounds.pop(name, None) is not None:
                self._dirty[child] = None
        project.choice, project.version, project.needs, project.expanded = key, version, (), None

    def _expand(self, name: NormalizedName, project: ScoutedProject, extras: frozenset[str]) -> None:
        """Require the dependencies of the chosen candidate."""
        assert project.choice is not None
        if project.expanded == (project.choice, extras) or self._provider._ignore_dependencies:
            return
        project.expanded = project.choice, extras
        for child in project.needs:
            self._projects[child].bounds.pop(name, None)
        needs = []
        for requirement in self._dependencies(name, project, extras):
            if not is_project_name(requirement.name):
                continue
            child = normalize(requirement.name)
            if requirement.url is not None:
                self._projects.setdefault(child, ScoutedProject()).is_direct = True
                continue
            if not self._can_have(child, name, requirement.specifier):
                # pip rejects the candidate here, and does not look at its further dependencies.
                project.expanded = None
                break
            self._want(child, name, requirement.specifier, frozenset(requirement.extras))
            needs.append(child)
        project.needs = tuple(dict.fromkeys(needs))

    def _dependencies(self, name: NormalizedName, project: ScoutedProject, extras: frozenset[str]) -> list[Any]:
        """The dependencies of the chosen candidate; if pip will not take it, none, and its version is unusable."""
        assert project.choice is not None
        dist = project.metadata[project.choice]
        try:
            if compat.runs_on_python(self._factory, dist):
                return self._required(dist, extras)
        except Exception:  # noqa: BLE001, S110 - a file may contain anything; pip skips it (24.1 and later) or reports it
            pass
        project.unusable.add(str(project.version))
        self._dirty[name] = None
        return []

    def _want_metadata(self, name: NormalizedName, candidate: Any) -> None:
        link = candidate.link
        metadata = link.metadata_link() if compat.uses_metadata(self._factory, link) else None
        if metadata is None:
            return
        url = link.url_without_fragment
        if self._pages.metadata.may_ask(url):
            self._wanted[url] = name, candidate, metadata
            self._pages.metadata.want(metadata)
        else:
            self._parked[url] = name, candidate

    def _look_down(self, name: NormalizedName, project: ScoutedProject) -> None:
        """Want the metadata of the next lower versions, because the resolver will try one after the other.

        The more versions are known not to fit, the more are wanted at a time; none below one that fits, and none far
        below the resolver: looking at all of them for each one that it tries would take longer than trying them.
        """
        unfit, unknown = 1, 0
        for candidate in self._in_order(name, project, self._specifier(name, project), project.taken):
            dist = project.metadata.get(candidate.link.url_without_fragment)
            if dist is not None:
                if self._fits(name, project, dist):
                    return
                unfit += 1
                if unfit > MOST_UNFIT:
                    return
            elif unknown >= min(max(1, unfit // 2), STEPS):
                return
            else:
                unknown += 1
                self._want_metadata(name, candidate)

    def _fits(self, name: NormalizedName, project: ScoutedProject, dist: Any) -> bool:
        """Whether the dependencies of `dist` fit what the resolver has taken, as far as is known."""
        if self._provider._ignore_dependencies:
            return True
        try:
            required = [need for need in self._required(dist, project.extras) if need.url is None]
        except Exception:  # noqa: BLE001 - pip skips metadata that it cannot read
            return False
        return all(self._can_have(normalize(need.name), name, need.specifier) for need in required)

    def _required(self, dist: Any, extras: frozenset[str]) -> list[Any]:
        """The dependencies of `dist` with those of its extras; may raise any error. Old pips parse them each time."""
        key = dist, extras
        if key not in self._requirements:
            provided = extras & frozenset(dist.iter_provided_extras())
            self._requirements[key] = list(dist.iter_dependencies(tuple(sorted(provided))))
        return self._requirements[key]

    def _can_have(self, child: NormalizedName, parent: NormalizedName, specifier: Any) -> bool:
        """Whether `child` has a version for this requirement of `parent`, under the bounds known so far."""
        project = self._projects.get(child)
        if project is None or not project.is_served or project.is_direct:
            return True
        if project.version is not None and specifier.contains(str(project.version), prereleases=True):
            return True
        others = tuple(
            bound
            for other, (bound, _) in project.bounds.items()
            if other is None or (other != parent and self._projects[other].taken is not None)
        )
        # Most versions of a project require the same.
        key = child, specifier, others, project.rejected, frozenset(project.unusable)
        if key not in self._possible:
            merged = narrowed_specifier(self._constraint(child), (specifier, *others))
            installed = self._installed(child, merged) is not None
            self._possible[key] = installed or any(self._in_order(child, project, merged))
        return self._possible[key]

    def _is_constrained_to_url(self, name: NormalizedName) -> bool:
        constraint = self._provider._constraints.get(name)
        return bool(constraint is not None and constraint.links)

    def _installed(self, name: NormalizedName, specifier: Any) -> Any:
        """The installed distribution if it fits, so that pip may keep it; None if pip installs a new one anyway."""
        if self._factory.force_reinstall:
            return None
        dist = self._factory._installed_dists.get(name)
        return dist if dist is not None and specifier.contains(str(dist.version), prereleases=True) else None

    def _distribution(self, content: bytes, candidate: Any, name: NormalizedName) -> Any:
        """Pip's distribution for a candidate's metadata file; None if that belongs to another one, or is unreadable."""
        # pip says what is wrong with it, if it comes to need it.
        with contextlib.suppress(Exception):
            dist = self._distributions.of(content, candidate.link.filename, name)

            # Not `raw_name`, which is another one's where there is no name.
            if (normalize(str(dist.metadata["Name"])), dist.version) == (name, candidate.version):
                return dist
        return None
