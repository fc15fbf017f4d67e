"""Where the files of a policy lie for this pip: `config.policy_files`, with what pip brings along."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from repoprio.config import policy_files
from repoprio.config.records import Record


def layers(*, isolated: bool) -> tuple[policy_files.LayerFiles, ...]:
    """The files that a policy may lie in, found with what pip brings along."""
    return policy_files.layers(os.environ, _platform_dirs, isolated=isolated)


def pip_layers(*, isolated: bool, environ: Mapping[str, str] = os.environ) -> tuple[policy_files.LayerFiles, ...]:
    """Pip's own files, as pip finds them."""
    return policy_files.pip_layers(environ, _platform_dirs, isolated=isolated)


def system_folder() -> str:
    """Where the system's policy lies."""
    return policy_files.system_folder(_platform_dirs)


def record_for_new() -> Record:
    """What an environment that this process makes is to keep of the policy."""
    return policy_files.for_new(os.environ, layers(isolated=False), _platform_dirs)


def reaches(record: Record) -> bool:
    """Whether a policy is in sight of a pip of an environment that keeps `record`, whatever variables it has."""
    return policy_files.reaches(os.environ, record, _platform_dirs)


def _platform_dirs() -> Any:
    # Imported only where it is asked for, on Windows and macOS: it costs 24 ms.
    from pip._vendor import platformdirs

    return platformdirs
