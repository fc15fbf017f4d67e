"""What is installed in an environment, read from its metadata; no code of it is run."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import Distribution, DistributionFinder, MetadataPathFinder
from typing import Any, NamedTuple

from repoprio.audit.findings import shown
from repoprio.errors import RepoprioError
from repoprio.names import normalize
from repoprio.urls import hushed, redacted

# Started without `site`, so that no .pth of the environment runs: this does by hand what `site` would do.
_ASK = """
import json, os, site, sys
home, inner = sys.argv[1], sys.argv[2] == "yes"
outer = [] if home and not inner else site.getsitepackages([sys.base_prefix])
if home:
    sys.prefix = sys.exec_prefix = home
    outer = site.getsitepackages([home]) + outer
if (not home or inner) and site.check_enableusersite():
    outer.append(site.getusersitepackages())
print(json.dumps(outer))
"""


class NoEnvironment(RepoprioError):
    """A Python that does not answer, or a folder that is not there."""


class Installed(NamedTuple):
    """One distribution: `place` is the path of its metadata from where packages lie.

    `origin` tells where it came from if from no repository (PEP 610), and `hashes` what is known of that file.
    `broken` says what is wrong with it; then `name` may be a folder's.
    """

    name: str
    version: str | None
    place: str
    origin: str | None = None
    hashes: tuple[tuple[str, str], ...] = ()
    broken: str | None = None


def own_paths() -> list[str]:
    """Where the packages of this process lie; not the working directory, which ``python -m`` puts first."""
    first, *others = sys.path or [""]
    is_here = os.path.realpath(first) == os.path.realpath(os.getcwd())
    return [path for path in [*([] if is_here else [first]), *others] if path]


def paths_of(python: str) -> list[str]:
    """Where the packages of `python` lie; raises `NoEnvironment`. It is started, and none of its packages."""
    python = shutil.which(python) or python
    home, inner = _venv_of(python)
    command = [python, "-I", "-S", "-c", _ASK, home, "yes" if inner else "no"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)  # noqa: S603
        found = json.loads(done.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        raise NoEnvironment(f"{python} does not answer as a Python does ({type(error).__name__}).    [usage]") from None
    folders = [str(path) for path in found if os.path.isdir(path)]
    try:
        return [*folders, *(path for folder in folders for path in _named_in(folder))]
    except OSError as error:
        raise NoEnvironment(f"the packages of {python} cannot be read: {error.strerror}.    [usage]") from None


def _venv_of(python: str) -> tuple[str, bool]:
    """The virtual environment that `python` belongs to, "" for none; and whether it sees its base's packages."""
    beside = os.path.dirname(os.path.abspath(python))
    for folder in (beside, os.path.dirname(beside)):
        file = os.path.join(folder, "pyvenv.cfg")
        if os.path.isfile(file):
            with open(file, encoding="utf-8", errors="replace") as opened:
                words = [line.partition("=") for line in opened]
            said = {key.strip().lower(): value.strip().lower() for key, _, value in words}
            return folder, said.get("include-system-site-packages") == "true"
    return "", False


def _named_in(folder: str) -> Iterator[str]:
    """The folders that the .pth files of `folder` name: those of old-style development installations, above all."""
    for name in sorted(os.listdir(folder)):
        if not (name.endswith(".pth") and os.path.isfile(os.path.join(folder, name))):
            continue
        with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as opened:
            lines = [line.strip() for line in opened]
        for line in lines:
            path = os.path.join(folder, line)
            if line and not line.startswith(("#", "import ", "import\t")) and os.path.isdir(path):
                yield os.path.abspath(path)


def folder(path: str) -> str:
    """`path`, if it is a folder; raises `NoEnvironment`."""
    if not os.path.isdir(path):
        raise NoEnvironment(f"{path} is no folder.    [usage]")
    return path


def installed(paths: Sequence[str]) -> list[Installed]:
    """All distributions on `paths`, by name; one that hides behind another of its name too.

    Those in an egg, and those that an egg-link leads to, count.
    """
    places = [place for path in paths for place in (path, *_eggs(path))]
    found = (_read(one) for one in _distributions(places))
    once = {(normalize(one.name), one.version, one.broken): one for one in found}
    return sorted(once.values(), key=lambda one: (normalize(one.name), one.version or ""))


