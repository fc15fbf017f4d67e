"""Finds the files of a policy; `file_text` opens them, and no other module does.

The working directory is never read. This module imports as little as possible: every pip without a policy pays for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from repoprio.config import file_text, records

VARIABLE = records.NAMED
# A pip passes its merged policy to its child pips in this variable.
INHERITED = "_REPOPRIO_POLICY"
# Set by repoprio to ask a hook which policy it finds; the hook's pip does nothing else.
ASKED = "_REPOPRIO_TELL"
FILE_NAME = "repoprio.toml"
PIECES = "repos.d"
SYSTEM = "system"
# Layers of a single file that the user names for a command to check: TOML, or one of pip's.
FILE, PIP_FILE = "file", "pip file"
# Variables that name files or folders; they may not be set in a new environment.
_DROPPED = (VARIABLE, INHERITED, "PIP_CONFIG_FILE", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS")
_SHELL_FOLDERS = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Explorer\Shell Folders"
_WINDOWS = sys.platform == "win32"
_BASENAME = "pip.ini" if _WINDOWS else "pip.conf"


class LayerFiles(NamedTuple):
    """One layer of the policy: its name, and its possible files, first to last.

    `is_recorded`: its file was recorded when this environment was made, and must exist. `option` is the option of
    the command line that names its file, None if none does.
    """

    name: str
    files: tuple[str, ...]
    is_recorded: bool = False
    option: str | None = None


def layers(environ: Mapping[str, str], platform_dirs: Callable[[], Any], *, isolated: bool) -> tuple[LayerFiles, ...]:
    """All layers, first to last; `platform_dirs` returns the platformdirs module if the platform needs it.

    The system's layer has the files that exist; the others have all files that pip itself would try.
    """
    system = LayerFiles(SYSTEM, _system_files(system_folder()))
    return (system, *_with_recorded(pip_layers(environ, platform_dirs, isolated=isolated)))


def _with_recorded(of_pip: tuple[LayerFiles, ...]) -> tuple[LayerFiles, ...]:
    """Pip's own layers, with the files recorded for this environment before the environment's own."""
    known = {file for layer in of_pip for file in layer.files}
    recorded = [(name, file) for name, file in records.current().files if name != VARIABLE and file not in known]
    has_user = any(layer.name == "user" for layer in of_pip)
    # PIP_CONFIG_FILE=/dev/null turns all of pip's files off, recorded ones too; --isolated turns off the user's.
    added = [LayerFiles(name, (file,), is_recorded=True) for name, file in recorded if has_user or name != "user"]
    return tuple(sorted((*of_pip, *added), key=_rank)) if of_pip else ()


def _rank(layer: LayerFiles) -> int:
    """The sort key of a layer: recorded files come after the global and user files, and before the site file."""
    return {"global": 0, "user": 2}.get(layer.name, 5 - 2 * layer.is_recorded) + layer.is_recorded


def for_new(
    environ: Mapping[str, str], current: tuple[LayerFiles, ...], platform_dirs: Callable[[], Any]
) -> records.Record:
    """The record for an environment that is being made; `current` are the layers of this process."""
    shared = {file for layer in _shared(environ, platform_dirs) for file in layer.files}
    kept = [
        (layer.name, file)
        for layer in current
        for file in layer.files
        if layer.name != SYSTEM and (layer.is_recorded or (file not in shared and file_text.may_have_policy(file)))
    ]
    return records.for_new(environ, kept)


def _shared(environ: Mapping[str, str], platform_dirs: Callable[[], Any]) -> list[LayerFiles]:
    """The layers of pip that every environment finds without variables that name files or folders.

    Such variables may not be set there: tox, for example, drops them.
    """
    plain = {name: value for name, value in environ.items() if name not in _DROPPED}
    return [layer for layer in pip_layers(plain, platform_dirs, isolated=False) if layer.name != "site"]


def system_folder() -> str:
    """The folder for an administrator's policy files; platformdirs would let a user choose it, by variables."""
    if sys.platform == "win32":
        return os.path.join(_program_data(), "repoprio")
    return "/Library/Application Support/repoprio" if sys.platform == "darwin" else "/etc/repoprio"


def _program_data() -> str:
    """The folder %PROGRAMDATA%, as the machine states it: anybody may set the variable."""
    if sys.platform == "win32":
        import winreg

        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _SHELL_FOLDERS) as key:
                return str(winreg.QueryValueEx(key, "Common AppData")[0])
        except OSError:
            pass
    return "C:\\ProgramData"


def _system_files(folder: str) -> tuple[str, ...]:
    if _is_there(folder) and not os.path.isdir(folder):
        # A file, or a broken link: reading it as a file gives the error.
        return (folder,)
    main = os.path.join(folder, FILE_NAME)
    return (*([main] if _is_there(main) else []), *_pieces(os.path.join(folder, PIECES)))


def _is_there(file: str) -> bool:
    """Whether `file` exists, or may exist because its folder cannot be searched."""
    try:
        os.lstat(file)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _pieces(folder: str) -> list[str]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        # Reading it as a file gives an error that says why it cannot be listed.
        return [folder] if _is_there(folder) else []
    return [os.path.join(folder, name) for name in names if name.endswith(".toml") and not name.startswith(".")]


