"""Finds code that another user can change: root must not run it."""

from __future__ import annotations

import glob
import os
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from repoprio.users import user_name

# The folders of code that Python and pip load, below the prefix of an environment or an interpreter.
_CODE = ("bin", "lib*/python3*", "local/lib/python3*")
_MOST_LINKS = 40
_NO_USER_SITE = "PYTHONNOUSERSITE"
# The folders of base interpreters in which only root can change anything.
_of_root: set[str] = set()


class Stranger(NamedTuple):
    """Something that another user can change: its path, who can change it, and that user's name for `sudo -u`.

    `user` is None if it is not a single user, but a group, or everybody.
    """

    path: str
    who: str
    user: str | None


def is_root() -> bool:
    """Whether this process runs as root, and so does everything that it starts."""
    return sys.platform != "win32" and os.geteuid() == 0


def stranger_of_python(python: str) -> Stranger | None:
    """Who besides root can change the code that `python` runs; None if nobody can, or this process is not root.

    This process's own environment is not checked: its code runs already.
    """
    python = shutil.which(python) or python
    if not is_root() or _folder(python) == _folder(sys.executable):
        return None
    return next(_strangers(_files_of(python)), None)


def stranger_of_user_site(python: str, environ: Mapping[str, str] = os.environ) -> Stranger | None:
    """Who besides root can change what `python` loads from the user's packages; None as above.

    HOME may be another user's, as with `sudo -E`.
    """
    python = shutil.which(python) or python
    if not is_root() or environ.get(_NO_USER_SITE) or not _has_user_site(python):
        return None
    files = (file for folder in _user_packages(environ) for file in _tree(folder))
    return next(_strangers(files), None)


def stranger_of_file(path: str) -> Stranger | None:
    """Who besides root can replace or change `path`; None if nobody can, or this process is not root."""
    files = (file for program in _programs(path) for file in _steps(program))
    return next(_strangers(files), None) if is_root() else None


