"""Reads from its metadata what is installed in an environment; runs no code of it."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import Distribution, DistributionFinder, MetadataPathFinder
from typing import Any, NamedTuple

from repoprio.environments.site_packages import packages_of
from repoprio.environments.target import Environment, NoEnvironment
from repoprio.names import normalize
from repoprio.redaction import redact_name, redact_text, redact_url
from repoprio.wording import join_words

IsEscaped = Callable[[str, str], bool]
# The names of folders with metadata: NAME-VERSION.dist-info, NAME-VERSION-py3.11.egg-info, NAME.egg-info.
_ENTRY = re.compile(
    r"(?P<name>.*?)(?:-(?P<version>v?\d[^-]*))?(?:-py\d[\w.]*(?:-.*)?)?\.(?:dist-info|egg-info|egg)", re.IGNORECASE
)


class Claim(NamedTuple):
    """A name, and perhaps a version, that one part of a distribution states."""

    name: str
    version: str | None


class Installed(NamedTuple):
    """One distribution: `place` is the path of its metadata, relative to the folder of packages.

    `claims` are the names and versions that its metadata and the name of their folder state: normally one. `origin`
    is where it came from if not from a repository (PEP 610). `broken` says what is wrong with it; then its name may be
    that of a folder.
    """

    claims: tuple[Claim, ...]
    place: str
    origin: str | None = None
    broken: str | None = None

    @property
    def name(self) -> str:
        """Its name, from its metadata if they state one."""
        return self.claims[0].name

    @property
    def version(self) -> str | None:
        """Its version, from the same source as its `name`."""
        return self.claims[0].version


def paths_of(environment: Environment) -> list[str]:
    """The folders of an environment's packages, without starting its Python; raises `NoEnvironment`."""
    if environment.is_own:
        return _own_paths()
    folders = packages_of(environment.python)
    try:
        return [*folders, *(path for folder in folders for path in _named_in(folder))]
    except OSError as error:
        problem = f"the packages of {environment.python} cannot be read: {error.strerror}."
        raise NoEnvironment(f"{problem}    [environment]") from None


def _own_paths() -> list[str]:
    """The folders of this process's packages, without the working directory, which ``python -m`` puts first."""
    first, *others = sys.path or [""]
    is_here = os.path.realpath(first) == os.path.realpath(os.getcwd())
    return [path for path in [*([] if is_here else [first]), *others] if path]


def _named_in(folder: str) -> Iterator[str]:
    """The folders and archives that the .pth files of `folder` name, such as those of old development installations."""
    for name in sorted(os.listdir(folder)):
        if not (name.endswith(".pth") and os.path.isfile(os.path.join(folder, name))):
            continue
        with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as opened:
            lines = [line.strip() for line in opened]
        for line in lines:
            path = os.path.join(folder, line)
            if line and not line.startswith(("#", "import ", "import\t")) and _may_hold_packages(path):
                yield os.path.abspath(path)


def _may_hold_packages(path: str) -> bool:
    """Whether Python would search `path` for packages: a folder, or a file that may be an archive."""
    return os.path.isdir(path) or os.path.isfile(path)


def folder(path: str) -> str:
    """`path`, if it is a folder; raises `NoEnvironment` if not."""
    if not os.path.isdir(path):
        raise NoEnvironment(f"{path} is not a folder.    [usage]")
    return path


def installed(paths: Sequence[str], is_escaped: IsEscaped) -> list[Installed]:
    """All distributions on `paths`, by name, including those that another one of the same name hides.

    `is_escaped` says whether a folder named for one version may belong to another. Distributions in an egg, or at
    the end of an egg-link, count. Raises `NoEnvironment` for a folder that cannot be read.
    """
    for path in paths:
        _check_readable(path)
    places = [place for path in paths for place in (path, *_eggs(path))]
    once: dict[tuple[str, str | None, str | None], Installed] = {}
    for neighbours in _by_folder(places, is_escaped):
        once.update(
            {
                (normalize(distribution.name), distribution.version, distribution.broken): distribution
                for distribution in _mark_duplicates(neighbours)
            }
        )
    return sorted(once.values(), key=lambda distribution: (normalize(distribution.name), distribution.version or ""))


def _check_readable(path: str) -> None:
    """Raise `NoEnvironment` for a folder that cannot be listed: it would seem to be empty."""
    try:
        if os.path.isdir(path):
            os.listdir(path)
    except OSError as error:
        raise NoEnvironment(f"{path} cannot be read: {error.strerror}.    [environment]") from None


def _by_folder(places: Iterable[str], is_escaped: IsEscaped) -> Iterator[list[Installed]]:
    """The distributions of each of `places`."""
    for place in {os.path.realpath(place): place for place in places}.values():
        yield [_read(distribution, is_escaped) for distribution in _distributions([place])]