def _eggs(folder: str) -> Iterator[str]:
    """The eggs of `folder`, and where its egg-links lead: what setuptools left there in former times."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        path = os.path.join(folder, name)
        if name.endswith(".egg") and (os.path.isdir(path) or os.path.isfile(path)):
            yield path
        elif name.endswith(".egg-link") and os.path.isfile(path):
            target = os.path.join(folder, _first_line(path))
            if target != os.path.join(folder, "") and os.path.isdir(target):
                yield target


def _first_line(path: str) -> str:
    """The first line of a text that is not empty; "" where there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as opened:
            return next(filter(None, map(str.strip, opened)), "")
    except OSError:
        return ""


def _distributions(paths: Iterable[str]) -> Iterable[Distribution]:
    # Not by way of sys.meta_path: the finders of this process say nothing of another environment.
    return MetadataPathFinder.find_distributions(DistributionFinder.Context(path=list(dict.fromkeys(paths))))


def _read(one: Distribution) -> Installed:
    path = str(getattr(one, "_path", "")).rstrip("/\\")
    entry, place = _place(path)
    said = entry.rpartition(".")[0].split("-")[0]
    if odd := _irregular(path):
        return Installed(said, None, place, broken=f"its {odd} is no regular file")
    if entry.startswith("~"):
        return Installed(said, None, place, broken="it was left behind by an installation that was interrupted")
    try:
        metadata: Any = one.metadata
        name, version = metadata.get("Name"), metadata.get("Version")
        url = one.read_text("direct_url.json")
        direct = json.loads(url) if url else None
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a file of it, it cannot be read
        return Installed(said, None, place, broken=f"its metadata cannot be read ({type(error).__name__})")
    if not name or not version:
        return Installed(said, None, place, broken=f"its metadata state no {'version' if name else 'name'}")
    if entry.endswith(".dist-info") and normalize(said) != normalize(name):
        return Installed(name, version, place, broken=f"its folder is {entry}, and its metadata name {shown(name)}")
    if direct is not None and not (isinstance(direct, dict) and isinstance(direct.get("url"), str)):
        return Installed(name, version, place, broken="its direct_url.json is not as PEP 610 says")
    return Installed(name, version, place, *(_origin(direct) if direct else ()))


def _place(path: str) -> tuple[str, str]:
    """The entry of a folder that a distribution's metadata at `path` belong to, and where they stand in that folder."""
    entry = os.path.basename(path)
    if entry.upper() == "EGG-INFO":
        egg = os.path.basename(os.path.dirname(path))
        return egg, f"site-packages/{egg}/{entry}/PKG-INFO"
    if os.path.isfile(path):
        return entry, f"site-packages/{entry}"
    return entry, f"site-packages/{entry}/{'METADATA' if entry.endswith('.dist-info') else 'PKG-INFO'}"


def _irregular(path: str) -> str | None:
    """What of the metadata at `path` would be waited for, and perhaps for ever: a pipe, a device; None if nothing."""
    for name in ("", "METADATA", "PKG-INFO", "direct_url.json"):
        try:
            kind = os.stat(os.path.join(path, name) if name else path).st_mode
        except (OSError, ValueError):
            continue
        if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
            return name or os.path.basename(path)
    return None


def _origin(direct: dict[str, Any]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Where a distribution came from, as a person calls it, and the hashes of that file."""
    url = direct["url"]
    shown = redacted(url) if "://" in url else hushed(url)
    vcs, folder_info, archive = (_table(direct, f"{kind}_info") for kind in ("vcs", "dir", "archive"))
    if vcs:
        return f"{vcs.get('vcs', 'vcs')} {shown} at {str(vcs.get('commit_id', '?'))[:12]}", ()
    if folder_info.get("editable") is True:
        return f"{shown}, editable", ()
    stated = _table(archive, "hashes")
    kind, _, value = str(archive.get("hash") or "").partition("=")
    hashes = {str(k).lower(): str(v) for k, v in stated.items()} or ({kind.lower(): value} if value else {})
    return shown, tuple(hashes.items())


def _table(document: dict[str, Any], key: str) -> dict[str, Any]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}
