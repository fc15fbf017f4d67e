"""A Python that has loaded a program, and forks for each command of it; a fork runs it as `python -m` would.

In, a line of JSON for each: {"module", "args", "env", "cwd", "streams" (paths: stdin, stdout, stderr), "asks" (whether
a new Python finds a policy there)}. Out: a line with the fork's pid, and one with its exit status. Started by
`support.warm` with the Python of an environment: the file descriptors of both, the program, and the folders of code in
which only root can change anything.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import sys
import threading
import types
from typing import Any

_PIP = (
    "encodings.idna",
    "netrc",
    "pip._internal.cli.main",
    "pip._internal.cli.main_parser",
    "pip._internal.cli.autocompletion",
    "pip._internal.commands.install",
    "pip._internal.metadata.importlib",
    "pip._internal.resolution.resolvelib.resolver",
    "pip._internal.utils.wheel",
    "pip._vendor.distro.distro",
    "pip._vendor.truststore",
    # The modules that repoprio loads with the policy, and no others: pip 26.3 forbids imports once it installs.
    "repoprio.config.load",
    "repoprio.pip_adapter.finder.look_ahead",
    "repoprio.pip_adapter.finder.policy_finder",
    "repoprio.pip_adapter.install.wheel_check",
    "repoprio.pip_adapter.log_redaction",
    "repoprio.pip_adapter.resolver.scout",
)
_REPOPRIO = (
    "repoprio.cli.main",
    "repoprio.cli.audit",
    "repoprio.cli.compare",
    "repoprio.cli.config",
    "repoprio.cli.doctoring.doctor",
    "repoprio.cli.enable",
    "repoprio.cli.explain",
    "repoprio.cli.export",
    "repoprio.cli.repos",
    "repoprio.pip_adapter.inspect.audit",
    "repoprio.pip_adapter.inspect.compare.resolve",
    "repoprio.pip_adapter.inspect.context",
    "repoprio.pip_adapter.inspect.explain",
    "repoprio.pip_adapter.inspect.lock_files",
    "repoprio.pip_adapter.resolver.scouting",
)
# Modules that a program loads for any command; older pips lack some of them.
LOADED = {"pip": _PIP, "repoprio": (*_PIP, *_REPOPRIO)}
# How a fork ends that is not what a new Python would be.
FINDS_NONE = -signal.SIGKILL if sys.platform == "win32" else -signal.SIGUSR1
_WRITTEN = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


def main() -> None:
    """Fork for each line."""
    lines, answers = os.fdopen(int(sys.argv[1])), os.fdopen(int(sys.argv[2]), "w")
    for name in LOADED["pip" if sys.argv[3] == "pip" else "repoprio"]:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    _ask_system()
    if owners := sys.modules.get("repoprio.environments.owners"):
        vars(owners)["_of_root"].update(sys.argv[4:])
    # Loaded objects are old: no fork looks through them, which would copy them. Each fork would count frozen ones.
    gc.collect()
    for line in lines:
        pid = os.fork()
        if not pid:
            lines.close()
            answers.close()
            become(json.loads(line))
            return
        print(pid, file=answers, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), file=answers, flush=True)


def become(command: dict[str, Any]) -> None:
    """Take the variables, the folder, the streams and the arguments; then run the module, and end as it ends."""
    for number, (path, flags) in enumerate(zip(command["streams"], (os.O_RDONLY, _WRITTEN, _WRITTEN), strict=True)):
        opened = os.open(path, flags)
        os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()
    os.environ.update(command["env"])
    os.chdir(command["cwd"])
    sys.path[0] = os.getcwd()
    sys.argv = ["-m", *command["args"]]
    sys.orig_argv = [sys.executable, "-m", command["module"], *command["args"]]
    sys.modules["__main__"] = types.ModuleType("__main__")
    _look_again()
    if command["asks"] and not _finds_policy():
        os.kill(os.getpid(), -FINDS_NONE)
    _end(_status(command["module"]))


def _status(module: str) -> int:
    """Run the module as `python -m` does, or the script; returns the exit status, reported as Python reports it."""
    run: Any = vars(runpy)["_run_module_as_main"]
    try:
        runpy.run_path(module, run_name="__main__") if module.endswith(".py") else run(module)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    except BaseException:  # noqa: BLE001 - as the main program of a Python
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def _finds_policy() -> bool:
    """Whether a new Python would guard its pip here, as this one does; one without repoprio guards none."""
    try:
        files: Any = importlib.import_module("repoprio.config.policy_files")
        layers: Any = importlib.import_module("repoprio.pip_adapter.policy_layers")
    except ImportError:
        return True
    return bool(files.in_sight(os.environ, layers.layers(isolated=False)))


def _end(status: int) -> None:
    """End as Python does, but do not unload modules: that would first copy all of them."""
    vars(threading)["_shutdown"]()
    vars(atexit)["_run_exitfuncs"]()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _ask_system() -> None:
    """Run the programs that identify this system: pip sends the result to each repository, and remembers it."""
    session: Any = importlib.import_module("pip._internal.network.session")
    session.user_agent()


def _look_again() -> None:
    """Read again what pip reads once, while it is loaded: the place of its cache, and the installed distributions."""
    importlib.invalidate_caches()
    cmdoptions: Any = importlib.import_module("pip._internal.cli.cmdoptions")
    appdirs: Any = importlib.import_module("pip._internal.utils.appdirs")
    cmdoptions.cache_dir.keywords["default"] = appdirs.user_cache_dir("pip")
    if old := sys.modules.get("pip._vendor.pkg_resources"):
        resources: Any = old
        resources.working_set = resources.WorkingSet._build_master()


if __name__ == "__main__":
    main()
