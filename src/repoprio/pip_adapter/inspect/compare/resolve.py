"""Runs pip's own resolver twice for ``repoprio compare``, under the policy and as plain pip, without builds."""

from __future__ import annotations

import copy
import functools
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING

from repoprio.dataclass import dataclass
from repoprio.errors import InspectionError
from repoprio.explain.comparison import (
    Comparison,
    Disclosure,
    Failure,
    FailureCode,
    ProjectPair,
    ResolvedFile,
)
from repoprio.explain.comparison_remedies import comparison_remedy
from repoprio.explain.comparison_verdicts import judge
from repoprio.names import NormalizedName, normalize
from repoprio.pip_adapter import compat
from repoprio.pip_adapter.errors import LookupRefused
from repoprio.pip_adapter.finder.look_ahead import put_ahead
from repoprio.pip_adapter.finder.placeholder import PlaceholderDistribution
from repoprio.pip_adapter.finder.registry import put_guard, put_source
from repoprio.pip_adapter.inspect.compare.failures import blame
from repoprio.pip_adapter.inspect.compare.file_match import file_match
from repoprio.pip_adapter.inspect.compare.journal import check_disclosed, disclosure
from repoprio.pip_adapter.inspect.compare.preparer import (
    MetadataOnlyPreparer,
    NoBuildTracker,
    ProjectFailed,
    name_of,
    refused,
)
from repoprio.pip_adapter.inspect.compare.sides import PolicySide, Side, VersionPrioritySide, failure_of
from repoprio.pip_adapter.inspect.context import PipContext, pip_context, reading_requirements
from repoprio.pip_adapter.log_muting import muted
from repoprio.pip_adapter.requirements import link_of
from repoprio.policy.model import Policy, Repository
from repoprio.redaction import redact_url, redact_words
from repoprio.urls import filename

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.links import Link
    from repoprio.pip_adapter.protocols.requirements import InstallRequirement
    from repoprio.pip_adapter.protocols.resolver import Graph, ResolutionResult


# After `context`, which guards this process: only a guarded pip may be imported.
from pip._internal.exceptions import PipError  # isort: skip
from pip._internal.utils.temp_dir import TempDirectory  # isort: skip
from pip._vendor.packaging.markers import Marker  # isort: skip
from pip._vendor.packaging.specifiers import SpecifierSet  # isort: skip

# Each failed round leaves one project out; more rounds than this mean that nothing works.
MOST_ROUNDS = 300
_NEVER = Marker("python_version < '0'")


@dataclass(frozen=True)
class Progress:
    """Functions that print messages: `note` in general, `before` plain pip is run, `further` before one more name.

    `step` is called before each lookup: whether it is for plain pip, the number of projects so far, and the name.
    """

    note: Callable[[str], None]
    before: Callable[[Disclosure, Policy], None]
    further: Callable[[str, Sequence[Repository], str | None], None]
    step: Callable[[bool, int, str], None]


@dataclass
class Resolution:
    """The result of one side: a file or a failure for each project, and the links of the chosen files."""

    sides: dict[NormalizedName, ResolvedFile | Failure] = field(default_factory=dict)
    links: dict[NormalizedName, Link] = field(default_factory=dict)


def compare(
    requirements: Sequence[str],
    files: Sequence[str],
    options: Sequence[str],
    voice: Progress,
    disclosed: frozenset[NormalizedName] = frozenset(),
) -> Comparison:
    """Both resolutions of the requirements, side by side; `options` are pip's.

    `disclosed` are names for which others are asked even if the policy keeps them private. Raises `InspectionError`,
    and `InvalidPolicy` for an invalid policy.
    """
    # fast-deps: fetch only the metadata if a server can send parts of a wheel.
    given = [*options, "--use-feature", "fast-deps", *(word for file in files for word in ("--requirement", file))]
    with pip_context(given) as pip, muted():
        policy = PolicySide(pip.finder, pip.guard.policy, disclosed, lambda count, name: voice.step(False, count, name))
        put_guard(pip.finder, policy.guard)
        put_ahead(pip.finder, policy.ahead())
        roots = _roots(pip, requirements, voice)
        return _compare(pip, roots, policy, voice)


