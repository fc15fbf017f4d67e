"""Compares a file of uv with an export. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from repoprio.export import Exported
from repoprio.export.common import comparable_url, shown

# Settings that would make files come from elsewhere, unless the export sets them too.
_DECIDING = (
    *("index-url", "extra-index-url", "find-links", "no-index", "torch-backend", "no-sources", "no-sources-package"),
    *("constraint-dependencies", "build-constraint-dependencies", "override-dependencies", "exclude-dependencies"),
    *("dependency-metadata", "extra-build-dependencies", "offline", "exclude-newer-package"),
    *("http-proxy", "https-proxy", "no-proxy", "allow-insecure-host"),
)


def differences(exported: Exported, document: Mapping[str, Any], *, project: bool) -> list[str]:
    """How a document of uv differs from the export, one line for each key; logins are hidden."""
    # A cache that comes with a project may contain any file, as if an index had sent it.
    deciding = (*exported.document, *_DECIDING, *(("cache-dir",) if project else ()))
    keys = [key for key in dict.fromkeys(deciding) if key not in ("index", "sources")]
    pairs = [(key, _effective(key, document.get(key)), exported.document.get(key)) for key in keys]
    # In uv pip, settings of the table pip override the others.
    pip = document.get("pip")
    inner = {key: value for key, value in pip.items() if key in keys} if isinstance(pip, dict) else {}
    pairs += [(f"pip.{key}", _effective(key, value), None) for key, value in inner.items()]
    pairs.append(("index", _indexes(document.get("index")), _indexes(exported.document["index"])))
    pairs += _source_differences(exported.document.get("sources", {}), document.get("sources"))
    return [
        f"{key} is {shown(has)}, and the policy says {shown(wanted)}" for key, has, wanted in pairs if has != wanted
    ]


def _effective(key: str, value: Any) -> Any:
    """A value of uv; None for one that has no effect: one that is off or empty, or build dependencies by name."""
    if key == "extra-build-dependencies" and "@" not in str(value):
        return None
    return value or None


def _indexes(indexes: Any) -> Any:
    """A list of indexes without what makes no difference; anything else unchanged."""
    if not isinstance(indexes, list) or not all(isinstance(index, dict) for index in indexes):
        return indexes
    return [
        {k: comparable_url(v) if k == "url" else v for k, v in index.items() if v is not False} for index in indexes
    ]


def _source_differences(exported: Mapping[str, Any], stated: Any) -> Iterator[tuple[str, Any, Any]]:
    """The key, the stated and the exported value of each source that the policy routes or that names an index.

    Sources with a path or a URL are left out: the project chose them.
    """
    sources = stated if isinstance(stated, dict) else {}
    for name in dict.fromkeys((*exported, *sources)):
        source = sources.get(name)
        if name in exported or _names_index(source):
            yield f"sources.{name}", source, exported.get(name)


def _names_index(source: Any) -> bool:
    """Whether a source, or one of a list of sources, names an index."""
    sources = source if isinstance(source, list) else [source]
    return any(isinstance(table, dict) and "index" in table for table in sources)
