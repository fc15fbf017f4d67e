"""What a file of uv's says otherwise than an export. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from repoprio.export import Exported
from repoprio.export.common import place_or_text, shown

# Settings by which files would come from elsewhere where an export does not set them.
_DECIDING = (
    *("index-url", "extra-index-url", "find-links", "no-index", "torch-backend", "no-sources", "no-sources-package"),
    *("constraint-dependencies", "build-constraint-dependencies", "override-dependencies", "exclude-dependencies"),
    *("dependency-metadata", "extra-build-dependencies", "offline", "exclude-newer-package"),
    *("http-proxy", "https-proxy", "no-proxy", "allow-insecure-host"),
)


def differences(exported: Exported, found: Mapping[str, Any], *, project: bool) -> list[str]:
    """What another document of uv's says otherwise, one line for each key; logins are hidden."""
    # A cache that comes with a project can hold any file, as if an index had sent it.
    deciding = (*exported.document, *_DECIDING, *(("cache-dir",) if project else ()))
    keys = [key for key in dict.fromkeys(deciding) if key not in ("index", "sources")]
    says = [(key, _deciding(key, found.get(key)), exported.document.get(key)) for key in keys]
    # uv pip reads these before the ones outside.
    pip = found.get("pip")
    inner = {key: value for key, value in pip.items() if key in keys} if isinstance(pip, dict) else {}
    says += [(f"pip.{key}", _deciding(key, value), None) for key, value in inner.items()]
    says.append(("index", _indexes(found.get("index")), _indexes(exported.document["index"])))
    says += _source_differences(exported.document.get("sources", {}), found.get("sources"))
    return [f"{key} is {shown(has)}, and the policy says {shown(should)}" for key, has, should in says if has != should]


def _deciding(key: str, value: Any) -> Any:
    """A value of uv's, None for one that changes nothing: what is off or empty, and more names for the same indexes."""
    if key == "extra-build-dependencies" and "@" not in str(value):
        return None
    return value or None


def _indexes(found: Any) -> Any:
    """A list of indexes without what does not tell one from another."""
    if not isinstance(found, list) or not all(isinstance(index, dict) for index in found):
        return found
    return [{k: place_or_text(v) if k == "url" else v for k, v in index.items() if v is not False} for index in found]


def _source_differences(exported: Mapping[str, Any], found: Any) -> Iterator[tuple[str, Any, Any]]:
    """Sources that the policy routes, and others that name an index; a path or a URL is the project's own wish."""
    found = found if isinstance(found, dict) else {}
    for name in dict.fromkeys((*exported, *found)):
        is_ = found.get(name)
        if name in exported or _names_index(is_):
            yield f"sources.{name}", is_, exported.get(name)


def _names_index(source: Any) -> bool:
    """Whether a source, or one of several, is an index."""
    return any(isinstance(one, dict) and "index" in one for one in (source if isinstance(source, list) else [source]))