def _compare(pip: PipContext, roots: list[InstallRequirement], policy: PolicySide, voice: Progress) -> Comparison:
    named = [root for root in roots if name_of(root)]
    resolver = ResolutionRounds(pip, named)
    chosen = resolver.resolve(policy)
    needed = list(chosen.sides)
    before = policy.journal
    further = before.further(needed)
    voice.before(disclosure(further, before.private()), pip.guard.policy)
    alone = VersionPrioritySide(
        policy,
        lambda name, new: voice.further(name, new, resolver.parent(name)),
        before.asked() | further,
        lambda count, name: voice.step(True, count, name),
    )
    ahead = alone.ahead()
    put_source(pip.finder, alone)
    put_ahead(pip.finder, ahead)
    newest = resolver.resolve(alone)
    after = alone.journal
    check_disclosed(before.disclosed, before.can_be_disclosed() | after.can_be_disclosed())
    texts = _texts(named)
    private = dict((*before.private(), *after.private()))
    names = dict.fromkeys([*chosen.sides, *newest.sides])
    pairs = [
        ProjectPair(
            name,
            newest.sides.get(name),
            chosen.sides.get(name),
            file_match(alone, name, newest.sides.get(name), chosen.sides.get(name), chosen.links.get(name)),
            alone.unanswered(name),
            texts.get(name),
            private.get(name),
        )
        for name in names
    ]
    pairs += [_unnamed(root) for root in roots if root not in named]
    disclosed = disclosure((after.asked() | ahead.disclosed()) - before.asked(), tuple(sorted(private.items())))
    judged = (replace(project, remedy=comparison_remedy(pip.guard.policy, project)) for project in judge(pairs))
    return Comparison(tuple(judged), disclosed)


def _roots(pip: PipContext, requirements: Sequence[str], voice: Progress) -> list[InstallRequirement]:
    """The requirements and constraints whose markers hold here, as pip itself reads them."""
    with reading_requirements():
        ireqs = pip.install.get_requirements(list(requirements), pip.options, pip.finder, pip.session)
        holding = [ireq for ireq in ireqs if ireq.match_markers()]
    for ireq in ireqs:
        if ireq not in holding and not ireq.constraint:
            voice.note(f"repoprio: {redact_words(str(ireq.req or ireq))}: its marker does not apply here")
        problem = compat.constraint_problem(ireq) if ireq.constraint else None
        if problem:
            raise InspectionError(f"{problem}    [usage]")
    return holding


def _texts(roots: Sequence[InstallRequirement]) -> dict[NormalizedName, str]:
    """The requirements of the user for each project, as text."""
    wanted: dict[NormalizedName, list[str]] = defaultdict(list)
    for root in roots:
        if not root.constraint:
            name = name_of(root)
            assert name
            by_name = str(root.req).partition(";")[0].strip()
            wanted[name].append(f"{name} @ {redact_url(root.link.url)}" if root.link else by_name)
    return {name: ", ".join(texts) for name, texts in wanted.items()}


def _unnamed(root: InstallRequirement) -> ProjectPair:
    where = redact_url(link_of(root).url)
    reason = f"{where} is not a wheel, and only a build would tell its name."
    failure = Failure(FailureCode.UNNAMED, reason, "its name is not known")
    return ProjectPair(where, failure, failure, requirement=where)


