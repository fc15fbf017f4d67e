"""Where pip is about to install: all wheels are judged before the first of them is.

Loaded while pip itself is being imported: so nothing of pip is imported here at the top.
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
    """``pip install``: where it moves things in the end, which no part of pip that installs them is told."""

    @functools.wraps(original)
    def run(self: object, options: Values, args: list[str]) -> int:
        current().target = os.path.abspath(options.target_dir) if options.target_dir else ""
        current().replaces = bool(options.upgrade)
        return original(self, options, args)

    return run


def get_installation_order(original: Callable[..., T]) -> Callable[..., T]:
    """The last that pip asks before it installs, and from pip 26.3 on forbids imports: what judges wheels is loaded."""

    @functools.wraps(original)
    def get_installation_order(self: object, req_set: RequirementSet) -> T:
        if enforced() is not None:
            from repoprio.pip_adapter.install import wheel_check

            # What a wheel may not write is told by what lies there before anything is installed.
            wheel_check.settings_files()
        return original(self, req_set)

    return get_installation_order


def install_given_reqs(original: Callable[..., T]) -> Callable[..., T]:
    """The requirements are a transaction: one wheel that may not be installed stops all of it."""
    signature = inspect.signature(original)

    @functools.wraps(original)
    def install_given_reqs(requirements: Iterable[InstallRequirement], *args: object, **kwargs: object) -> T:
        rules = enforced()
        if rules is not None:
            from repoprio.pip_adapter.install import wheel_check

            given = signature.bind(requirements, *args, **kwargs).arguments
            wheel_check.judge(
                rules, requirements, wheel_check.Options(*(given[name] for name in wheel_check.Options._fields))
            )
        return original(requirements, *args, **kwargs)

    return install_given_reqs
