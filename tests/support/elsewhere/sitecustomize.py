"""Makes a Python on Linux look like one of Windows or macOS, named by LOOKS_LIKE_PLATFORM, to Python code.

So the code for that platform runs, without what is missing there. Paths stay those of Linux.
"""

import importlib.util
import os
import sys
from importlib.machinery import ModuleSpec
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
    _have_folders_of_variables()
    sys.meta_path.insert(0, _Console())
    msvcrt = ModuleType("msvcrt")
    msvcrt.LK_NBLCK, msvcrt.LK_UNLCK = 2, 0  # type: ignore[attr-defined]
    msvcrt.locking = lambda descriptor, mode, size: None  # type: ignore[attr-defined]
    sys.modules["msvcrt"] = msvcrt
    ssl.enum_certificates = lambda store: []  # type: ignore[attr-defined]
    assert all((asyncio, multiprocessing, subprocess, tempfile, urllib))


class _Console:
    """Finds, in place of what rich asks Windows about its console, a module that knows the answer."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return importlib.util.spec_from_loader(name, self) if name == "pip._vendor.rich._windows" else None  # type: ignore[arg-type]

    def create_module(self, spec: object) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        features = SimpleNamespace(vt=True, truecolor=True)
        module.get_windows_console_features = lambda: features  # type: ignore[attr-defined]


def _have_folders_of_variables() -> None:
    """Have platformdirs take the folders of Windows from variables: a newer one calls Windows if there is a ctypes."""
    import contextlib

    kept = sys.modules.pop("ctypes", None)
    sys.modules["ctypes"] = None  # type: ignore[assignment]
    with contextlib.suppress(ImportError):
        importlib.import_module("platformdirs.windows")
    del sys.modules["ctypes"]
    if kept:
        sys.modules["ctypes"] = kept


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
