"""pip's own session and finder, for commands that install nothing."""

from __future__ import annotations

import logging.config  # noqa: F401 - pip's setup_logging takes it for loaded
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from repoprio.errors import InspectionError, NoPolicy
from repoprio.pip_adapter.hooks.pip_runner import load_pip

load_pip()

from pip._internal.cli.cmdoptions import make_target_python  # noqa: E402 - only a guarded pip may be imported
from pip._internal.commands import create_command  # noqa: E402 - only a guarded pip may be imported
from pip._internal.exceptions import PipError  # noqa: E402
from pip._internal.utils.logging import setup_logging  # noqa: E402
from pip._internal.utils.temp_dir import global_tempdir_manager  # noqa: E402

from repoprio.pip_adapter import compat, log_redaction, policy_reading  # noqa: E402
from repoprio.pip_adapter.errors import LookRefused, LookupRefused  # noqa: E402
from repoprio.pip_adapter.finder.policy_finder import PolicyFinder  # noqa: E402
from repoprio.pip_adapter.hooks import requirement_files  # noqa: E402
from repoprio.pip_adapter.index import credentials, retries  # noqa: E402
from repoprio.policy.model import Mode  # noqa: E402
from repoprio.redaction import redact_words  # noqa: E402

if TYPE_CHECKING:
    from optparse import Values

    from repoprio.pip_adapter.protocols.commands import InstallCommand
    from repoprio.pip_adapter.protocols.finder import PackageFinder
    from repoprio.pip_adapter.protocols.network import PipSession


# What pip lets out when it reads requirements.
UNREADABLE = (ValueError, LookupError, RecursionError)


class PipContext(NamedTuple):
    """The session, finder, options and command with which ``pip install`` would look up projects, and its guard."""

    options: Values
    session: PipSession
    finder: PackageFinder
    guard: PolicyFinder
    install: InstallCommand


def _parsed(install: InstallCommand, options: Sequence[str]) -> Values:
    """The options, with those of pip's own settings; pip ends the process if one is not valid."""
    try:
        return install.parse_args(list(options))[0]
    except (SystemExit, ValueError) as error:
        why = f": {redact_words(str(error))}" if isinstance(error, ValueError) else ""
        raise InspectionError(f"an option or a setting of pip's is not valid{why}.    [usage]") from None


@contextmanager
def pip_context(options: Sequence[str] = ()) -> Iterator[PipContext]:
    """A context for pip's `options`; raises `InspectionError`, and `InvalidPolicy` for an invalid policy."""
    from repoprio.pip_adapter.command import current
    from repoprio.pip_adapter.finder.registry import guard_of

    if policy_reading.read_policy().sound() is None:
        raise NoPolicy(policy_reading.no_policy())
    setup_logging(verbosity=-1, no_color=True, user_log_file=None)
    current().looks = True
    install: InstallCommand = create_command("install")
    with install.main_context(), global_tempdir_manager():
        parsed = _parsed(install, options)
        compat.settle_prereleases(parsed)
        try:
            session = install.get_default_session(parsed)
            finder = install._build_package_finder(
                parsed,
                session,
                target_python=make_target_python(parsed),
                ignore_requires_python=parsed.ignore_requires_python,
            )
            guard = guard_of(finder, always=True)
            if guard is None:
                raise InspectionError("nothing can be looked up with this pip    [unknown-pip]")
            credentials.keep(session.auth, guard.policy, requirement_files.written_by_user(parsed))
            if guard.policy.mode is Mode.OBSERVE:
                # For an enforced policy this was done when it was read.
                log_redaction.install(guard.policy.secrets)
            with retries.announced_once():
                yield PipContext(parsed, session, finder, guard, install)
        except LookupRefused as error:
            raise LookRefused(error) from None
        except PipError as error:
            raise InspectionError(f"{redact_words(str(error))}    [usage]") from None


@contextmanager
def reading_requirements() -> Iterator[None]:
    """A context in which a text that is no requirement becomes `InspectionError`.

    pip itself ends with a traceback for some of them, such as ``acme[a,]``, ``acme; 'a' ~= sys_platform`` and
    ``https://[::1``, for a file that includes itself (before 24.2), and for one in an unknown encoding.
    """
    try:
        yield
    except UNREADABLE as error:
        raise InspectionError(f"Invalid requirement: {unreadable(error)}    [usage]") from None


def unreadable(error: Exception) -> str:
    """Why pip cannot read a requirement, for one of the errors `UNREADABLE`; a defect of pip is raised again."""
    if isinstance(error, KeyError | IndexError):
        # Only for an encoding that is not known, Python raises a bare `LookupError`.
        raise error
    if isinstance(error, RecursionError):
        return "a requirements file includes itself"
    if isinstance(error, UnicodeError):
        return "a requirements file is not in its encoding"
    # What Python says about a URL may quote a part of a password.
    is_plain = isinstance(error, LookupError) or type(error).__module__.startswith("pip.")
    return redact_words(str(error)) if is_plain else "its URL is not valid"