def without_foreign_packages(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` for a Python that root starts: it turns the user's packages off if another user can write to them."""
    is_foreign = is_root() and next(_strangers(_steps(_user_base(environ))), None) is not None
    return {**environ, **({_NO_USER_SITE: "1"} if is_foreign else {})}


def link_of_another(path: str) -> str | None:
    """The first link on the way to `path` that belongs to neither root nor this user; None if there is none."""
    if sys.platform == "win32":
        return None
    return next((step for step in _steps(path) if os.path.islink(step) and _is_of_another(step)), None)


def _is_of_another(path: str) -> bool:
    if sys.platform == "win32":
        return False
    try:
        return os.lstat(path).st_uid not in (0, os.geteuid())
    except OSError:
        return False


def _folder(python: str) -> str:
    return os.path.realpath(os.path.dirname(os.path.abspath(python)))


def _files_of(python: str) -> Iterator[str]:
    """All files that affect what `python` runs, with parent folders; for a script, also what its first line names."""
    for program in _programs(python):
        yield from _files_beside(program)


def _files_beside(python: str) -> Iterator[str]:
    yield from _steps(python)
    prefixes = [os.path.dirname(_folder(python)), os.path.dirname(os.path.dirname(os.path.realpath(python)))]
    config = os.path.join(prefixes[0], "pyvenv.cfg")
    if os.path.lexists(config):
        yield from _steps(config)
        prefixes += [os.path.dirname(home) for home in _homes(config)]
    for prefix in dict.fromkeys(prefixes):
        # The bin of an environment has its scripts; the bin of a base interpreter has unrelated programs.
        is_environment = prefix == prefixes[0] and os.path.lexists(config)
        patterns = _CODE if is_environment else _CODE[1:]
        for folder in (match for pattern in patterns for match in glob.glob(os.path.join(prefix, pattern))):
            yield from _tree(folder) if is_environment else _of_base(folder)


def _of_base(folder: str) -> Iterator[str]:
    """As `_tree`, but nothing for a folder that was searched to its end: since then only root can have changed it."""
    if folder not in _of_root:
        yield from _tree(folder)
        # The caller stops at the first stranger, so this is not reached then.
        _of_root.add(folder)


def _homes(config: str) -> list[str]:
    return [value for key, value in _settings(config) if key == "home" and value]


def _settings(config: str) -> list[tuple[str, str]]:
    """The settings of a pyvenv.cfg (PEP 405)."""
    try:
        with open(config, encoding="utf-8", errors="replace") as opened:
            pairs = [line.partition("=") for line in opened]
    except OSError:
        return []
    return [(key.strip().lower(), value.strip()) for key, _, value in pairs]


def _programs(path: str) -> list[str]:
    """`path`; if it is a script, also its interpreter, the interpreter's own, and so on."""
    programs = [path]
    for program in programs:
        programs += [other for other in _named_first(program) if other not in programs]
    return programs


def _named_first(script: str) -> list[str]:
    """The programs that the first line of a script names; for `env`, also the one that it finds on PATH."""
    try:
        with open(script, "rb") as opened:
            first = os.fsdecode(opened.readline(512))
    except OSError:
        return []
    words = first[2:].split() if first.startswith("#!") else []
    if words and os.path.basename(words[0]) == "env":
        after = next((word for word in words[1:] if not word.startswith("-") and "=" not in word), None)
        return [words[0], *filter(None, [shutil.which(after) if after else None])]
    return words[:1]


def _has_user_site(python: str) -> bool:
    """Whether `python` loads the user's packages: in a virtual environment only with the system's (PEP 370, 405)."""
    own_folder = os.path.dirname(os.path.abspath(python))
    places = [os.path.join(folder, "pyvenv.cfg") for folder in (own_folder, os.path.dirname(own_folder))]
    config = next((place for place in places if os.path.isfile(place)), None)
    return config is None or ("include-system-site-packages", "true") in [(k, v.lower()) for k, v in _settings(config)]


def _user_base(environ: Mapping[str, str]) -> str:
    return environ.get("PYTHONUSERBASE") or os.path.expanduser("~/.local")


def _user_packages(environ: Mapping[str, str]) -> Iterator[str]:
    """The user's folders of packages, for any version of Python; on macOS they are elsewhere."""
    mac = os.path.expanduser("~/Library/Python/*")
    for base in (glob.escape(_user_base(environ)), mac):
        yield from glob.glob(os.path.join(base, "lib*", "python*", "site-packages"))


def _tree(folder: str) -> Iterator[str]:
    """All files and folders below `folder`, the targets of links, and the folders that its `.pth` files name."""
    yield from _steps(folder)
    yield from _below(folder)


def _below(folder: str) -> Iterator[str]:
    # A base interpreter has about 50,000 files, so use what scandir knows already.
    try:
        with os.scandir(folder) as scanned:
            entries = sorted(scanned, key=lambda entry: not entry.is_dir())
    except OSError:
        return
    for entry in entries:
        yield from _steps(entry.path) if entry.is_symlink() else (entry.path,)
        if entry.name.endswith(".pth"):
            for named in _named_by(entry.path):
                yield from _steps(os.path.join(named, "sitecustomize.py"))
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _below(entry.path)


def _named_by(pth: str) -> list[str]:
    try:
        with open(pth, encoding="utf-8", errors="replace") as opened:
            lines = [line.strip() for line in opened]
    except OSError:
        return []
    paths = (line for line in lines if line and not line.startswith(("#", "import ", "import\t")))
    return [os.path.join(os.path.dirname(pth), line) for line in paths]


def _steps(path: str, links: int = _MOST_LINKS) -> Iterator[str]:
    """`path` and its parent folders; if one of them is a link, also its target with all parents."""
    here = os.sep
    yield here
    parts = os.path.abspath(path).split(os.sep)[1:]
    for number, part in enumerate(parts, 1):
        here = os.path.join(here, part)
        yield here
        if os.path.islink(here) and links:
            target = os.path.join(os.path.dirname(here), os.readlink(here), *parts[number:])
            yield from _steps(target, links - 1)
            return


def _strangers(paths: Iterable[str]) -> Iterator[Stranger]:
    seen = set()
    for path in paths:
        if path not in seen and (who := _changer(path)):
            yield Stranger(path, *who)
        seen.add(path)


def _changer(path: str) -> tuple[str, str | None] | None:
    """Who besides root can change `path`, in words and as a user name; None if nobody can, or nothing is there."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    if status.st_uid:
        return _user(status.st_uid)
    # In a sticky folder such as /tmp, nobody else can replace root's files.
    is_sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
    if stat.S_ISLNK(status.st_mode) or is_sticky:
        return None
    if status.st_mode & stat.S_IWOTH:
        return "everybody", None
    if status.st_mode & stat.S_IWGRP and _has_members(status.st_gid):
        return f"group {status.st_gid}", None
    return None


def _user(number: int) -> tuple[str, str]:
    return f"{user_name(number)} (uid {number})", user_name(number)


def _has_members(group: int) -> bool:
    """Whether a group has members other than root."""
    if sys.platform == "win32":
        return False
    import grp
    import pwd

    if any(user.pw_gid == group and user.pw_uid for user in pwd.getpwall()):
        return True
    try:
        names = grp.getgrgid(group).gr_mem
    except KeyError:
        return False
    roots = {user.pw_name for user in pwd.getpwall() if user.pw_uid == 0}
    return any(name not in roots for name in names)