def pip_layers(
    environ: Mapping[str, str], platform_dirs: Callable[[], Any], *, isolated: bool
) -> tuple[LayerFiles, ...]:
    """The layers of pip's own files, at the places and in the order of its `Configuration` (22.2 to 26.3)."""
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return ()
    of_pip = [LayerFiles("global", _in(*_global_folders(environ, platform_dirs)))]
    if not isolated and not (named and os.path.exists(named)):
        files = _in(*_user_folders(environ, platform_dirs))
        # Ignore a home that this user may not enter (such as HOME kept by sudo), as pip does.
        of_pip.append(LayerFiles("user", tuple(file for file in files if not _is_hidden(file))))
    of_pip.append(LayerFiles("site", _in(sys.prefix)))
    return (*of_pip, LayerFiles("PIP_CONFIG_FILE", (named,))) if named else tuple(of_pip)


def _is_hidden(file: str) -> bool:
    """Whether `file` lies in a folder of another user that this user may not enter."""
    try:
        os.stat(file)
    except PermissionError:
        seen = file
        while not file_text.is_seen(seen):
            seen = os.path.dirname(seen)
        # Windows does not say whose it is: reading it gives an error, which is the safe side.
        return sys.platform != "win32" and os.stat(seen).st_uid != os.geteuid()
    except OSError:
        return False
    return False


def _in(*folders: str) -> tuple[str, ...]:
    return tuple(os.path.join(folder, _BASENAME) for folder in folders)


def _global_folders(environ: Mapping[str, str], platform_dirs: Callable[[], Any]) -> list[str]:
    if sys.platform == "darwin":
        return str(platform_dirs().site_data_dir("pip", appauthor=False, multipath=True)).split(os.pathsep)
    if _WINDOWS:
        return [str(platform_dirs().site_config_dir("pip", appauthor=False, multipath=True))]
    # Computed here on Unix, since platformdirs costs every pip 24 ms; a test compares it with pip's own.
    named = [folder.strip() for folder in environ.get("XDG_CONFIG_DIRS", "").split(os.pathsep)]
    # Some pips (before 25.0) expand a ~, others ignore the folder: reading both is the safe side.
    expanded = [os.path.expanduser(folder) for folder in named if folder.startswith("~")]
    folders = [*([folder for folder in named if os.path.isabs(folder)] or ["/etc/xdg"]), *expanded]
    return [*(os.path.join(folder, "pip") for folder in folders), "/etc"]


def _user_folders(environ: Mapping[str, str], platform_dirs: Callable[[], Any]) -> list[str]:
    return [folder for home in _homes(environ) for folder in _folders_of(home, environ, platform_dirs)]


def _homes(environ: Mapping[str, str]) -> list[str]:
    """The user's home; for an empty HOME both / (pip before 26) and the system's entry (since pip 26)."""
    home = environ.get("HOME") or os.path.expanduser("~")
    if _WINDOWS or environ.get("HOME") != "":
        homes = [os.path.expanduser("~") if _WINDOWS else home]
    else:
        homes = ["/", _passwd_home()]
    # Without a home, the path is relative; the working directory is never read.
    return [home for home in homes if os.path.isabs(home)]


def _passwd_home() -> str:
    if sys.platform == "win32":
        return ""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return ""


def _folders_of(home: str, environ: Mapping[str, str], platform_dirs: Callable[[], Any]) -> list[str]:
    if _WINDOWS:
        return [os.path.join(home, "pip"), str(platform_dirs().user_config_dir("pip", appauthor=False, roaming=True))]
    folder = os.path.join(home, ".config", "pip")
    if sys.platform == "darwin":
        own = str(platform_dirs().user_data_dir("pip", appauthor=False, roaming=True))
        return [os.path.join(home, ".pip"), own if os.path.isdir(own) else folder]
    named = environ.get("XDG_CONFIG_HOME", "").strip()
    return [os.path.join(home, ".pip"), os.path.join(named, "pip") if os.path.isabs(named) else folder]


def in_sight(environ: Mapping[str, str], current: tuple[LayerFiles, ...]) -> bool:
    """Whether there is anything that could be a policy; reads each file at most once."""
    # An empty REPOPRIO_CONFIG counts: it is an error.
    if environ.get(VARIABLE, os.devnull) != os.devnull or environ.get(INHERITED):
        return True
    record = records.current()
    if record.is_required or (VARIABLE not in environ and record.of(VARIABLE)):
        return True
    if any(layer.is_recorded for layer in current):
        return True
    system = any(layer.files for layer in current if layer.name == SYSTEM)
    return system or any(
        file_text.may_have_policy(file) for layer in current if layer.name != SYSTEM for file in layer.files
    )


def reaches(environ: Mapping[str, str], record: records.Record, platform_dirs: Callable[[], Any]) -> bool:
    """Whether a new environment with this `record` finds anything that could be a policy."""
    system = _system_files(system_folder())
    shared = [file for layer in _shared(environ, platform_dirs) for file in layer.files]
    return bool(record.files or record.is_required or system) or any(map(file_text.may_have_policy, shared))
