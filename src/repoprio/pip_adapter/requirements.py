"""Attributes of pip's requirements, which pip types as optional, and the merged bounds of several requirements."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from repoprio.names import NormalizedName, normalize

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.links import Hashes, Link, SpecifierSet
    from repoprio.pip_adapter.protocols.requirements import InstallRequirement


# Which versions are wanted, and which hashes a file may have.
Wanted = tuple["SpecifierSet", "Hashes"]


def project_of(ireq: InstallRequirement) -> NormalizedName:
    """The project of a requirement that names one, or whose metadata was read."""
    assert ireq.name is not None
    return normalize(ireq.name)


def specifier_of(ireq: InstallRequirement) -> SpecifierSet:
    """The specifier of a requirement that names a project."""
    assert ireq.req is not None
    return ireq.req.specifier


def link_of(ireq: InstallRequirement) -> Link:
    """The file of a requirement that has one."""
    assert ireq.link is not None
    return ireq.link


def narrowed_specifier(specifier: SpecifierSet, by: Iterable[SpecifierSet]) -> SpecifierSet:
    """`specifier`, narrowed by other version bounds of the same project, as pip merges them."""
    for bound in by:
        specifier = specifier & bound
    return specifier


def narrowed(wanted: Wanted, by: Iterable[InstallRequirement]) -> Wanted:
    """`wanted`, narrowed by requirements or constraints of the same project, as pip merges them."""
    specifier, hashes = wanted
    requirements = list(by)
    for ireq in requirements:
        hashes = hashes & ireq.hashes(trust_internet=False)
    return narrowed_specifier(specifier, map(specifier_of, requirements)), hashes
