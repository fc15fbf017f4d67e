"""Reports on repositories from their answers to trial requests, with settings that would help. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from repoprio.dataclass import dataclass
from repoprio.explain.explanation import Line, LineStatus
from repoprio.explain.refusal_remedies import unavailable_remedy
from repoprio.lookup.events import RepositoryResult, RepositoryState
from repoprio.lookup.reasons import Cause
from repoprio.policy.model import Policy, Repository, Rule, UnknownAge

# Every mirror of PyPI has these two.
WELL_KNOWN_PROJECTS = ("pip", "setuptools")


@dataclass(frozen=True)
class ProbeResult:
    """The answers of one repository at one of its URLs, which took `seconds`.

    `unknown` is its answer for a random name, `known` are those for `WELL_KNOWN_PROJECTS`, in that order; empty if
    only the random name was asked for. `api` is the format of its pages, such as "JSON 1.1"; None
    if it served no page. `is_pypi`: it is pip's built-in default index. `has_upload_times`: whether its files have
    upload times; None if it listed no file.
    """

    repository: Repository
    url: str
    seconds: float
    unknown: RepositoryResult[Any]
    known: tuple[RepositoryResult[Any], ...] = ()
    api: str | None = None
    is_pypi: bool = False
    has_upload_times: bool | None = None

    @property
    def is_silent(self) -> bool:
        """Whether it gave no usable answer."""
        return self.unknown.state is RepositoryState.UNAVAILABLE

    @property
    def has_all_names(self) -> bool:
        """Whether it has a page for any name, even a random one."""
        return self.unknown.state is RepositoryState.SERVES

    @property
    def looks_like_pypi(self) -> bool:
        """Whether it has the well-known projects, but not a page for every name."""
        return (
            not self.has_all_names and bool(self.known) and all(f.state is RepositoryState.SERVES for f in self.known)
        )


class Advice(NamedTuple):
    """One remark about a repository: a stable code, a sentence, and the setting that would help, as a line of TOML."""

    code: str
    text: str
    setting: str | None = None


@dataclass(frozen=True)
class Report:
    """The report on one repository: the rules that set its place, its trials (its own URL first), and remarks."""

    repository: Repository
    rules: tuple[Rule, ...]
    trials: tuple[ProbeResult, ...] = ()
    remarks: tuple[Advice, ...] = ()

    @property
    def is_silent(self) -> bool:
        """Whether it was tried, and neither it nor any mirror gave a usable answer."""
        return bool(self.trials) and all(trial.is_silent for trial in self.trials)


_KEYS = (
    *("url", "priority", "format", "mirrors", "aliases", "enabled", "explicit"),
    *("namespaces", "owns", "include", "exclude"),
    *("absent", "canary", "listing", "offline", "redirects", "skip-if-unavailable"),
    *("min-age", "min-age-unknown", "renamed-from"),
)


def report(policy: Policy, trials: Iterable[ProbeResult] = ()) -> list[Report]:
    """One report for each repository, highest priority first; `trials` may cover only some of them."""
    by_name: dict[str, list[ProbeResult]] = {}
    for trial in trials:
        by_name.setdefault(trial.repository.name, []).append(trial)
    ordered = sorted(policy.repositories, key=lambda repository: repository.priority)
    return [_report(policy, repository, tuple(by_name.get(repository.name, ()))) for repository in ordered]


def _report(policy: Policy, repository: Repository, trials: tuple[ProbeResult, ...]) -> Report:
    keys = (f"repositories.{repository.name}.{key}" for key in _KEYS)
    rules = tuple(policy.rule(key) for key in keys if key in policy.origins)
    advice = tuple(_remarks(policy, trials[0])) if trials else ()
    return Report(repository, rules, trials, advice + tuple(_mirror_advice(trials)))


def _remarks(policy: Policy, trial: ProbeResult) -> Iterator[Advice]:
    """The remarks on a repository's own URL."""
    if trial.is_silent:
        yield from _unavailable_advice(policy, trial)
    elif trial.has_all_names:
        yield _every_name_advice(trial)
    elif trial.unknown.cause is Cause.REDIRECT:
        yield Advice("forwards", f"it forwards names that it does not have ({trial.unknown.reason}): they are absent")
    if trial.has_upload_times is False and _wants_upload_times(policy, trial.repository):
        yield Advice(
            "no-upload-times",
            "its pages state no upload times (PEP 700), so under min-age none of its files is old enough",
            'min-age-unknown = "allow"',
        )
    others, below = _others(policy, trial.repository)
    if trial.looks_like_pypi and not trial.is_pypi and not (others and not below):
        yield from _pypi_mirror_advice(trial.repository, below)
    elif trial.unknown.state is RepositoryState.ABSENT and below and not _proves_itself(trial):
        yield Advice(
            "unproven",
            "a wrong URL, or a server that hides its projects without a login, gives the same answer; with a canary, "
            "a project that it certainly serves, repoprio can tell",
            'canary = "NAME"',
        )
    elif not below and not trial.repository.explicit and _lacks_all(trial):
        yield Advice(
            "lacks-all",
            f"it has neither {' nor '.join(WELL_KNOWN_PROJECTS)}, and no repository below it could supply them. "
            "This is normal for a small index of your own; if you expected a whole index such as PyPI, its URL "
            "may be wrong",
        )


