"""Makes a Python on Linux look like one of Windows or macOS, named by LOOKS_LIKE_PLATFORM, to Python code.

So the code for that platform runs, without what is missing there. Paths stay those of Linux.
"""

import contextlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType, SimpleNamespace

_MISSING = "fcntl grp pwd resource termios tty pty posix_ipc syslog crypt nis spwd readline"
_UNIX = """
chown chroot ctermid fchdir fchmod fchown fork forkpty fork_exec getegid geteuid getgid getgrouplist getgroups getpgid
getpgrp getpriority getresgid getresuid getsid getuid initgroups killpg lchown lockf mkfifo mknod nice openpty
posix_fadvise posix_fallocate posix_spawn posix_spawnp pread pwrite register_at_fork sched_getaffinity
sched_setaffinity setegid seteuid setgid setgroups setpgid setregid setreuid setsid setuid statvfs tcgetpgrp uname
wait wait3 wait4 O_CLOEXEC O_DIRECTORY O_NOCTTY O_NOFOLLOW O_NONBLOCK O_SYNC
"""
_SIGNALS = (
    "SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP SIGUSR1 SIGUSR2 SIGWINCH pthread_sigmask"
)


def _windows() -> None:
    # These decide when they are loaded on which system they are, and are right about that.
    import asyncio
    import mimetypes
    import multiprocessing.connection
    import platform
    import shutil
    import signal
    import ssl
    import subprocess
    import sysconfig
    import tempfile
    import urllib.request

    platform.uname()
    platform.system = lambda: "Windows"
    sysconfig.get_config_vars()
    shutil._use_fd_functions = False  # type: ignore[attr-defined]
    sys.platform = "win32"
    for name in _MISSING.split():
        sys.modules[name] = None  # type: ignore[assignment]
    for module, names in ((os, _UNIX), (signal, _SIGNALS)):
        for name in names.split():
            if hasattr(module, name):
                delattr(module, name)
    sys.meta_path.insert(0, _Answers())
    msvcrt = ModuleType("msvcrt")
    msvcrt.LK_NBLCK, msvcrt.LK_UNLCK = 2, 0  # type: ignore[attr-defined]
    msvcrt.locking = lambda descriptor, mode, size: None  # type: ignore[attr-defined]
    sys.modules["msvcrt"] = msvcrt
    winreg = ModuleType("winreg")
    winreg.HKEY_LOCAL_MACHINE, winreg.HKEY_CURRENT_USER = "machine", "user"  # type: ignore[attr-defined]
    winreg.OpenKey = _open_key  # type: ignore[attr-defined]
    # The machine's, which no variable changes; in the tests it has to be one of a test.
    program_data = os.environ.get("MACHINE_PROGRAMDATA", "")
    winreg.QueryValueEx = lambda key, name: (program_data, 1)  # type: ignore[attr-defined]
    sys.modules["winreg"] = winreg
    ssl.enum_certificates = lambda store: []  # type: ignore[attr-defined]
    assert all((asyncio, mimetypes, multiprocessing, subprocess, tempfile, urllib))


def _open_key(root: str, name: str) -> contextlib.nullcontext[None]:
    if root == "user":
        raise OSError(2, f"{name} is not there")
    return contextlib.nullcontext()


class _Answers:
    """Finds modules that would ask Windows itself: rich's for the console, and platformdirs' for the user's folders."""

    def __init__(self) -> None:
        self._own: Loader | None = None

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        if name in ("pip._vendor.rich._windows", "pip._vendor.rich._win32_console"):
            return importlib.util.spec_from_loader(name, self)  # type: ignore[arg-type]
        if not name.endswith("platformdirs.windows") or (spec := PathFinder.find_spec(name, path)) is None:
            return None
        self._own, spec.loader = spec.loader, self  # type: ignore[assignment]
        return spec

    def create_module(self, spec: object) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        if self._own is None or not module.__name__.endswith("platformdirs.windows"):
            features = SimpleNamespace(vt=True, truecolor=True)
            module.get_windows_console_features = lambda: features  # type: ignore[attr-defined]
            module.LegacyWindowsTerm = module.WindowsCoordinates = object  # type: ignore[attr-defined]
            return
        self._own.exec_module(module)
        # Of several ways the one that needs no Windows; the names of older and newer ones.
        for name in ("get_win_folder", "_RESOLVE_WIN_FOLDER"):
            setattr(module, name, module.get_win_folder_from_env_vars)


def _mac() -> None:
    import platform
    import sysconfig

    sysconfig.get_config_vars()
    scproxy = ModuleType("_scproxy")
    scproxy._get_proxy_settings = dict  # type: ignore[attr-defined]
    scproxy._get_proxies = dict  # type: ignore[attr-defined]
    sys.modules["_scproxy"] = scproxy
    platform.mac_ver = lambda *_, **__: ("14.4", ("", "", ""), "arm64")
    sys.platform = "darwin"


if named := os.environ.get("LOOKS_LIKE_PLATFORM"):
    {"win32": _windows, "darwin": _mac}[named]()
