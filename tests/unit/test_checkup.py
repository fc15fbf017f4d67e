"""Remarks about a repository, from its answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from repoprio.explain.checkup import ProbeResult, report
from repoprio.lookup.events import RepositoryResult, RepositoryState
from repoprio.lookup.reasons import Cause
from repoprio.policy.model import Location, Pin, Policy, Repository, UnknownAge
from repoprio.policy.patterns import Pattern

CORP = Repository("corp", (Location.of("https://corp.example/simple/"),), 10)
PYPI = Repository("pypi", (Location.of("https://pypi.example/simple/"),), 90)
SERVED = RepositoryResult[str](CORP, RepositoryState.SERVES, files=3)
ABSENT = RepositoryResult[str](CORP, RepositoryState.ABSENT, "404", Cause.STATUS)


def silent(reason: str, cause: Cause, status: int | None = None) -> RepositoryResult[str]:
    """An unusable answer."""
    return RepositoryResult(CORP, RepositoryState.UNAVAILABLE, reason, cause, http_status=status)


def codes(
    *others: Repository,
    unknown: RepositoryResult[str],
    known: tuple[RepositoryResult[str], ...] = (),
    corp: Repository = CORP,
) -> list[str]:
    """The codes of corp's remarks, beside `others`."""
    trial = ProbeResult(corp, "https://corp.example/simple/", 0.1, unknown, known)
    reports = report(Policy((corp, *others)), [trial])
    return [remark.code for one in reports if one.repository is corp for remark in one.remarks]


def test_each_answer_has_its_remark() -> None:
    """Each kind of answer gives its remark; there is none if no lower repository could be affected."""
    both = (SERVED, SERVED)
    assert codes(PYPI, unknown=ABSENT, known=(SERVED, ABSENT)) == []
    assert codes(PYPI, unknown=ABSENT) == ["unproven"]
    assert codes(unknown=ABSENT) == []
    assert codes(PYPI, unknown=ABSENT, known=both) == ["mirror-of-pypi"]
    assert codes(unknown=ABSENT, known=both) == ["mirror-of-pypi"]
    # A wrong URL of the only repository that could have them, or a small index of one's own.
    assert codes(unknown=ABSENT, known=(ABSENT, ABSENT)) == ["lacks-all"]
    assert codes(Repository("top", PYPI.locations, 1), unknown=ABSENT, known=(ABSENT, ABSENT)) == ["lacks-all"]
    assert codes(unknown=ABSENT, known=(ABSENT, SERVED)) == []
    assert codes(PYPI, unknown=ABSENT, known=(ABSENT, ABSENT)) == ["unproven"]
    narrow = Repository("corp", CORP.locations, 10, namespaces=(Pattern.parse("acme-*"),))
    assert codes(unknown=ABSENT, known=(ABSENT, ABSENT), corp=narrow) == []
    assert codes(PYPI, unknown=ABSENT, known=both, corp=narrow) == []
    assert codes(Repository("top", PYPI.locations, 1), unknown=ABSENT, known=both) == []
    assert codes(PYPI, unknown=SERVED, known=both) == ["every-name"]
    assert codes(PYPI, unknown=RepositoryResult[str](CORP, RepositoryState.SERVES)) == ["empty-pages"]
    assert codes(PYPI, unknown=silent("403; no login", Cause.LOGIN, 403), known=(SERVED, ABSENT)) == ["absent"]
    assert codes(PYPI, unknown=silent("403; no login", Cause.LOGIN, 403)) == ["login"]
    away = RepositoryResult[str](CORP, RepositoryState.ABSENT, "it redirects to pypi", Cause.REDIRECT)
    assert codes(PYPI, unknown=away) == ["forwards", "unproven"]
    assert codes(PYPI, unknown=silent("it redirects", Cause.REDIRECT)) == ["forwards"]
    assert codes(unknown=RepositoryResult[str](CORP, RepositoryState.UNAVAILABLE, "?")) == ["try-again"]


def test_upload_times_matter_if_files_must_wait() -> None:
    """Missing upload times are reported if min-age needs them, that of the repository or of a pin."""

    def codes(corp: Repository, *pins: Pin, times: bool | None = False) -> list[str]:
        trial = ProbeResult(corp, "https://corp.example/simple/", 0.1, ABSENT, (SERVED, ABSENT), has_upload_times=times)
        (found,) = report(Policy((corp,), pins), [trial])
        return [remark.code for remark in found.remarks]

    waiting = replace(CORP, min_age=timedelta(days=7))
    pin = Pin("acme", (Pattern("acme"),), min_age=timedelta(days=7))
    assert codes(waiting) == codes(CORP, pin) == ["no-upload-times"]
    assert codes(waiting, times=True) == codes(waiting, times=None) == codes(CORP) == []
    assert codes(replace(waiting, min_age_unknown=UnknownAge.ALLOW)) == []


def test_a_report_knows_who_is_silent() -> None:
    """A repository is silent if none of its URLs answers; one that was not asked is not silent."""
    quiet = ProbeResult(CORP, "https://corp.example/", 0.1, silent("503", Cause.SERVER))
    good = ProbeResult(CORP, "https://m.example/", 0.1, ABSENT)
    policy = Policy((CORP, PYPI))
    assert [one.is_silent for one in report(policy, [quiet])] == [True, False]
    assert [one.is_silent for one in report(policy, [quiet, good])] == [False, False]
    assert [remark.code for remark in report(policy, [quiet, good])[0].remarks] == ["try-again", "mirror-answers"]
    assert [remark.code for remark in report(policy, [good, quiet])[0].remarks] == ["unproven", "mirror-silent"]
