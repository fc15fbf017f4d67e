"""Remedies for refusals: a stable code and a text, from an explanation. Pure."""

from __future__ import annotations

from typing import NamedTuple

from repoprio import shell
from repoprio.explain.explanation import Explanation, Line
from repoprio.lookup.project import Code
from repoprio.lookup.reasons import Cause, Rejection
from repoprio.policy.model import CALLERS_PRIORITY, Repository, by_maintainer, policy_of
from repoprio.wording import join_words


class Remedy(NamedTuple):
    """What to do: a stable code, and the text."""

    code: str
    text: str


def refusal_remedy(e: Explanation) -> Remedy | None:
    """What the user, or the policy's administrator, can do; None if nothing was refused, or nothing helps."""
    if e.silenced and e.code in _BY_NO_INDEX:
        return _without_index(e)
    find = _BY_CODE.get(e.code)
    return find(e) if find else None


def _without_index(e: Explanation) -> Remedy:
    keys = [
        (line.repository.name, line.rule.file) for line in e.withheld if line.rule and not line.repository.is_addition
    ]
    if not keys:
        return Remedy("drop-no-index", "drop --no-index, if you can")
    name, file = keys[0]
    words = f"drop --no-index; or, if the files of {name} were gathered under this policy, "
    return Remedy("offline", words + by_maintainer(e.maintainer, f"set repositories.{name}.offline = true in {file}"))


def _no_match(e: Explanation) -> Remedy:
    owners = join_words([owner.name for owner in e.owners], "or")
    if e.rejected and all(rejected.kind is Rejection.LINK for rejected in e.rejected):
        return Remedy(
            "links", f"its page lists files, of which none can be taken: fix their links or names in {owners}"
        )
    if all(line.versions == () for line in e.lines if line.repository in e.owners):
        look = shell.repoprio("repos", "--check", e.owners[0].name, python=e.python)
        return Remedy(
            "page-without-files",
            f"publish {e.project} to {owners}: a page owns the name even if it lists no file. If the server "
            f'answers every name like this ({look}), set absent = [404, "empty-page"]',
        )
    here = [rejected for rejected in e.telling if rejected.is_for_here]
    kinds = {rejected.kind for rejected in here or e.telling}
    if e.narrowed and Rejection.PIN in kinds:
        change = by_maintainer(e.maintainer, "change it")
        return Remedy("pin-versions", f"a pin excludes versions: {change}, or ask for another version")
    if Rejection.KEPT in kinds:
        words = f"to replace the {e.project} that is installed, ask for {e.project} by name (add it to the command)"
        return Remedy("ask-by-name", words)
    if Rejection.HASH in kinds:
        return Remedy("hash", "find out which is wrong, the files or the hashes; then lock again")
    remedy = _BY_KIND.get(next(iter(kinds))) if len(kinds) == 1 else None
    return remedy or Remedy("other-version", f"ask for a version that {owners} has, or publish one that fits there")


def _too_young(e: Explanation) -> Remedy:
    held = [rejected.held for rejected in e.rejected if rejected.held]
    times = [time for item in held if (time := item.available_text)]
    pin = f'set min-age = "0 days" in a pin for {e.project}'
    if times:
        now = by_maintainer(e.maintainer, pin)
        return Remedy("wait", f"wait until {min(times)}, or ask for an older version; if it cannot wait, {now}")
    names = join_words(list(dict.fromkeys(item.wait.repository.name for item in held)), "or")
    if all(item.upload_time for item in held):
        # Not `min-age-unknown`: the upload time is stated.
        report = f"it never becomes old enough: report its upload time to the operator of {names}"
        return Remedy("upload-time", f"{report}; until then, {by_maintainer(e.maintainer, pin)}")
    allow = by_maintainer(e.maintainer, f'set min-age-unknown = "allow" for {names}, or {pin}')
    return Remedy("no-upload-time", f"its upload time is not known: {allow}")


