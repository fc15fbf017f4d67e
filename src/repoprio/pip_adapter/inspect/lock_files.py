"""Locks as they lie on disk: pylock.toml files, and requirements files as pip reads them."""

from __future__ import annotations

import contextlib
import copy
import io
import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from repoprio.audit import pylock
from repoprio.audit.findings import Finding, Severity
from repoprio.audit.lock_verdicts import LockedFile
from repoprio.audit.pylock import NoLock, Package
from repoprio.config.pip.indexes import NamedBy, Origin
from repoprio.pip_adapter import compat
from repoprio.pip_adapter.errors import LookRefused, LookupRefused
from repoprio.pip_adapter.finder import search_scope
from repoprio.pip_adapter.finder.policy_finder import PolicyFinder
from repoprio.pip_adapter.finder.registry import guard_of
from repoprio.pip_adapter.inspect.context import PipContext
from repoprio.pip_adapter.log_muting import muted
from repoprio.pip_adapter.requirements import specifier_of
from repoprio.policy.model import Policy, Unlisted
from repoprio.redaction import redact_name, redact_text, redact_url, redact_words
from repoprio.urls import filename

if TYPE_CHECKING:
    from optparse import Values

    from repoprio.pip_adapter.protocols.finder import PackageFinder
    from repoprio.pip_adapter.protocols.links import SpecifierSet
    from repoprio.pip_adapter.protocols.network import PipSession
    from repoprio.pip_adapter.protocols.requirements import InstallRequirement, ParsedLine


# After `context`, which guards this process: only a guarded pip may be imported.
from pip._internal.exceptions import PipError  # isort: skip
from pip._internal.req.constructors import install_req_from_parsed_requirement  # isort: skip
from pip._internal.req.req_file import parse_requirements  # isort: skip
from pip._vendor.packaging.utils import canonicalize_version  # isort: skip

_WHERE = re.compile(r"-[rc] (.*) \(line (\d+)\)")
_TRUSTED = re.compile(r"line (\d+) of (.*)", re.DOTALL)
# A requirements file may have any name; these are other things.
_OTHERS = (".toml", ".lock", ".json", ".cfg", ".whl", ".zip", ".gz")


class Read(NamedTuple):
    """The packages of some locks, and what is found in these but for their packages."""

    packages: list[Package]
    findings: list[Finding]


def read(pip: PipContext, files: Sequence[str]) -> Read:
    """Read `files`, each a pylock.toml or a requirements file; `NoLock` where one is neither."""
    found = Read([], [])
    for file in files:
        text = _text(file)
        document = _toml(file, text)
        if document is not None:
            found.packages.extend(pylock.packages(document, text, file))
        else:
            packages, findings = _requirements(pip, file)
            found.packages.extend(packages)
            found.findings.extend(findings)
    return found


def _text(file: str) -> str:
    if os.path.exists(file) and not os.path.isfile(file):
        # It is read twice, and what a pipe said is gone.
        raise NoLock(f"{file} is not a regular file.    [usage]")
    try:
        with open(file, encoding="utf-8-sig", newline="") as opened:
            return opened.read()
    except OSError as error:
        raise NoLock(f"{file} cannot be read: {error.strerror}.    [usage]") from None
    except ValueError:
        raise NoLock(f"{file} is not UTF-8 text.    [usage]") from None


def _toml(file: str, text: str) -> dict[str, Any] | None:
    """The document of a pylock.toml; None for what may be a requirements file."""
    base = os.path.basename(file)
    if not pylock.is_pylock(base) and not base.lower().endswith(_OTHERS):
        return None
    try:
        document = compat.TOOLS.parse_toml(text.replace("\r\n", "\n"))
    except (ValueError, RecursionError) as error:
        if pylock.is_pylock(base):
            raise NoLock(f"{file} is not TOML: {redact_text(str(error))}.    [usage]") from None
        document = {}
    if not pylock.is_pylock(base) and "lock-version" not in document:
        raise NoLock(f"{file} is neither a pylock.toml nor a requirements file.    [usage]")
    return document


def _requirements(pip: PipContext, file: str) -> tuple[list[Package], list[Finding]]:
    try:
        with _aside(pip) as aside, muted(), contextlib.redirect_stderr(io.StringIO()):
            parsed = list(parse_requirements(file, aside.session, finder=aside.finder, options=aside.options))
            packages = list(_packages(parsed, file))
            # What the file names is told as a finding, and stops no look-up.
            return packages, [*_unlisted(pip.guard.policy, aside, file), *_trusted(aside, file)]
    except LookupRefused as error:
        raise LookRefused(error, NoLock.status) from None
    except PipError as error:
        # pip's option parser begins with the name of the program.
        plain = str(error).replace(f"{os.path.basename(sys.argv[0])}: error: ", "")
        said = redact_words(" ".join(plain.split()))
        raise NoLock(f"{file} is not a requirements file that pip can read: {said}    [usage]") from None
    except (ValueError, OSError, AssertionError) as error:
        raise NoLock(
            f"{file} is not a requirements file that pip can read ({type(error).__name__}).    [usage]"
        ) from None


