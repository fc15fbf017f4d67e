"""Why pip rejects a file: pip's own verdicts, in the same words for all versions of pip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pip._vendor.packaging.version import Version

from repoprio.explain.explanation import Rejected
from repoprio.lookup.cooldown import Held
from repoprio.lookup.reasons import Rejection
from repoprio.pip_adapter import compat
from repoprio.simple_api.filenames import is_wheel, wheel_tags
from repoprio.urls import filename

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.finder import LinkEvaluator
    from repoprio.pip_adapter.protocols.links import Hashes, InstallationCandidate, Link, SpecifierSet


# pip's LinkType, since 22.3; before, there is only a text, and none if Requires-Python does not fit.
_BY_TYPE = {
    "yanked": Rejection.YANKED,
    "format_unsupported": Rejection.FORMAT,
    "format_invalid": Rejection.FORMAT,
    "platform_mismatch": Rejection.TAG,
    "requires_python_mismatch": Rejection.REQUIRES_PYTHON,
}
_MOST = 200
_BY_TEXT = (
    ("none of the wheel's tags", Rejection.TAG),
    ("Python version is incorrect", Rejection.TAG),
    ("No binaries", Rejection.FORMAT),
    ("No sources", Rejection.FORMAT),
    ("unsupported", Rejection.FORMAT),
    ("not a file", Rejection.FORMAT),
    ("invalid", Rejection.FORMAT),
)


def link_rejection(evaluator: LinkEvaluator, link: Link, version: str | None) -> Rejected | None:
    """Why pip's link `evaluator` rejects `link`; None if it accepts it."""
    evaluation, text = evaluator.evaluate_link(link)
    if getattr(evaluation, "name", evaluation) in ("candidate", True):
        return None
    kind, is_for_here = _kind(evaluation, text), compat.is_for_platform(evaluator, filename(link.url))
    if kind is Rejection.TAG and is_for_here and not compat.is_for_python(evaluator, link):
        # pip checks the tag first; but the cause is that the project needs another Python.
        kind = Rejection.REQUIRES_PYTHON
    return Rejected(filename(link.url), version, _words(kind, link, text), kind, is_for_here)


def _kind(evaluation: object, text: str | None) -> Rejection:
    if text is None:
        return Rejection.REQUIRES_PYTHON
    by_text = next((kind for begin, kind in _BY_TEXT if text.startswith(begin)), Rejection.OTHER)
    return _BY_TYPE.get(getattr(evaluation, "name", ""), by_text)


def _words(kind: Rejection, link: Link, text: str | None) -> str:
    if kind is Rejection.REQUIRES_PYTHON:
        return f"needs Python {cut(str(link.requires_python))}"
    if kind is Rejection.TAG and is_wheel(file := filename(link.url)):
        return f"its tag {wheel_tags(file)} does not fit this Python or platform"
    return yanked(link) if kind is Rejection.YANKED else text or "pip cannot use it"


def may_have(hashes: Hashes | None, link: Link) -> bool:
    """Whether the file at `link` may have one of `hashes`; if its page states no hash, only the download shows it."""
    if not hashes:
        return True
    if not any(hashes._allowed.values()):
        return False
    return not link.has_hash or bool(link.is_hash_allowed(hashes))


def yanked(link: Link) -> str:
    """The text that a file was yanked, with the reason that its page states (PEP 592)."""
    return f"yanked: {cut(link.yanked_reason or 'no reason given')}"


def cut(text: str) -> str:
    """A text of a page, shortened."""
    return text if len(text) <= _MOST else f"{text[:_MOST]}..."


def specifier_rejection(link: Link, version: str, specifier: SpecifierSet | None) -> Rejected | None:
    """The rejection of a `version` that was not asked for; None if it was."""
    if specifier is None or specifier.contains(version, prereleases=True):
        return None
    return Rejected(filename(link.url), version, f"does not fit {specifier}", Rejection.SPECIFIER)


def age_rejection(link: Link, version: str | None, held: Held | None) -> Rejected | None:
    """The rejection of the file at `link` because it is too young; None if it is not (`held` is None)."""
    if held is None:
        return None
    kind = Rejection.NO_UPLOAD_TIME if held.upload_time is None else Rejection.TOO_YOUNG
    return Rejected(filename(link.url), version, held.reason, kind, held=held)


def candidate_rejection(
    candidate: InstallationCandidate, specifier: SpecifierSet | None, *, is_let_in: bool, has_hash: bool
) -> Rejected | None:
    """Why a candidate is not chosen; `is_let_in`: it fits the specifier and the rules for pre-releases."""
    if is_let_in and has_hash and not candidate.link.is_yanked:
        return None
    file, version = filename(candidate.link.url), str(candidate.version)
    if not is_let_in:
        pre = Rejected(file, version, "a pre-release", Rejection.PRE_RELEASE)
        return specifier_rejection(candidate.link, version, specifier) or pre
    if candidate.link.is_yanked:
        return Rejected(file, version, yanked(candidate.link), Rejection.YANKED)
    return Rejected(file, version, "has none of the required hashes", Rejection.HASH)


def newest_first(rejected: Rejected) -> tuple[bool, object]:
    """A sort key for descending order: by version, files without one last."""
    try:
        return True, Version(rejected.version or "")
    except ValueError:
        return False, rejected.file