def _mark_duplicates(distributions: list[Installed]) -> list[Installed]:
    """`found`, the distributions of one folder; if a project has metadata twice, the first one is marked as broken."""
    groups: dict[str, list[Installed]] = defaultdict(list)
    for distribution in distributions:
        if not distribution.broken:
            groups[normalize(distribution.name)].append(distribution)
    several = {id(some[0]): some for some in groups.values() if len(some) > 1}
    return [
        distribution._replace(broken=_several(several[id(distribution)]))
        if id(distribution) in several
        else distribution
        for distribution in distributions
    ]


def _several(some: Sequence[Installed]) -> str:
    entries = join_words(sorted(redact_name(distribution.place.split("/")[1]) for distribution in some))
    return f"its metadata are there more than once ({entries}), and it is not clear which are right"


def _eggs(folder: str) -> Iterator[str]:
    """The eggs in `folder`, and the targets of its egg-links; old versions of setuptools made both."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        path = os.path.join(folder, name)
        if name.endswith(".egg") and _may_hold_packages(path):
            yield path
        elif name.endswith(".egg-link") and os.path.isfile(path):
            target = os.path.join(folder, _first_line(path))
            if target != os.path.join(folder, "") and _may_hold_packages(target):
                yield target


def _first_line(path: str) -> str:
    """The first line of a file that is not empty; "" if there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as opened:
            return next(filter(None, map(str.strip, opened)), "")
    except OSError:
        return ""


def _distributions(paths: Iterable[str]) -> Iterable[Distribution]:
    # Not through sys.meta_path: the finders of this process know nothing about another environment.
    return MetadataPathFinder.find_distributions(DistributionFinder.Context(path=list(dict.fromkeys(paths))))


def _read(distribution: Distribution, is_escaped: IsEscaped) -> Installed:
    path = str(getattr(distribution, "_path", "")).rstrip("/\\")
    entry, place = _place(path)
    written = _written(entry)
    if odd := _irregular(path):
        return Installed((written,), place, broken=f"its {odd} is not a regular file")
    if entry.startswith("~"):
        left = "it was left behind by an installation that was interrupted"
        return Installed((written._replace(version=None),), place, broken=left)
    try:
        metadata: Any = distribution.metadata
        names, versions = (list(filter(None, metadata.get_all(key) or [])) for key in ("Name", "Version"))
        url = distribution.read_text("direct_url.json")
        direct = json.loads(url) if url else None
    except Exception as error:  # noqa: BLE001 - any error means that the distribution cannot be read
        return Installed((written,), place, broken=f"its metadata cannot be read ({type(error).__name__})")
    if not names or not versions:
        return Installed((written,), place, broken=f"its metadata state no {'version' if names else 'name'}")
    stated = [Claim(name, version) for name in dict.fromkeys(names) for version in dict.fromkeys(versions)]
    is_version = written.version is None or is_escaped(written.version, versions[0])
    if not is_version or normalize(written.name) != normalize(names[0]):
        stated.append(written)
    claims = tuple(stated)
    if direct is not None and not (isinstance(direct, dict) and isinstance(direct.get("url"), str)):
        return Installed(claims, place, broken="its direct_url.json does not follow PEP 610")
    origin = _origin(direct) if direct else None
    if len(claims) > 1:
        claimed = join_words([" ".join(map(redact_name, filter(None, claim))) for claim in stated])
        return Installed(claims, place, origin, f"its metadata and the name of their folder say {claimed}")
    return Installed(claims, place, origin)


def _written(entry: str) -> Claim:
    """The name and version that the name of a folder of metadata states."""
    match = _ENTRY.fullmatch(entry)
    return Claim(match["name"], match["version"]) if match else Claim(entry, None)


def _place(path: str) -> tuple[str, str]:
    """The entry of the folder of packages that has the metadata at `path`, and the path relative to that folder."""
    entry = os.path.basename(path)
    if entry.upper() == "EGG-INFO":
        egg = os.path.basename(os.path.dirname(path))
        return egg, f"site-packages/{egg}/{entry}/PKG-INFO"
    if os.path.isfile(path):
        return entry, f"site-packages/{entry}"
    return entry, f"site-packages/{entry}/{'METADATA' if entry.lower().endswith('.dist-info') else 'PKG-INFO'}"


def _irregular(path: str) -> str | None:
    """The first of the metadata files at `path` that may block a reader for ever, such as a pipe; None if none does."""
    for name in ("", "METADATA", "PKG-INFO", "direct_url.json"):
        try:
            kind = os.stat(os.path.join(path, name) if name else path).st_mode
        except (OSError, ValueError):
            continue
        if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
            return name or os.path.basename(path)
    return None


def _origin(direct: dict[str, Any]) -> str:
    """Where a distribution states that it came from, in words."""
    url = direct["url"]
    place = redact_url(url) if "://" in url else redact_text(url)
    vcs, folder_info = (_table(direct, f"{kind}_info") for kind in ("vcs", "dir"))
    if vcs:
        return f"{vcs.get('vcs', 'vcs')} {place} at {str(vcs.get('commit_id', '?'))[:12]}"
    return f"{place}, editable" if folder_info.get("editable") is True else place


def _table(document: dict[str, Any], key: str) -> dict[str, Any]:
    table = document.get(key)
    return table if isinstance(table, dict) else {}
