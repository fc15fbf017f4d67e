"""Loads the policy for the commands about it, without importing pip."""

from __future__ import annotations

import os
import re
import sys
from importlib import import_module
from typing import Any

from repoprio.cli import in_target
from repoprio.config import load, policy_files
from repoprio.config.build import Parsers, is_specifier
from repoprio.config.errors import PolicyProblem
from repoprio.config.load import load_policy, read_file
from repoprio.config.loaded import LoadedPolicy
from repoprio.config.pip.default_index import default_index
from repoprio.config.pip.files import read_pip_files
from repoprio.config.pip.indexes import Named, named
from repoprio.config.records import Record

# Plain specifiers such as "<3" and ">=1.2, !=1.5", for which packaging (20 ms) is not imported.
_PLAIN = re.compile(r"(==|!=|<=|>=|<|>)\s*[0-9]+(\.[0-9]+)*(\s*,\s*(==|!=|<=|>=|<|>)\s*[0-9]+(\.[0-9]+)*)*")


def _is_specifier(text: str) -> bool:
    if _PLAIN.fullmatch(text):
        return True
    return is_specifier(text, _library("packaging.specifiers").SpecifierSet)


def _platform_dirs() -> Any:
    # Pip's own copy: other versions of it look elsewhere, such as in XDG_CONFIG_HOME on macOS.
    try:
        return import_module("pip._vendor.platformdirs")
    except ImportError:
        return _library("platformdirs")


def _parse_toml(text: str) -> dict[str, Any]:
    toml = import_module("tomllib") if sys.version_info >= (3, 11) else _library("tomli")
    document: dict[str, Any] = toml.loads(text)
    return document


def _library(name: str) -> Any:
    """A library that repoprio needs; as a guest, pip's own copy, since the environment may have no other."""
    in_target.check_pip()
    return import_module(f"pip._vendor.{name}" if in_target.is_guest() else name)


TOOLS = Parsers(_parse_toml, _is_specifier, default_index)


def layers(*, isolated: bool = False) -> tuple[policy_files.LayerFiles, ...]:
    """All layers of the policy, first to last."""
    return policy_files.layers(os.environ, _platform_dirs, isolated=isolated)


def no_policy(*, isolated: bool = False) -> str:
    """The message for "there is no policy"."""
    return load.no_policy(os.environ, layers(isolated=isolated), policy_files.system_folder())


def pip_settings(*, isolated: bool = False) -> tuple[list[Named], list[PolicyProblem]]:
    """The indexes and find-links that pip's own settings name, and an error for each file that cannot be read."""
    files, errors = read_pip_files(policy_files.pip_layers(os.environ, _platform_dirs, isolated=isolated))
    # pip --isolated ignores pip's variables.
    return named(files, {} if isolated else os.environ), errors


def global_file() -> str:
    """The file that ``pip config --global`` writes: the last of the global ones."""
    layers = policy_files.pip_layers({**os.environ, "PIP_CONFIG_FILE": ""}, _platform_dirs, isolated=False)
    return next(layer.files[-1] for layer in layers if layer.name == "global")


def system_file() -> str:
    """The file for an administrator's policy."""
    return os.path.join(policy_files.system_folder(), policy_files.FILE_NAME)


def of_everybody(file: str | None = None) -> LoadedPolicy:
    """The policy that every pip of this machine finds: the system's, and pip's global file.

    `file` will become the system's file.
    """
    environ = {name: value for name, value in os.environ.items() if name != policy_files.VARIABLE}
    shared = [layer for layer in layers(isolated=True) if layer.name in (policy_files.SYSTEM, "global")]
    if file is not None:
        pieces = [piece for piece in shared[0].files if piece != system_file()]
        shared[0] = shared[0]._replace(files=(file, *pieces))
    return load_policy(environ, shared, TOOLS)


def record_for_new() -> Record:
    """The record for another environment: the files of this policy that a pip there would not find."""
    return policy_files.for_new(os.environ, layers(), _platform_dirs)


def reaches(record: Record) -> bool:
    """Whether a pip in another environment with this `record` finds anything that could be a policy."""
    return policy_files.reaches(os.environ, record, _platform_dirs)


def policy(file: str | None = None, *, isolated: bool = False) -> LoadedPolicy:
    """The policy in force, or that of `file` alone."""
    if file is not None:
        return read_file(file, os.environ, TOOLS)
    return load_policy(os.environ, layers(isolated=isolated), TOOLS)