_BY_KIND = {
    Rejection.YANKED: Remedy("yanked", "a yanked version is taken only if it is pinned: name==version"),
    Rejection.PRE_RELEASE: Remedy("pre-release", "--pre allows pre-releases"),
    Rejection.TAG: Remedy(
        "tag", "its wheels are for other Pythons or platforms: publish one for this platform, or an sdist"
    ),
    Rejection.FORMAT: Remedy("format", "--only-binary or --no-binary excludes its files, or pip cannot use them"),
    Rejection.REQUIRES_PYTHON: Remedy("requires-python", "use a Python that it supports, or ask for an older version"),
}


def _absent(e: Explanation) -> Remedy:
    add = by_maintainer(e.maintainer, f"add the repository that has it to {policy_of(e.gateway)}")
    return Remedy("publish", f"check the spelling; or publish it, or {add}")


def _owned_absent(e: Explanation) -> Remedy:
    owner = join_words([owner.name for owner in e.owners], "or")
    words = f"check the spelling; not yet published? Publish it to {owner} first"
    if not any(repository.canary for repository in e.owners):
        look = shell.repoprio("repos", "--check", python=e.python)
        words += f". A wrong URL or a missing login can look the same: {look}"
    return Remedy("publish-to-owner", words)


def _unavailable(e: Explanation) -> Remedy | None:
    # A name that is routed to a repository can come from nowhere else.
    is_routed = any(rule.pin or rule.setting in ("owns", "namespaces") for rule in e.rules)
    return unavailable_remedy(e.faulty[0], is_routed=is_routed, is_lowest=_is_lowest(e)) if e.faulty else None


def _is_lowest(e: Explanation) -> bool:
    """Whether no enabled repository has a lower priority than the first unavailable one."""
    priority = e.faulty[0].repository.priority
    return not any(line.repository.priority > priority for line in e.lines if line.repository.enabled)


def unavailable_remedy(line: Line, *, is_routed: bool = False, is_lowest: bool = False) -> Remedy:
    """What to do about one repository that gave no usable answer.

    `is_routed`: for a name that is routed to it; `is_lowest`: no repository has a lower priority.
    """
    name = line.repository.name
    cause = line.code if isinstance(line.code, Cause) else Cause.SERVER
    if cause is Cause.REDIRECT:
        return Remedy(
            "redirects",
            f'repositories.{name}.redirects can set that site to "follow" (its pages count as those of {name}) '
            'or "absent" (lower-priority repositories may then supply each name that is redirected there)',
        )
    if line.explained_at and line.http_status in _GATEWAY_REFUSALS:
        code, text = _GATEWAY_REFUSALS[line.http_status]
        return Remedy(code, text.format(where=line.explained_at))
    if cause is Cause.STATUS and line.http_status in (404, 410):
        return Remedy("absent", _as_absent(line.repository, line.http_status, is_last=is_lowest or is_routed))
    if cause is Cause.EMPTY_ROOT:
        may = f'repositories.{name}.absent = [404, "empty-root"] says that it may be empty'
        then = "" if is_lowest else " (lower-priority repositories then have all names)"
        return Remedy("empty-root", f"is a disk not mounted? Mount it, or fill the folder; {may}{then}")
    if cause is Cause.MISSING and line.repository.priority == CALLERS_PRIORITY:
        return Remedy("missing-place", "create it, or remove it from pip's settings and options: no policy names it")
    if cause in _BY_CAUSE:
        return _BY_CAUSE[cause]
    if is_routed or line.repository.namespaces:
        return Remedy("try-again", "try again once it answers")
    limit = f"namespaces for {name} would limit this to its own names"
    return Remedy("try-again", f"try again once it answers; {limit}")


def connection_remedy(cause: Cause | None) -> Remedy | None:
    """What to do if pip gets no connection to a server because of its own settings; None for another cause."""
    return _BY_CAUSE[cause] if cause in (Cause.TLS, Cause.PROXY, Cause.INSECURE) else None


def _as_absent(repository: Repository, status: int, *, is_last: bool) -> str:
    """The whole value of `absent` that makes `status` an absence, as it replaces the present one; and its effect."""
    answers = [*map(str, sorted({*repository.absent, status}))]
    answers += ['"empty-page"'] * repository.empty_page_is_absent + ['"empty-root"'] * repository.empty_root_is_absent
    then = "" if is_last or repository.namespaces else " (lower-priority repositories may then supply such a name)"
    key = f"repositories.{repository.name}.absent = [{', '.join(answers)}]"
    return f"does it answer {status} for every name that it does not have? Then set {key}{then}"


