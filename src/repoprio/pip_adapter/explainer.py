"""Explanations of requirements, through the very finder that ``pip install`` would use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from repoprio.explanation import Explanation
from repoprio.lookup import Code, Outcome
from repoprio.pip_adapter import compat
from repoprio.pip_adapter.guard import Guard, warn
from repoprio.pip_adapter.opened import Opened, opened
from repoprio.policy import DirectUrls
from repoprio.urls import redacted

# After `opened`, which guards this process: only a guarded pip may be imported.
from pip._internal.req.constructors import install_req_from_line, install_req_from_parsed_requirement  # isort: skip
from pip._internal.req.req_file import parse_requirements  # isort: skip
from pip._vendor.packaging.specifiers import SpecifierSet  # isort: skip


def explain(
    requirements: Sequence[str], files: Sequence[str], options: Sequence[str], *, shadowed: bool
) -> list[Explanation]:
    """One explanation for each requirement whose markers hold here; `options` are pip's.

    Raises `CannotLook`, and `PolicyFaults` for a faulty policy.
    """
    with opened(options) as pip:
        return list(_explanations(pip, requirements, files, shadowed=shadowed))


def _explanations(
    pip: Opened, requirements: Sequence[str], files: Sequence[str], *, shadowed: bool
) -> Iterator[Explanation]:
    wanted = [install_req_from_line(text) for text in requirements]
    constraints = list(_read(pip, pip.options.constraints, constraint=True))
    wanted += _read(pip, files, constraint=False)
    constraints += [ireq for ireq in wanted if ireq.constraint]
    has_hashes = any(ireq.hash_options for ireq in wanted)
    for ireq in wanted:
        if ireq.constraint:
            continue
        if has_hashes and not ireq.hash_options:
            warn(f"repoprio: {ireq}: pip refuses it, for others have hashes and it has none (--require-hashes)")
        if not ireq.match_markers():
            warn(f"repoprio: {ireq}: its marker does not hold here")
            continue
        if ireq.link or ireq.req is None:
            yield _direct(pip.guard, ireq)
        else:
            yield _explanation(pip.guard, ireq, constraints, shadowed=shadowed)


def _read(pip: Opened, files: Sequence[str], *, constraint: bool) -> Iterator[Any]:
    for file in files:
        lines = parse_requirements(file, pip.session, finder=pip.finder, options=pip.options, constraint=constraint)
        for line in lines:
            yield install_req_from_parsed_requirement(line)


def _explanation(guard: Guard, ireq: Any, constraints: list[Any], *, shadowed: bool) -> Explanation:
    specifier, hashes = ireq.req.specifier, ireq.hashes(trust_internet=False)
    left = SpecifierSet()
    for other in constraints:
        if other.name and compat.same_project(other.name, ireq.name) and other.match_markers() and other.req:
            left = left & other.req.specifier
            hashes = hashes & other.hashes(trust_internet=False)
    return guard.explanation(
        ireq.name,
        specifier & left,
        requirement=str(ireq.req).partition(";")[0].strip(),
        hashes=hashes,
        constraint=str(left),
        shadowed=shadowed,
    )


def _direct(guard: Guard, ireq: Any) -> Explanation:
    """A direct URL that the user asks for: no repository has a say in it."""
    rules = guard.policy
    allowed = rules.direct_urls is not DirectUrls.REFUSE
    return Explanation(
        f"{ireq.name} @ {redacted(ireq.link.url)}" if ireq.name else redacted(ireq.link.url),
        ireq.name or redacted(ireq.link.url),
        Outcome.SERVED if allowed else Outcome.BLOCKED,
        Code.DIRECT_URL,
        lines=(),
        owners=(),
        rules=(rules.rule("direct-urls", f'"{rules.direct_urls.value}"'),),
    )
