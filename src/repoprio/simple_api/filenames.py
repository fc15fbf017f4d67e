"""Project and version in the names of wheels (PEP 427) and sdists (PEP 625, and older names). Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from repoprio.names import NormalizedName, is_project_name, normalize

# The archives that pip unpacks (22.0 to 26.3).
SDIST_ENDINGS = (
    *(".tar.gz", ".tar.bz2", ".tar.xz", ".tar.lzma", ".tar.lz"),
    *(".tgz", ".tbz", ".txz", ".tlz", ".tar", ".zip"),
)
WHEEL_ENDING = ".whl"
_DASH = re.compile("-")
# No normalized name of a project ends in a dash.
_FIRST_DASH = re.compile("(?<![-_.])-")


def is_distribution(filename: str) -> bool:
    """Whether a file of this name can be a wheel or an sdist."""
    return filename.endswith((WHEEL_ENDING, *SDIST_ENDINGS))


def is_wheel(filename: str) -> bool:
    """Whether a file of this name is a wheel."""
    return filename.endswith(WHEEL_ENDING)


def wheel_tags(filename: str) -> str:
    """The tags in the name of a wheel (PEP 425), such as ``py3-none-any``."""
    return "-".join(filename[: -len(WHEEL_ENDING)].rsplit("-", 3)[1:])


def version_in(filename: str, name: NormalizedName, is_version: Callable[[str], bool]) -> str | None:
    """The version of project `name` that `filename` states; None if it is a file of another project.

    `is_version` says whether a text is a version (PEP 440).
    """
    if filename.endswith(WHEEL_ENDING):
        parts = filename[: -len(WHEEL_ENDING)].split("-")
        # Most names are normalized already.
        is_its = len(parts) in (5, 6) and (parts[0] == name or normalize(parts[0]) == name)
        version = parts[1].replace("_", "-") if is_its else ""
        return version if is_its and is_version(version) else None
    stem = _sdist_stem(filename)
    if stem is None:
        return None
    # Old sdists have dashes in both name and version, so each dash may separate them. Only until the part before is as
    # long as the name: a file name may be a whole page of dashes.
    for border in _FIRST_DASH.finditer(stem):
        project, version = normalize(stem[: border.start()]), stem[border.end() :]
        if len(project) >= len(name):
            return version if project == name and is_version(version) else None
    return None


def projects_of(filename: str, is_version: Callable[[str], bool]) -> list[NormalizedName]:
    """The projects that a file of this name may belong to in a flat repository; old sdists can be ambiguous."""
    if filename.endswith(WHEEL_ENDING):
        parts = filename[: -len(WHEEL_ENDING)].split("-")
        fits = len(parts) in (5, 6) and is_project_name(parts[0]) and is_version(parts[1].replace("_", "-"))
        return [normalize(parts[0])] if fits else []
    stem = _sdist_stem(filename)
    if stem is None:
        return []
    borders = (match.start() for match in _DASH.finditer(stem))
    # The version first: that is soon refused, however long a file name is.
    return [normalize(stem[:at]) for at in borders if is_version(stem[at + 1 :]) and is_project_name(stem[:at])]


def projects_of_all(filenames: Iterable[str], is_version: Callable[[str], bool]) -> frozenset[NormalizedName]:
    """All projects that one of these files may belong to."""
    return frozenset(project for filename in filenames for project in projects_of(filename, is_version))


def _sdist_stem(filename: str) -> str | None:
    """`filename` without the ending of an sdist; None if it has no such ending."""
    ending = next((ending for ending in SDIST_ENDINGS if filename.endswith(ending)), None)
    return None if ending is None else filename[: -len(ending)]
