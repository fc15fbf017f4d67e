"""Pip's commands."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from optparse import Values
from typing import Any, Protocol

from repoprio.pip_adapter.protocols.finder import PackageFinder, TargetPython
from repoprio.pip_adapter.protocols.network import PipSession
from repoprio.pip_adapter.protocols.requirements import InstallRequirement, RequirementPreparer
from repoprio.pip_adapter.protocols.resolver import Resolver


class Command(Protocol):
    """One of pip's commands."""

    name: str


class IndexCommand(Protocol):
    """``pip index``."""

    _build_package_finder: Callable[..., PackageFinder]


class InstallCommand(Protocol):
    """``pip install``."""

    def parse_args(self, args: list[str]) -> tuple[Values, list[str]]:
        """The options and the other arguments."""

    def main_context(self) -> AbstractContextManager[None]:
        """The context in which the command runs."""

    def get_default_session(self, options: Values) -> PipSession:
        """The session that the command itself uses."""

    def _build_session(self, options: Values) -> Any:
        """A new session, which is a context manager that closes it."""

    def _build_package_finder(
        self,
        options: Values,
        session: PipSession,
        target_python: TargetPython | None = None,
        ignore_requires_python: bool | None = None,
    ) -> PackageFinder:
        """A new finder."""

    def get_requirements(
        self, args: list[str], options: Values, finder: PackageFinder, session: PipSession
    ) -> list[InstallRequirement]:
        """The requirements and constraints of arguments and files."""

    def make_resolver(
        self,
        *,
        preparer: object,
        finder: PackageFinder,
        options: Values,
        ignore_installed: bool,
        ignore_requires_python: bool,
    ) -> Resolver:
        """A new resolver."""

    # Its parameters differ between versions of pip.
    make_requirement_preparer: Callable[..., RequirementPreparer]
