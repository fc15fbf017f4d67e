"""Policies as files of all layers, in memory: the files that a case states."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

from repoprio.config.build import Parsers
from repoprio.config.load import load_policy, read_text
from repoprio.config.loaded import LoadedPolicy
from repoprio.config.policy_files import SYSTEM, VARIABLE, LayerFiles
from repoprio.config.settings import Merged
from repoprio.policy.model import Policy

from .core_runner import is_specifier

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TOOLS = Parsers(tomllib.loads, is_specifier, lambda: "https://default.example/simple")
TWO = """
[repositories.corp]
url = "https://corp.example/simple/"
priority = 10

[repositories.pypi]
url = "https://pypi.example/simple/"
priority = 90
"""
_PIP = ("global", "user", "site", "PIP_CONFIG_FILE")


def parsed_policy(text: str = TWO) -> Policy:
    """The policy in `text`."""
    return read_text(text, "policy.toml", {}, TOOLS)


def write_files(files: Mapping[str, Any], folder: Path) -> list[LayerFiles]:
    """Write the files of a case; `system` is repoprio.toml, `pieces` its neighbours, the others pip's."""
    system = []
    if "system" in files:
        system.append(_write(folder / "repoprio.toml", files["system"]))
    for name, text in sorted(files.get("pieces", {}).items()):
        system.append(_write(folder / "repos.d" / name, text))
    layers = [LayerFiles(SYSTEM, tuple(system))]
    return layers + [
        LayerFiles(name, (_write(folder / name / "pip.conf", files[name]),)) for name in _PIP if name in files
    ]


def _write(file: Path, text: str) -> str:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return str(file)


def read_files(files: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> LoadedPolicy:
    """The result of reading the files of a case; each file is named by its path below the case's folder."""
    with TemporaryDirectory() as folder:
        layers = write_files(files, Path(folder))
        named = {VARIABLE: _write(Path(folder, "named.toml"), files["named"])} if "named" in files else {}
        loaded = load_policy({**(environ or {}), **named}, layers, TOOLS)
        return _without(loaded, f"{folder}/")


def sound(found: LoadedPolicy) -> Policy:
    """The policy without its origins."""
    policy = found.sound()
    assert policy is not None
    return replace(policy, origins=MappingProxyType({}), lock=policy.lock and policy.lock._replace(file=""))


def _without(found: LoadedPolicy, prefix: str) -> LoadedPolicy:
    def plain(text: str) -> str:
        return text.replace(prefix, "")

    errors = tuple(f._replace(file=plain(f.file), problem=plain(f.problem)) for f in found.errors)
    merged = Merged({path: s._replace(file=plain(s.file)) for path, s in found.merged.settings.items()})
    return found._replace(errors=errors, merged=merged)