# The gateway decides under its own policy: no key of this one changes that.
_GATEWAY_REFUSALS = {
    410: ("gateway-refused", "the gateway refused this name: {where} says why, and what to do"),
    503: (
        "gateway-unavailable",
        "try again; {where} says which repository gives the gateway no usable answer",
    ),
}
_TELL = Remedy("tell-its-keeper", "report this to its operator: it is not a valid page of the simple repository API")
_BY_CAUSE = {
    Cause.REDIRECT_INTO: Remedy(
        "redirects-into",
        "report this to its operator: it should answer 404 for what it does not have, or redirect to the page "
        "of a repository that is asked for the name",
    ),
    Cause.LOGIN: Remedy("login", "check the login: a token may be missing or have expired"),
    Cause.PROXY: Remedy("proxy", "check the proxy (--proxy, HTTPS_PROXY, NO_PROXY) and its login"),
    Cause.CANARY: Remedy("canary", "a login may be missing, or the url or the canary in the policy is wrong"),
    Cause.MISSING: Remedy("missing-place", "create it, or disable it in the policy (enabled = false)"),
    Cause.UNSET: Remedy("set-variable", "set the variable, or ask the maintainer of the policy for its value"),
    Cause.INSECURE: Remedy("insecure", "use https, or tell pip to trust that host (--trusted-host)"),
    Cause.TLS: Remedy("trust", "renew its certificate, or tell pip which authority to trust (--cert, PIP_CERT)"),
    Cause.TIME: Remedy("time", "try again; page-timeout in the policy, and pip's --timeout, are the limits"),
    Cause.BUSY: Remedy("busy", "try again; the gateway reads few pages of more than 1 MiB at the same time"),
    Cause.SIZE: Remedy("size", "page-size-limit in the policy limits the size of a page"),
    Cause.NOT_A_PAGE: Remedy("not-a-page", "something else answers there: check the url in the policy, and the login"),
    Cause.BROKEN: _TELL,
    Cause.API_VERSION: _TELL,
    Cause.OTHER_PROJECT: _TELL,
    Cause.SPELLING: Remedy("spelling", "rename the folder to the normalized name of the project (PEP 503)"),
}


def _ambiguous(e: Explanation) -> Remedy:
    return Remedy(
        "ambiguous-pins", by_maintainer(e.maintainer, "make one pattern more specific, or drop one of the two")
    )


def _ruled_out(e: Explanation) -> Remedy:
    return Remedy(
        "owner-ruled-out", by_maintainer(e.maintainer, "enable it for this name, or route the name elsewhere")
    )


def _remembered(e: Explanation) -> Remedy:
    # Without --store it would be the one of the user who types it.
    release = shell.repoprio("ownership", "release", e.project, *(["--store", e.store] if e.store else []))
    # With the key `ownership` the records are the gateway's: the command would change none on this machine.
    is_elsewhere = e.store or any(rule.setting == "ownership" for rule in e.rules)
    where = ", where the gateway runs" if is_elsewhere else ""
    login = " (add the login of the store, if it has one)" if "://" in e.store else ""
    return Remedy("release", f"publish it there again; or, if others may have the name now{where}: {release}{login}")


def _memory(e: Explanation) -> Remedy:
    return Remedy(
        "ownership-memory", by_maintainer(e.maintainer, "make it readable again, or correct ownership in the policy")
    )


_BY_NO_INDEX = (Code.ABSENT, Code.OWNER_RULED_OUT)
_BY_CODE = {
    Code.NO_MATCH: _no_match,
    Code.TOO_YOUNG: _too_young,
    Code.ABSENT: _absent,
    Code.OWNED_ABSENT: _owned_absent,
    Code.UNAVAILABLE: _unavailable,
    Code.AMBIGUOUS: _ambiguous,
    Code.OWNER_RULED_OUT: _ruled_out,
    Code.REMEMBERED: _remembered,
    Code.OWNERSHIP_MEMORY: _memory,
}
