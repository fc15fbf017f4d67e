"""Explanations of requirements, through the very finder that ``pip install`` would use."""

from __future__ import annotations

import logging.config  # noqa: F401 - pip's setup_logging takes it for loaded
from collections.abc import Iterator, Sequence
from typing import Any

from repoprio.explanation import Explanation
from repoprio.lookup import Code, Outcome
from repoprio.pip_adapter.runner import guard_this_process
from repoprio.policy import DirectUrls
from repoprio.urls import redacted

guard_this_process()

from pip._internal.commands import create_command  # noqa: E402 - only a guarded pip may be imported
from pip._internal.exceptions import PipError  # noqa: E402
from pip._internal.req.constructors import install_req_from_line, install_req_from_parsed_requirement  # noqa: E402
from pip._internal.req.req_file import parse_requirements  # noqa: E402
from pip._internal.utils.logging import setup_logging  # noqa: E402
from pip._internal.utils.temp_dir import global_tempdir_manager  # noqa: E402

from repoprio.pip_adapter import compat  # noqa: E402
from repoprio.pip_adapter.guard import Refused, warn  # noqa: E402


class CannotExplain(Exception):
    """There is nothing to explain; `status` is the exit status."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


def explain(
    requirements: Sequence[str], files: Sequence[str], options: Sequence[str], *, shadowed: bool
) -> list[Explanation]:
    """One explanation for each requirement whose markers hold here; `options` are pip's.

    Raises `CannotExplain`, and `PolicyFaults` for a faulty policy.
    """
    if compat.read_policy().sound() is None:
        raise CannotExplain(f"repoprio: {compat.no_policy()}", 2)
    setup_logging(verbosity=-1, no_color=True, user_log_file=None)
    install: Any = create_command("install")
    with install.main_context(), global_tempdir_manager():
        parsed, _ = install.parse_args(list(options))
        compat.settle_prereleases(parsed)
        try:
            return list(_explanations(install, parsed, requirements, files, shadowed=shadowed))
        except Refused as error:
            raise CannotExplain(str(error), 1) from None
        except PipError as error:
            raise CannotExplain(f"repoprio: {error}    [usage]", 2) from None


def _explanations(
    install: Any, options: Any, requirements: Sequence[str], files: Sequence[str], *, shadowed: bool
) -> Iterator[Explanation]:
    session = install.get_default_session(options)
    finder = install._build_package_finder(options, session)
    wanted = [install_req_from_line(text) for text in requirements]
    constraints = list(_read(options.constraints, finder, options, session, constraint=True))
    wanted += _read(files, finder, options, session, constraint=False)
    constraints += [ireq for ireq in wanted if ireq.constraint]
    for ireq in wanted:
        if ireq.constraint:
            continue
        if not ireq.match_markers():
            warn(f"repoprio: {ireq}: its marker does not hold here")
            continue
        if ireq.link or ireq.req is None:
            yield _direct(finder, ireq)
        else:
            yield _explanation(finder, ireq, constraints, shadowed=shadowed)


def _read(files: Sequence[str], finder: Any, options: Any, session: Any, *, constraint: bool) -> Iterator[Any]:
    for file in files:
        for line in parse_requirements(file, session, finder=finder, options=options, constraint=constraint):
            yield install_req_from_parsed_requirement(line)


def _explanation(finder: Any, ireq: Any, constraints: list[Any], *, shadowed: bool) -> Explanation:
    from repoprio.pip_adapter.wrappers import guard_of

    specifier, hashes = ireq.req.specifier, ireq.hashes(trust_internet=False)
    for other in constraints:
        if other.name and compat.same_project(other.name, ireq.name) and other.match_markers() and other.req:
            specifier = specifier & other.req.specifier
            hashes = hashes & other.hashes(trust_internet=False)
    explanation: Explanation = guard_of(finder).explanation(
        ireq.name,
        specifier,
        requirement=str(ireq.req).partition(";")[0].strip(),
        hashes=hashes,
        shadowed=shadowed,
    )
    return explanation


def _direct(finder: Any, ireq: Any) -> Explanation:
    """A direct URL that the user asks for: no repository has a say in it."""
    from repoprio.pip_adapter.wrappers import guard_of

    rules = guard_of(finder).policy
    allowed = rules.direct_urls is not DirectUrls.REFUSE
    return Explanation(
        f"{ireq.name} @ {redacted(ireq.link.url)}" if ireq.name else redacted(ireq.link.url),
        ireq.name or redacted(ireq.link.url),
        Outcome.SERVED if allowed else Outcome.BLOCKED,
        Code.DIRECT_URL,
        lines=(),
        owners=(),
        rules=(rules.rule("direct-urls", f'"{rules.direct_urls.value}"'),),
    )
