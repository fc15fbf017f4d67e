"""The extra of the gateway, and what is said without it."""

from __future__ import annotations

import re
import sys

import pytest

from repoprio.cli.serving import places
from support.paths import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# Imported only where they are used: metrics, and a memory in Redis.
OPTIONAL = {"prometheus-client", "redis"}


def test_a_missing_library_of_the_gateway_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each library without which the gateway does not start is named with its extra, and not called damage."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extra = project["project"]["optional-dependencies"]["serve"]
    everywhere = {re.split("[<>=]", library)[0] for library in extra if ";" not in library}
    assert set(places.NEEDED) == everywhere - OPTIONAL
    monkeypatch.setattr(places, "find_spec", lambda name: None if name == "orjson" else object())
    with pytest.raises(places.NoExtra, match=r"needs orjson, which is not installed\n.*repoprio\[serve\]"):
        places.need_extra()
