"""Checks what the lines of requirements and constraints files may set about indexes and logins.

Loaded while pip itself is being imported, so nothing of pip is imported at the top.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from repoprio import shell
from repoprio.config.pip.indexes import NamedBy, Origin
from repoprio.environments.child_script import IS_CHILD
from repoprio.pip_adapter.command import current, enforced
from repoprio.pip_adapter.finder.registry import guard_of
from repoprio.pip_adapter.index import credentials
from repoprio.pip_adapter.observe.registry import observer_of
from repoprio.pip_adapter.registry import Registry
from repoprio.policy.model import Format, Policy
from repoprio.redaction import redact_url
from repoprio.render.messages.model import message
from repoprio.wording import join_words

if TYPE_CHECKING:
    from optparse import Values

    from repoprio.pip_adapter.finder.policy_finder import PolicyFinder
    from repoprio.pip_adapter.protocols.finder import PackageFinder
    from repoprio.pip_adapter.protocols.network import PipSession
    from repoprio.pip_adapter.protocols.requirements import ParsedLine, RequirementsFileParser


# The variables of the policy's logins, and those for child pips.
_OURS = re.compile(r"(\$\{_?REPOPRIO_[A-Z0-9_]*\})")
# URLs that pip fetches itself; git and others use their own logins.
_FETCHED = re.compile(r"(?i)(?<![\w+])https?://\S+")
Lines = Iterable[tuple[int, str]]


def written_by_user(options: Values) -> Iterator[str]:
    """All texts of the options, from the command line, variables and pip's files, and of the arguments.

    The arguments of a child pip are not included: they are requirements of packages.
    """
    for value in vars(options).values():
        values = value if isinstance(value, list) else [value]
        yield from (text for text in values if isinstance(text, str))
    yield from () if IS_CHILD else current().arguments


def handle_option_line(original: Callable[..., None]) -> Callable[..., None]:
    """Wraps the options of a line: notes which line names an index; refuses --no-index, and drops logins."""

    @functools.wraps(original)
    def handle_option_line(
        opts: Values, filename: str, lineno: int, finder: PackageFinder | None = None, *args: object, **kwargs: object
    ) -> None:
        guard = guard_of(finder) if finder is not None else None
        noter = guard or (observer_of(finder) if finder is not None else None)
        origin = Origin(NamedBy.LINE, file=redact_url(filename), line=lineno)
        if guard is not None:
            if opts.no_index:
                _refuse_no_index(guard.policy, str(origin))
            _take_logins_out(guard, opts, str(origin))
        if noter is not None:
            noter.note(origin, _named(opts, filename))
        return original(opts, filename, lineno, finder, *args, **kwargs)

    return handle_option_line


def _refuse_no_index(policy: Policy, where: str) -> None:
    """Raise `LookupRefused` for a --no-index in a file: its author could rule out the owners of names."""
    from repoprio.pip_adapter.errors import LookupRefused

    ruled_out = [repository for repository in policy.enabled() if repository.format is not Format.FLAT]
    hint = "remove it from the file, and set it yourself: --no-index, PIP_NO_INDEX=1, or no-index in pip.conf"
    details = [f"It would rule out {join_words(ruled_out)}." if ruled_out else "", f"hint: {hint}"]
    lead = f"{where}: --no-index in a requirements file is refused."
    raise LookupRefused(message(lead, details, "no-index", help_text=policy.help))


def _take_logins_out(guard: PolicyFinder, opts: Values, origin: str) -> None:
    """Remove logins from the URLs of a line, before pip uses them in its session or passes them to child pips."""
    logins = credentials.keep(guard.session.auth, guard.policy)
    opts.index_url = opts.index_url and logins.take_out(opts.index_url, origin)
    for name in ("extra_index_urls", "find_links"):
        setattr(opts, name, [logins.take_out(url, origin) for url in getattr(opts, name) or []])


def _named(opts: Values, filename: str) -> list[str]:
    indexes = [opts.index_url] if opts.index_url else []
    links = opts.find_links or []
    # pip first looks for find-links in the folder of the file that names them.
    in_folder = [os.path.join(os.path.dirname(os.path.abspath(filename)), link) for link in links]
    return [*indexes, *(opts.extra_index_urls or []), *links, *in_folder]


def expand_env_variables(original: Callable[..., Lines]) -> Callable[..., Lines]:
    """Wraps the expansion of ``${VARIABLE}``: keeps the policy's logins out, since a URL could send them anywhere."""

    @functools.wraps(original)
    def expand_env_variables(lines_enum: Lines) -> Lines:
        expanded: Lines = _expanded(original, lines_enum) if _is_held() else original(lines_enum)
        return expanded

    return expand_env_variables


def _expanded(original: Callable[[Lines], Lines], lines: Lines) -> Iterator[tuple[int, str]]:
    for number, line in lines:
        parts = [
            part if _OURS.fullmatch(part) else "".join(done for _, done in original([(number, part)]))
            for part in _OURS.split(line)
        ]
        yield number, "".join(parts)


# For each parser: the files that are being read, each named by the one before.
_FILES: Registry[list[str]] = Registry()


def parse_file(original: Callable[..., Iterator[ParsedLine]]) -> Callable[..., Iterator[ParsedLine]]:
    """Wraps the reading of a file and of those that it names, which the user's machine would fetch.

    pip's generator of a file is not exhausted while it reads a nested one, so the open files are the ancestors.
    """

    @functools.wraps(original)
    def _parse_file(
        self: RequirementsFileParser, filename: str, constraint: bool, *args: object, **kwargs: object
    ) -> Iterator[ParsedLine]:
        above: list[str] = _FILES.get_or_make(self, list)
        if _is_held():
            if not above:
                current().named_files.add(filename)
            elif _is_remote(filename):
                if current().looks and filename in current().named_files:
                    return
                _judge_nested(filename, above, constraint=constraint)
        above.append(filename)
        try:
            for line in original(self, filename, constraint, *args, **kwargs):
                _note_logins(self._session, filename, line)
                yield line
        finally:
            above.pop()

    return _parse_file


def _note_logins(session: PipSession, filename: str, line: ParsedLine) -> None:
    """Note the logins of direct URLs in a file, which must not be used; those of constraints too."""
    logins = credentials.known_credential_policy(session.auth)
    if logins is None:
        return
    for url in _FETCHED.findall(getattr(line, "requirement", None) or ""):
        with contextlib.suppress(ValueError):
            logins.take_out(url, f"{redact_url(filename)}, line {line.lineno}")


def _is_held() -> bool:
    """Whether files must obey the policy; in repoprio's own commands also under a policy that only observes."""
    return current().looks or enforced() is not None


def _is_remote(filename: str) -> bool:
    return re.match(r"https?:", filename, re.IGNORECASE) is not None


def _judge_nested(filename: str, above: Sequence[str], *, constraint: bool) -> None:
    from repoprio.pip_adapter.errors import LookupRefused

    if current().looks:
        rule = (
            "Commands that only look never fetch a file that another one names: its server would learn who is looking."
        )
    elif any(_is_remote(file) for file in above):
        rule = "A fetched file cannot make pip fetch another one."
    else:
        return
    by_hand = shell.arguments("-c" if constraint else "-r", redact_url(filename))
    lead = f"{redact_url(above[-1])} names another file to fetch: {redact_url(filename)}."
    raise LookupRefused(message(lead, [rule, f"hint: if you trust it, name it yourself: {by_hand}"], "nested-file"))
