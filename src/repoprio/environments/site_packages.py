"""Finds the folders of another Python's packages by the layout of its files, without starting it.

Any file in an environment may come from one of its packages. So a pyvenv.cfg, a link or an odd folder can add
folders to the result, but hides none of the environment's own.
"""

from __future__ import annotations

import glob
import os
import re
import site
import stat
from collections.abc import Iterator, Sequence
from itertools import chain

from repoprio.environments.target import NoEnvironment

# The folders below a prefix: of CPython and PyPy, of Windows, and Debian's.
_FOLDERS = (
    "lib/python*/site-packages",
    "lib64/python*/site-packages",
    "lib/pypy*/site-packages",
    "Lib/site-packages",
    "lib/python*/dist-packages",
    "local/lib/python*/dist-packages",
)
# Windows' folders of a version have no dot: Python312.
_VERSION = re.compile(r"(?:python|pypy)(\d+\.\d+)|Python(3)(\d\d)")
_PYVENV = "pyvenv.cfg"
# A pyvenv.cfg is never longer.
_ENOUGH = 64 * 1024


def packages_of(python: str) -> list[str]:
    """The folders of packages of `python`, the path of an interpreter; raises `NoEnvironment`.

    Those of its base count if a pyvenv.cfg includes them.
    """
    hops = list(_hops(os.path.abspath(python)))
    if not any(os.path.basename(hop).lower().startswith(("python", "pypy")) for hop in hops):
        raise NoEnvironment(f"{python} is not a Python, judging by its name.    [environment]")
    prefixes = [_prefixes(hop) for hop in hops]
    # The first prefix that has packages is the environment; those that its links lead to are its base.
    at, own = next(((n, folders) for n, some in enumerate(prefixes) if (folders := _below(some))), (-1, []))
    if not own:
        places = " and ".join(dict.fromkeys(some[0] for some in prefixes))
        raise NoEnvironment(
            f"{python}: there are no packages below {places} (lib/python*/site-packages and the like).\n"
            "  hint: name the Python itself, not its launcher; or each folder of packages with --path"
            "    [environment]"
        )
    # If the name of `python` states another version, keep all of them.
    own = _matching_version(own, _versions([os.path.basename(python)])) or own
    settings = [words for prefix in prefixes[at] if (words := _pyvenv(prefix)) is not None]
    if settings and not any(words.get("include-system-site-packages", "").lower() == "true" for words in settings):
        return own
    homes = [os.path.dirname(words["home"]) for words in settings if words.get("home")]
    base = [*chain.from_iterable(prefixes[at + 1 :]), *homes] if settings else []
    return _once([*own, *_matching_version([*_user(), *_below(base)], _versions(own))])


def _hops(path: str) -> Iterator[str]:
    """`path`, and the target of each link on the way to the real file."""
    seen: list[str] = []
    while path not in seen:
        seen.append(path)
        # /bin may be a link to /usr/bin.
        path = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        yield path
        try:
            path = os.path.join(os.path.dirname(path), os.readlink(path))
        except OSError:
            return


def _prefixes(python: str) -> list[str]:
    """The possible prefixes of an interpreter: the parent of its folder, and (Windows, pyvenv.cfg) its folder."""
    own_folder = os.path.dirname(python)
    return [os.path.dirname(own_folder), own_folder]


def _below(prefixes: Sequence[str]) -> list[str]:
    """The folders of packages below `prefixes`."""
    patterns = (os.path.join(glob.escape(prefix), *name.split("/")) for prefix in prefixes for name in _FOLDERS)
    paths = (path for pattern in patterns for path in sorted(glob.glob(pattern)))
    return _once([path for path in paths if os.path.isdir(path)])


def _user() -> list[str]:
    """The folders of this user's own packages."""
    base = site.getuserbase()
    # Windows has a folder for each version, and no lib.
    return _once([*_below([base]), *sorted(glob.glob(os.path.join(glob.escape(base), "Python3*", "site-packages")))])


def _versions(names: Sequence[str]) -> set[str]:
    """The versions of Python that paths name, such as "3.11"."""
    return {dotted or f"{major}.{minor}" for name in names for dotted, major, minor in _VERSION.findall(name)}


def _matching_version(folders: list[str], versions: set[str]) -> list[str]:
    """Those of `folders` that may belong to one of `versions`: all except those that name only other versions."""
    if not versions:
        return folders
    return [path for path in folders if not (stated := _versions([path])) or stated & versions]


def _once(paths: Sequence[str]) -> list[str]:
    """`paths` without repetitions of the same place, such as lib64 for lib."""
    return list({os.path.realpath(path): path for path in reversed(paths)}.values())[::-1]


def _pyvenv(prefix: str) -> dict[str, str] | None:
    """The settings of a pyvenv.cfg; None if there is none that can be read."""
    file = os.path.join(prefix, _PYVENV)
    try:
        if not stat.S_ISREG(os.stat(file).st_mode):
            return None
        with open(file, encoding="utf-8", errors="replace") as opened:
            lines = [line.partition("=") for line in opened.read(_ENOUGH).splitlines()]
    except (OSError, ValueError):
        return None
    return {key.strip().lower(): value.strip() for key, _, value in lines}
