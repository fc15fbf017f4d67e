"""Wraps pip's installation: all wheels are checked before the first one is installed.

Loaded while pip itself is being imported, so nothing of pip is imported at the top.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from repoprio.pip_adapter.command import current, enforced

if TYPE_CHECKING:
    from collections.abc import Iterable
    from optparse import Values

    from repoprio.pip_adapter.protocols.requirements import InstallRequirement, RequirementSet


T = TypeVar("T")


def run(original: Callable[..., int]) -> Callable[..., int]:
    """Wraps ``pip install`` to note --target, to which it moves files in the end; other parts of pip do not know it."""

    @functools.wraps(original)
    def run(self: object, options: Values, args: list[str]) -> int:
        current().target = os.path.abspath(options.target_dir) if options.target_dir else ""
        current().replaces = bool(options.upgrade)
        return original(self, options, args)

    return run


def get_installation_order(original: Callable[..., T]) -> Callable[..., T]:
    """Wraps the last step before pip installs (pip 26.3 then forbids imports), to load what checks wheels."""

    @functools.wraps(original)
    def get_installation_order(self: object, req_set: RequirementSet) -> T:
        if enforced() is not None:
            from repoprio.pip_adapter.install import wheel_check

            # Find the protected files now, before anything is installed.
            wheel_check.settings_files()
        return original(self, req_set)

    return get_installation_order


def install_given_reqs(original: Callable[..., T]) -> Callable[..., T]:
    """Wraps the installation of a set of requirements: one wheel that is refused stops all of them."""
    signature = inspect.signature(original)

    @functools.wraps(original)
    def install_given_reqs(requirements: Iterable[InstallRequirement], *args: object, **kwargs: object) -> T:
        policy = enforced()
        if policy is not None:
            from repoprio.pip_adapter.install import wheel_check

            arguments = signature.bind(requirements, *args, **kwargs).arguments
            wheel_check.judge(
                policy, requirements, wheel_check.Options(*(arguments[name] for name in wheel_check.Options._fields))
            )
        return original(requirements, *args, **kwargs)

    return install_given_reqs