class ResolutionRounds:
    """Resolves the same roots repeatedly: a project that fails is noted, and left out of the next round."""

    def __init__(self, pip: PipContext, roots: Sequence[InstallRequirement]) -> None:
        self._pip = pip
        self._roots = roots
        self._constraints = [root for root in roots if root.constraint]
        # Not the legacy resolver, which builds while it resolves.
        features = pip.options.deprecated_features_enabled
        pip.options.deprecated_features_enabled = [name for name in features if name != "legacy-resolver"]
        wheels = compat.preparer(
            pip.install,
            options=pip.options,
            session=pip.session,
            finder=pip.finder,
            folder=TempDirectory(kind="req-build", globally_managed=True),
            tracker=NoBuildTracker(),
        )
        self._preparer = MetadataOnlyPreparer(wheels)
        self._parents: dict[NormalizedName, dict[str, None]] = defaultdict(dict)
        self._failures: dict[NormalizedName, Failure] = {}
        # Projects requested by URL, by file name: pip names only the file if a wheel is for another platform.
        self._direct = {root.link.filename: name for root in roots if root.link and (name := name_of(root))}

    def parent(self, name: NormalizedName) -> str | None:
        """The first project that required `name`; None for the user."""
        return next(iter(self._parents[name]), None)

    def resolve(self, side: Side) -> Resolution:
        """The result of `side`."""
        self._failures, self._parents = {}, defaultdict(dict)
        self._preparer.is_alone = side.is_alone
        for _ in range(MOST_ROUNDS):
            known = len(self._failures) + len(self._preparer.versionless)
            resolution = self._try(side)
            if resolution:
                return self._with_failures(resolution)
            if len(self._failures) + len(self._preparer.versionless) == known:
                break
        self._failures.update(self._gave_up("pip's resolver did not finish."))
        return self._with_failures(Resolution())

    def _try(self, side: Side) -> Resolution | None:
        """One round; None if it failed, which is noted, unless the only problem was an unknown version."""
        versionless = len(self._preparer.versionless)
        try:
            return self._round(side)
        except ProjectFailed as error:
            self._failures[error.name] = error.failure
        except PipError as error:
            if isinstance(error, LookupRefused) and error.__cause__ is None:
                if error.project is None:
                    # Not because of a project: an index that the policy does not list.
                    raise
                self._failures[error.project] = failure_of(error.explanation) if error.explanation else refused(error)
            elif len(self._preparer.versionless) == versionless:
                culprits = blame(error, side, self._constraints, self._direct)
                reason = f"pip gave up ({type(error).__name__})."
                self._failures.update(culprits or self._gave_up(reason))
        except Exception as error:  # noqa: BLE001 - odd metadata can cause any error in the resolver
            self._failures.update(self._gave_up(f"pip's resolver failed ({type(error).__name__})."))
        return None

    def _with_failures(self, resolution: Resolution) -> Resolution:
        for name, failure in self._failures.items():
            resolution.sides[name] = replace(failure, needed_by=tuple(self._parents[name]))
        return resolution

    def _gave_up(self, reason: str) -> dict[NormalizedName, Failure]:
        names = (name_of(root) for root in self._roots if not root.constraint)
        return {name: Failure(FailureCode.GAVE_UP, reason) for name in names if name and name not in self._failures}

    def _round(self, side: Side) -> Resolution:
        resolver = self._pip.install.make_resolver(
            preparer=self._preparer,
            finder=self._pip.finder,
            options=self._pip.options,
            ignore_installed=True,
            ignore_requires_python=self._pip.options.ignore_requires_python,
        )
        make = resolver.factory._make_install_req_from_spec
        resolver.factory._make_install_req_from_spec = functools.partial(self._required, make)
        resolver.resolve([self._left(copy.copy(root)) for root in self._roots], check_supported_wheels=True)
        return _resolution_of(resolver._result, side)

    def _required(
        self, make: Callable[[str, InstallRequirement], InstallRequirement], text: str, parent: InstallRequirement
    ) -> InstallRequirement:
        """A requirement in the metadata of `parent`."""
        by = name_of(parent)
        assert by
        try:
            ireq = make(text, parent)
        except PipError:
            problem = f"its metadata has an invalid requirement: {redact_words(text)}"
            raise ProjectFailed(by, Failure(FailureCode.UNREADABLE, f"{by}: {problem}.", problem)) from None
        name = name_of(ireq)
        if name and name != by:
            self._parents[name][by] = None
        if name and ireq.link:
            self._direct[ireq.link.filename] = name
        return self._left(ireq)

    def _left(self, ireq: InstallRequirement) -> InstallRequirement:
        """`ireq` for the next round: it never applies for a failed project, and fits any version if that is unknown."""
        name = name_of(ireq)
        if name in self._failures:
            ireq.markers = _NEVER
        elif name in self._preparer.versionless and ireq.req is not None:
            ireq.req = copy.copy(ireq.req)
            ireq.req.specifier = SpecifierSet()
        return ireq


def _resolution_of(result: ResolutionResult, side: Side) -> Resolution:
    """The chosen files of a finished resolution."""
    parents = _parents(result.graph)
    resolution = Resolution()
    for candidate in result.mapping.values():
        link = getattr(candidate, "source_link", None)
        if link is None or candidate.name != candidate.project_name:
            continue
        name = normalize(candidate.project_name)
        resolution.links[name] = link
        supplier = side.supplier(name, link)
        dist = getattr(candidate, "dist", None)
        is_unread = isinstance(dist, PlaceholderDistribution)
        resolution.sides[name] = ResolvedFile(
            None if isinstance(dist, PlaceholderDistribution) and dist.is_versionless else str(candidate.version),
            supplier,
            filename(link.url) if supplier else redact_url(link.url),
            is_unread,
            tuple(sorted(parents[name])),
            side.narrowed(name) if supplier else None,
        )
    return resolution


def _parents(graph: Graph) -> dict[str, set[str]]:
    """The projects that require each project; an extra counts as its project."""
    parents: dict[str, set[str]] = defaultdict(set)
    for key in graph:
        for parent in graph.iter_parents(key) if key else ():
            child, above = (text.partition("[")[0] for text in (key or "", parent or ""))
            if above not in ("", child):
                parents[child].add(above)
    return parents