class _Aside(NamedTuple):
    """What pip reads requirements files with, apart from what looks up; `trusted` are hosts, and which line said so."""

    options: Values
    session: PipSession
    finder: PackageFinder
    guard: PolicyFinder | None
    trusted: list[tuple[str, str]]


@contextlib.contextmanager
def _aside(pip: PipContext) -> Iterator[_Aside]:
    """A session and a finder to be thrown away: pip adds the options of a file to the very ones that it has."""
    options = copy.deepcopy(pip.options)
    with pip.install._build_session(options) as session:
        finder = pip.install._build_package_finder(options, session)
        aside = _Aside(options, session, finder, guard_of(finder, always=True), [])
        # Not even what else the file has read may be got so.
        session.add_trusted_host = lambda host, source=None, **_: aside.trusted.append((host, source or ""))
        yield aside


def _packages(parsed: Sequence[ParsedLine], file: str) -> Iterator[Package]:
    """The requirements, each with what the constraints of the same file say besides."""
    ireqs = [(one.constraint, install_req_from_parsed_requirement(one)) for one in parsed]
    constraints = [ireq for is_constraint, ireq in ireqs if is_constraint]
    for is_constraint, ireq in ireqs:
        if not is_constraint:
            same = [c for c in constraints if c.name and ireq.name and compat.same_project(c.name, ireq.name)]
            yield _package(ireq, same, file)


def _package(ireq: InstallRequirement, constraints: Sequence[InstallRequirement], file: str) -> Package:
    where = _WHERE.fullmatch(str(ireq.comes_from or ""))
    at, line = (_as_named(where[1], file), int(where[2])) if where else (file, None)
    if ireq.link or ireq.req is None:
        return _direct(ireq, at, line)
    said = [ireq, *(one for one in constraints if one.req)]
    pins = {canonicalize_version(v): v for one in said for v in _pinned(specifier_of(one))}
    version = next(iter(pins.values())) if len(pins) == 1 else None
    several = tuple(sorted(pins.values())) if len(pins) > 1 else ()
    stated: dict[str, list[str]] = next((one.hash_options for one in said if one.hash_options), {})
    hashes = [(kind.lower(), value) for kind, values in stated.items() for value in values]
    files = tuple(LockedFile(None, {kind: value}, line) for kind, value in hashes)
    return Package(ireq.name or "", version, files, None, line, at, is_pinned=version is not None, pins=several)


def _pinned(specifier: SpecifierSet) -> list[str]:
    return [s.version for s in specifier if s.operator in ("==", "===") and not s.version.endswith(".*")]


def _direct(ireq: InstallRequirement, at: str, line: int | None) -> Package:
    url = ireq.link.url if ireq.link else ""
    hashes = {kind.lower(): values[0] for kind, values in (ireq.hash_options or {}).items() if len(values) == 1}
    shown = redact_url(url) + (", editable" if ireq.editable else "")
    name = ireq.name or filename(url.rstrip("/")) or shown
    return Package(name, None, (), shown, line, at, hashes=hashes)


def _trusted(aside: _Aside, file: str) -> Iterator[Finding]:
    """The hosts that the file would have pip trust."""
    for host, source in dict.fromkeys(aside.trusted):
        where = _TRUSTED.fullmatch(source)
        at, line = (_as_named(where[2], file), int(where[1])) if where else (file, None)
        name = redact_name(host)
        said = (
            f"--trusted-host {name} makes pip accept any server that answers for that host, with any certificate or "
            "none."
        )
        remedy = "remove the line; if the host has a certificate of your own authority, name that with --cert"
        yield Finding("trusted-host", said, remedy, file=at, line=line, detail=name)


def _as_named(at: str, file: str) -> str:
    """The path of a nested file as `file` was named: pip since 25.0 names it by its whole path."""
    return os.path.relpath(at) if os.path.isabs(at) and not os.path.isabs(file) else at


def _unlisted(policy: Policy, aside: _Aside, file: str) -> list[Finding]:
    """What the file names as indexes and find-links, if the policy does not list it."""
    matched = search_scope.match(policy, aside.finder.search_scope, aside.guard.noted if aside.guard else {})
    told = [(one.url, one.origin if one.origin.by is NamedBy.LINE else None) for one in matched.refused]
    told += [(url, None) for url in matched.ignored]
    told += [(one.locations[0].shown, None) for one in matched.admitted]
    return [_unlisted_one(policy, url, line, file) for url, line in told]


def _unlisted_one(policy: Policy, url: str, at: Origin | None, file: str) -> Finding:
    rule = policy.rule("unlisted", f'"{policy.unlisted.value}"')
    stated = None if policy.unlisted is Unlisted.REFUSE else Severity.NOTE
    remedy = f"remove the line, or {policy.change('add the repository to the policy')}"
    where, line = (at.file, at.line) if at else (file, None)
    said = f"{file} names {url}, which is not in the policy ({rule})."
    return Finding("unlisted", said, remedy, rule=rule, file=where, line=line, detail=url, stated=stated)
