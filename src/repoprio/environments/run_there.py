"""Runs a command of repoprio in the Python of another environment, which may lack repoprio."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

import repoprio
from repoprio.environments import child_script, interpreters, owners
from repoprio.environments.target import Environment, NoEnvironment

_MAIN = os.path.join(os.path.dirname(os.path.abspath(repoprio.__file__)), "__main__.py")


def has_pip(environment: Environment) -> bool:
    """Whether `environment` has a pip of its own. Raises `NoEnvironment`."""
    _check(environment)
    asked = [environment.python, "-I", "-c", "import pip"]
    return subprocess.run(asked, capture_output=True, check=False, stdin=subprocess.DEVNULL).returncode == 0  # noqa: S603


def run(environment: Environment, arguments: Sequence[str]) -> int:
    """Run repoprio with `arguments` in `environment`; returns the exit status. Raises `NoEnvironment`."""
    _check(environment)
    variables = owners.without_foreign_packages(os.environ)
    variables |= {child_script.RUNNER: _MAIN, child_script.GUEST: environment.named_by}
    command = [environment.python, os.path.abspath(child_script.__file__), *arguments]
    sys.stdout.flush()
    sys.stderr.flush()
    if sys.platform != "win32":
        # Replaces this process, so that signals reach the new one.
        os.execve(environment.python, command, variables)  # noqa: S606 - no shell is wanted
    return subprocess.call(command, env=variables)  # noqa: S603 - the environment that the user means


def _check(environment: Environment) -> None:
    """Raise `NoEnvironment` if its Python does not answer, or may not be run; `interpreters` decides that."""
    try:
        interpreters.interpreter(environment.python)
        if stranger := owners.stranger_of_user_site(environment.python):
            raise interpreters.OfAnother(environment.python, stranger)
    except interpreters.CannotEnable as error:
        raise NoEnvironment(f"the environment that {environment.named_by} names: {error}") from None
