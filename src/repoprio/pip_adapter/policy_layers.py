"""The policy files of this pip: `config.policy_files`, with pip's own libraries."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from repoprio.config import policy_files
from repoprio.config.records import Record


def layers(*, isolated: bool) -> tuple[policy_files.LayerFiles, ...]:
    """All layers of the policy, first to last."""
    return policy_files.layers(os.environ, _platform_dirs, isolated=isolated)


def pip_layers(*, isolated: bool, environ: Mapping[str, str] = os.environ) -> tuple[policy_files.LayerFiles, ...]:
    """The layers of pip's own files, at the places where pip looks."""
    return policy_files.pip_layers(environ, _platform_dirs, isolated=isolated)


def system_folder() -> str:
    """The folder of the system's policy."""
    return policy_files.system_folder()


def record_for_new() -> Record:
    """The record for an environment that this process makes."""
    return policy_files.for_new(os.environ, layers(isolated=False), _platform_dirs)


def reaches(record: Record) -> bool:
    """Whether a pip in an environment with this `record` finds anything that could be a policy."""
    return policy_files.reaches(os.environ, record, _platform_dirs)


def _platform_dirs() -> Any:
    # Imported only when needed, on Windows and macOS: it costs 24 ms.
    from pip._vendor import platformdirs

    return platformdirs
