"""Explains requirements, with the same finder that ``pip install`` would use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from repoprio.errors import InspectionError
from repoprio.explain.explanation import Explanation
from repoprio.lookup.project import Code, Outcome
from repoprio.names import NormalizedName
from repoprio.pip_adapter import compat, progress
from repoprio.pip_adapter.errors import warn
from repoprio.pip_adapter.finder.look_ahead import look_ahead
from repoprio.pip_adapter.finder.policy_finder import PolicyFinder
from repoprio.pip_adapter.inspect.compare.journal import check_disclosed, kept_from, may_be_private
from repoprio.pip_adapter.inspect.context import PipContext, pip_context, reading_requirements
from repoprio.pip_adapter.requirements import link_of, narrowed, project_of, specifier_of
from repoprio.policy.model import DirectUrls
from repoprio.redaction import redact_url, redact_words
from repoprio.render.compare import further

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.requirements import InstallRequirement


# After `context`, which guards this process: only a guarded pip may be imported.
from pip._internal.req.constructors import install_req_from_line, install_req_from_parsed_requirement  # isort: skip
from pip._internal.exceptions import InstallationError  # isort: skip
from pip._internal.req.req_file import parse_requirements  # isort: skip
from pip._internal.utils.hashes import MissingHashes  # isort: skip
from pip._vendor.packaging.specifiers import SpecifierSet  # isort: skip


def explain(
    requirements: Sequence[str],
    files: Sequence[str],
    options: Sequence[str],
    *,
    shadowed: bool,
    disclosed: frozenset[NormalizedName] = frozenset(),
    shows_progress: bool = False,
) -> list[Explanation]:
    """One explanation for each requirement whose markers hold here; `options` are pip's.

    `shadowed`: also find what plain pip would take; `disclosed` are names for which others are asked then, even if
    the policy keeps them private. `shows_progress`: on a terminal. Raises `InspectionError`, and `InvalidPolicy` for
    an invalid policy.
    """
    with pip_context(options) as pip:
        if shows_progress:
            progress.show_for(pip.session, pip.options)
        return list(_explanations(pip, requirements, files, _Below(shadowed, disclosed)))


class _Below(NamedTuple):
    """Which repositories are asked in addition to those that an installation would ask."""

    shadowed: bool
    disclosed: frozenset[NormalizedName]

    def check(self, guard: PolicyFinder, roots: Sequence[InstallRequirement]) -> None:
        """Raise `InspectionError` if a name to disclose is not private, before any private name is disclosed."""
        if self.disclosed:
            named = [ireq for ireq in roots if ireq.req is not None and not ireq.link]
            decisions = (guard.decide(project_of(i), specifier_of(i), below_owner=True) for i in named)
            check_disclosed(self.disclosed, [decision.name for decision in decisions if may_be_private(decision)])

    def tells(self, guard: PolicyFinder, ireq: InstallRequirement) -> bool:
        """Whether the name of `ireq` is disclosed; prints to whom, before that happens."""
        name = project_of(ireq)
        if name not in self.disclosed:
            return False
        if others := kept_from(guard.decide(name, specifier_of(ireq), below_owner=True)):
            warn(further(name, others, None))
        return True


def _explanations(
    pip: PipContext, requirements: Sequence[str], files: Sequence[str], below: _Below
) -> Iterator[Explanation]:
    with reading_requirements():
        wanted = [_requirement(text) for text in requirements]
        constraints = list(_read(pip, pip.options.constraints, constraint=True))
        wanted += _read(pip, files, constraint=False)
        constraints += [ireq for ireq in wanted if ireq.constraint]
        roots = [ireq for ireq in wanted if not ireq.constraint and _holds(ireq)]
        applying = [*(ireq for ireq in constraints if ireq.match_markers()), *roots]
    for ireq in constraints:
        if problem := compat.constraint_problem(ireq):
            raise InspectionError(f"{problem}    [usage]")
    named = dict.fromkeys(project_of(ireq) for ireq in roots if ireq.name and not ireq.link)
    look_ahead(pip.guard, named, below_owner=below.shadowed)
    below.check(pip.guard, roots)
    wants_hashes = pip.options.require_hashes or any(ireq.hash_options for ireq in roots)
    for ireq in roots:
        others = [other for other in applying if other is not ireq and _is_about(other, ireq)]
        place = next(
            (requirement for requirement in (ireq, *others) if requirement.link or requirement.req is None), None
        )
        if place:
            yield _direct(pip.guard, place)
        else:
            yield _explanation(pip.guard, ireq, others, below, wants_hashes=wants_hashes)


def _requirement(text: str) -> InstallRequirement:
    try:
        requirement: InstallRequirement = install_req_from_line(text)
    except InstallationError as error:
        raise InspectionError(f"{redact_words(str(error))}    [usage]") from None
    return requirement


def _holds(ireq: InstallRequirement) -> bool:
    holds: bool = ireq.match_markers()
    if not holds:
        warn(f"repoprio: {redact_words(str(ireq))}: its marker does not apply here")
    return holds


def _is_about(other: InstallRequirement, ireq: InstallRequirement) -> bool:
    """Whether `other`, a constraint or requirement, is about the same project as `ireq`."""
    return bool(other.name and ireq.name and compat.same_project(other.name, ireq.name))


def _read(pip: PipContext, files: Sequence[str], *, constraint: bool) -> Iterator[InstallRequirement]:
    for file in files:
        lines = parse_requirements(file, pip.session, finder=pip.finder, options=pip.options, constraint=constraint)
        for line in lines:
            yield install_req_from_parsed_requirement(line)


def _explanation(
    guard: PolicyFinder,
    ireq: InstallRequirement,
    others: list[InstallRequirement],
    below: _Below,
    *,
    wants_hashes: bool,
) -> Explanation:
    left, hashes = narrowed((SpecifierSet(), ireq.hashes(trust_internet=False)), others)
    if wants_hashes and not hashes:
        warn(f"repoprio: {ireq}: it has no hash, but pip requires one since others have one (--require-hashes)")
        hashes = MissingHashes()
    return guard.explanation(
        ireq.name or "",
        specifier_of(ireq) & left,
        requirement=str(ireq.req).partition(";")[0].strip(),
        hashes=hashes,
        constraint=str(left),
        shadowed=below.shadowed,
        disclosed=below.tells(guard, ireq),
    )


def _direct(guard: PolicyFinder, ireq: InstallRequirement) -> Explanation:
    """The explanation of a direct URL that the user asks for; no repository is involved."""
    policy = guard.policy
    place = redact_url(link_of(ireq).url)
    allowed = policy.direct_urls is not DirectUrls.REFUSE
    return Explanation(
        f"{ireq.name} @ {place}" if ireq.name else place,
        ireq.name or place,
        Outcome.SERVED if allowed else Outcome.BLOCKED,
        Code.DIRECT_URL,
        lines=(),
        owners=(),
        rules=(policy.rule("direct-urls", f'"{policy.direct_urls.value}"'),),
    )
