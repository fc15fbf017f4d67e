"""Reads locks from disk: those of `audit.locks`, and requirements files as pip reads them."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import os
import re
import sys
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from repoprio.audit import lock_sources
from repoprio.audit.findings import Finding
from repoprio.audit.lock_verdicts import LockedFile
from repoprio.audit.locks import formats
from repoprio.audit.locks.model import Lock, NoLock, Package
from repoprio.audit.locks.reading import LockText
from repoprio.config.pip.indexes import NamedBy, Origin
from repoprio.pip_adapter import compat, policy_reading
from repoprio.pip_adapter.errors import LookRefused, LookupRefused
from repoprio.pip_adapter.finder.callers import search_scope
from repoprio.pip_adapter.finder.policy_finder import PolicyFinder
from repoprio.pip_adapter.finder.registry import guard_of
from repoprio.pip_adapter.inspect.context import UNREADABLE, PipContext, unreadable
from repoprio.pip_adapter.log_muting import muted
from repoprio.pip_adapter.requirements import specifier_of
from repoprio.policy.locations import as_url
from repoprio.policy.model import Policy, Repository
from repoprio.redaction import redact_name, redact_text, redact_url, redact_words
from repoprio.urls import filename
from repoprio.wording import join_words

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
# A requirements file may have any name, but not with these endings.
_SIZE_LIMIT = 64 * 2**20
_OTHERS = (".toml", ".lock", ".json", ".cfg", ".whl", ".zip", ".gz")


class Read(NamedTuple):
    """The packages of some locks, and the findings on the locks themselves."""

    packages: list[Package]
    findings: list[Finding]


def read(pip: PipContext, files: Sequence[str]) -> Read:
    """What `files` contain, each a lock or a requirements file; raises `NoLock` if one is neither."""
    result = Read([], [])
    for file in files:
        text = _text(file)
        lock = _lock(file, text)
        if lock is not None:
            result.packages.extend(lock.packages)
            result.findings.extend(_indexes(pip.guard.policy, lock, file))
        else:
            packages, findings = _requirements(pip, file)
            result.packages.extend(packages)
            result.findings.extend(findings)
    return result


def repository_at(policy: Policy, index: str, file: str) -> Repository | None:
    """The repository of the policy that the lock `file` names as `index`: a URL, or a path relative to the lock."""
    if "://" not in index:
        index = as_url(os.path.abspath(os.path.join(os.path.dirname(file), index)), "")
    return lock_sources.repository_at(policy, index)


def _indexes(policy: Policy, lock: Lock, file: str) -> Iterator[Finding]:
    """The findings on the repositories that a lock names."""
    for index in lock.indexes:
        yield from lock_sources.judge_index(policy, index, repository_at(policy, index.url, file), file)


def _text(file: str) -> str:
    if os.path.exists(file) and not os.path.isfile(file):
        # It is read twice, and a pipe can be read only once.
        raise NoLock(f"{file} is not a regular file.    [usage]")
    try:
        if os.path.getsize(file) > _SIZE_LIMIT:
            raise NoLock(f"{file} is larger than {_SIZE_LIMIT // 2**20} MiB, and no lock is.    [usage]")
        with open(file, "rb") as opened:
            content = opened.read()
        # pip reads a requirements file in UTF-16, too: the > of Windows PowerShell writes it.
        return content.decode("utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig")
    except OSError as error:
        raise NoLock(f"{file} cannot be read: {error.strerror}.    [usage]") from None
    except ValueError:
        raise NoLock(f"{file} is not UTF-8 text.    [usage]") from None


def _lock(file: str, text: str) -> Lock | None:
    """The content of a lock; None if the file may be a requirements file."""
    base = os.path.basename(file)
    format_ = formats.format_of(base)
    if format_ is None and not base.lower().endswith(_OTHERS):
        return None
    try:
        parse = json.loads if format_ and format_.is_json else policy_reading.TOOLS.parse_toml
        document = parse(text.replace("\r\n", "\n"))
    except (ValueError, RecursionError) as error:
        if format_:
            language = "JSON" if format_.is_json else "TOML"
            raise NoLock(f"{file} is not {language}: {redact_text(str(error))}.    [usage]") from None
        document = {}
    if not isinstance(document, dict) or (format_ is None and "lock-version" not in document):
        names = join_words(formats.NAMES, "or")
        raise NoLock(f"{file} is neither a requirements file nor a lock: its name is not that of a {names}.    [usage]")
    return (format_ or formats.PYLOCK).read(document, LockText(text, file))


def _requirements(pip: PipContext, file: str) -> tuple[list[Package], list[Finding]]:
    try:
        with _aside(pip) as aside, muted(), contextlib.redirect_stderr(io.StringIO()):
            parsed = list(parse_requirements(file, aside.session, finder=aside.finder, options=aside.options))
            packages = list(_packages(parsed, file))
            # An index that the file names becomes a finding; it stops no lookup.
            return packages, [*_unlisted(pip.guard.policy, aside, file), *_trusted(aside, file)]
    except LookupRefused as error:
        raise LookRefused(error, NoLock.status) from None
    except PipError as error:
        # pip's option parser begins with the name of the program.
        plain = str(error).replace(f"{os.path.basename(sys.argv[0])}: error: ", "")
        problem = redact_words(" ".join(plain.split()))
        raise NoLock(f"{file} is not a requirements file that pip can read: {problem}    [usage]") from None
    except UNREADABLE as error:
        raise NoLock(f"{file} is not a requirements file that pip can read: {unreadable(error)}    [usage]") from None
    except (OSError, AssertionError) as error:
        raise NoLock(
            f"{file} is not a requirements file that pip can read ({type(error).__name__}).    [usage]"
        ) from None


class _Aside(NamedTuple):
    """What pip reads requirements files with, separate from what looks up names.

    `trusted` has hosts, each with the line that trusts it, as pip words it ("line 3 of FILE").
    """

    options: Values
    session: PipSession
    finder: PackageFinder
    guard: PolicyFinder | None
    trusted: list[tuple[str, str]]


@contextlib.contextmanager
def _aside(pip: PipContext) -> Iterator[_Aside]:
    """A session and a finder to throw away, because pip adds the options of a requirements file to them."""
    options = copy.deepcopy(pip.options)
    with pip.install._build_session(options) as session:
        finder = pip.install._build_package_finder(options, session)
        aside = _Aside(options, session, finder, guard_of(finder, always=True), [])
        # No host becomes trusted, not even for files that this one includes.
        session.add_trusted_host = lambda host, source=None, **_: aside.trusted.append((host, source or ""))
        yield aside


def _packages(parsed: Sequence[ParsedLine], file: str) -> Iterator[Package]:
    """The requirements, each narrowed by the constraints that the same file has for it."""
    ireqs = [(line.constraint, install_req_from_parsed_requirement(line)) for line in parsed]
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
    bounds = [ireq, *(requirement for requirement in constraints if requirement.req)]
    pins = {canonicalize_version(v): v for requirement in bounds for v in _pinned(specifier_of(requirement))}
    version = next(iter(pins.values())) if len(pins) == 1 else None
    several = tuple(sorted(pins.values())) if len(pins) > 1 else ()
    stated: dict[str, list[str]] = next(
        (requirement.hash_options for requirement in bounds if requirement.hash_options), {}
    )
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
    """A finding for each host that the file tells pip to trust."""
    for host, source in dict.fromkeys(aside.trusted):
        where = _TRUSTED.fullmatch(source)
        at, line = (_as_named(where[2], file), int(where[1])) if where else (file, None)
        name = redact_name(host)
        message = f"--trusted-host {name} makes pip accept any server that answers for that host, with any certificate "
        message += "or none."
        remedy = "remove the line; if the host has a certificate of your own authority, name that with --cert"
        yield Finding("trusted-host", message, remedy, file=at, line=line, detail=name)


def _as_named(at: str, file: str) -> str:
    """The path of a nested file in the style of `file`: relative, if that is; pip since 25.0 names the whole path."""
    return os.path.relpath(at) if os.path.isabs(at) and not os.path.isabs(file) else at


def _unlisted(policy: Policy, aside: _Aside, file: str) -> list[Finding]:
    """A finding for each index and find-links place of the file that the policy does not list."""
    matched = search_scope.match(policy, aside.finder.search_scope, aside.guard.scope.noted if aside.guard else {})
    places = [(place.url, place.origin if place.origin.by is NamedBy.LINE else None) for place in matched.refused]
    places += [(url, None) for url in matched.ignored]
    places += [(place.locations[0].shown, None) for place in matched.admitted]
    return [_unlisted_one(policy, url, line, file) for url, line in places]


def _unlisted_one(policy: Policy, url: str, at: Origin | None, file: str) -> Finding:
    where, line = (at.file, at.line) if at else (file, None)
    return lock_sources.unlisted(policy, url, named_in=file, file=where, line=line, remove="remove the line")