def _wants_upload_times(policy: Policy, repository: Repository) -> bool:
    """Whether `min-age` of the repository or of a pin applies, and files without an upload time are refused."""
    waits = repository.min_age or any(pin.min_age for pin in policy.pins)
    return bool(waits) and repository.min_age_unknown is UnknownAge.REFUSE


def _lacks_all(trial: ProbeResult) -> bool:
    """Whether the repository lacks every name that was tried, so that its URL may be wrong."""
    names_none = bool(trial.known) and all(result.state is RepositoryState.ABSENT for result in trial.known)
    confined = trial.repository.namespaces or trial.repository.include
    return trial.unknown.state is RepositoryState.ABSENT and names_none and not confined and not _proves_itself(trial)


def _unavailable_advice(policy: Policy, trial: ProbeResult) -> Iterator[Advice]:
    result = trial.unknown
    line = Line(trial.repository, trial.url, LineStatus.UNAVAILABLE, None, result.reason, code=result.cause)
    line = replace(line, http_status=result.http_status)
    remedy = unavailable_remedy(line, is_lowest=not _others(policy, trial.repository)[1])
    # Some servers answer 403 or 410 for unknown names; believe that only if the same client also got a page.
    status = result.http_status
    if status in (403, 410) and any(known.state is RepositoryState.SERVES for known in trial.known):
        words = (
            f"it answers {status} for a name that nobody has, and has others: this may mean that it does not have the "
            "name"
        )
        yield Advice("absent", words, f"absent = [404, {status}]")
    elif result.cause in (Cause.REDIRECT, Cause.REDIRECT_INTO):
        yield Advice("forwards", f"it forwards names that it does not have: {result.reason}. {remedy.text}")
    else:
        yield Advice(remedy.code, remedy.text)


def _every_name_advice(trial: ProbeResult) -> Advice:
    if trial.unknown.files == 0:
        words = "it answers a page without files for a name that nobody has, and so would own every name"
        return Advice("empty-pages", words, 'absent = [404, "empty-page"]')
    words = "it lists files for a name that nobody has, and so owns every name: do not trust this repository"
    return Advice("every-name", words, 'namespaces = ["YOUR-PREFIX-*"]')


def _others(policy: Policy, repository: Repository) -> tuple[bool, list[str]]:
    """Whether other repositories are asked for names in general, and the names of those below this one."""
    others = [other for other in policy.enabled() if other.name != repository.name and not other.explicit]
    return bool(others), [other.name for other in others if other.priority > repository.priority]


def _pypi_mirror_advice(repository: Repository, below: list[str]) -> Iterator[Advice]:
    if repository.namespaces or repository.include:
        return
    owns = (
        f"and so owns what everybody has: of these {', '.join(below)} supplies none" if below else "and is asked alone"
    )
    yield Advice(
        "mirror-of-pypi",
        f"it serves {' and '.join(WELL_KNOWN_PROJECTS)}, as a mirror of PyPI does, {owns}. If it mixes them "
        "with your own names, no priority can separate them: keep your own names in another repository above this "
        'one, with namespaces = ["YOUR-PREFIX-*"] there',
    )


def _proves_itself(trial: ProbeResult) -> bool:
    """Whether its "absent" can be believed: it served something to the same client."""
    repository = trial.repository
    served = any(result.state is RepositoryState.SERVES for result in trial.known)
    return bool(served or repository.canary or repository.complete_listing or trial.url.startswith(("file:", "/")))


def _mirror_advice(trials: tuple[ProbeResult, ...]) -> Iterator[Advice]:
    for trial in trials[1:]:
        if trial.is_silent:
            yield Advice("mirror-silent", f"its mirror {trial.url} gives no usable answer: {trial.unknown.reason}")
    if trials and trials[0].is_silent and (answering := [trial for trial in trials[1:] if not trial.is_silent]):
        words = f"its mirror {answering[0].url} answers instead; what a mirror lacks does not count as absent"
        yield Advice("mirror-answers", words)
