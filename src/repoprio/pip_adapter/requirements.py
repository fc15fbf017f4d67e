"""What pip's requirements are known to have where they are asked for it: pip leaves most of it open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repoprio.names import NormalizedName, normalize

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.links import Link, SpecifierSet
    from repoprio.pip_adapter.protocols.requirements import InstallRequirement


def project_of(ireq: InstallRequirement) -> NormalizedName:
    """The project of a requirement that names one, or whose metadata was read."""
    assert ireq.name is not None
    return normalize(ireq.name)


def specifier_of(ireq: InstallRequirement) -> SpecifierSet:
    """The bounds of a requirement that names a project."""
    assert ireq.req is not None
    return ireq.req.specifier


def link_of(ireq: InstallRequirement) -> Link:
    """The file of a requirement that has one."""
    assert ireq.link is not None
    return ireq.link
