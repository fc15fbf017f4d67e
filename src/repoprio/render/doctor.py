"""Renders the report of ``repoprio doctor`` as text, from its JSON document. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from repoprio.lookup.events import RepositoryState
from repoprio.policy.model import Mode
from repoprio.render import installers
from repoprio.render.installers import INDENT
from repoprio.wording import count_of, join_words

_NOTHING = "finds nothing"
# What the last line says about a gateway, by the code of its first finding.
_GATEWAY = {
    "gateway-down": "no usable answer",
    "no-gateway": "another server answers",
    "gateway-not-ready": "not ready",
    "gateway-policy": "not this policy's",
}


def lines(report: Mapping[str, Any]) -> Iterator[str]:
    """The report, line by line."""
    yield from _head(report)
    if path := report["pip_of_folder"]:
        yield f"  FAIL   python -m pip    in this folder it runs {path} instead of pip: no hook sees that"
        yield f"{INDENT}fix: rename that file, or run pip from another folder"
    yield from _environments(report)
    yield from (f"  FAIL   {folder}    no virtual environment there" for folder in report["without_environment"])
    for tool in report["other_installers"]:
        yield from installers.lines(tool)
    yield from _base(report["base"])
    yield from _gateway(report.get("gateway"))
    yield from _ownership(report.get("ownership"))
    yield from _fuse(report["fuse"], observes=report["policy"]["mode"] == Mode.OBSERVE.value)
    yield from (f"  never  {launch}    loads no hook: nothing guards it" for launch in report["unguarded_launches"])
    if stale := report["stale_wheels"]:
        verb = "was" if stale == 1 else "were"
        yield f"  note   {count_of(stale, 'wheel')} in pip's cache {verb} built before the policy (pip cache purge)"
    for repository in report["repositories"] or ():
        yield from _repository(repository)
    yield from ("", _sum(report))


def _head(report: Mapping[str, Any]) -> Iterator[str]:
    policy, user = report["policy"], report["user"]
    uid = "" if user["uid"] is None else f" (uid {user['uid']})"
    yield report["environment"]["line"]
    yield f"Run as {user['name']}{uid} in the folder {report['folder']}."
    yield "Each pip is run twice: --version (its hook answers), and download acme."
    yield "Two repositories on loopback have acme: the higher-priority one 1.0, the lower one 99.0."
    yield "Launchers run from that folder, python -m pip from an empty one."
    yield ""
    yield from _policy(policy)
    yield ""


def _policy(policy: Mapping[str, Any]) -> Iterator[str]:
    is_told, errors = policy["is_told_by_hook"], policy["errors"]
    state = (": it has errors, every lookup stops" if is_told else ": it has errors") if errors else ""
    yield f"Policy   {_files(policy)}{state}"
    if why := policy["why_not_known"]:
        what = "it" if policy["files"] or errors else "one"
        yield f"{INDENT}cannot tell whether the pip of this environment finds {what}: {why}"
    elif not policy["files"] and not errors:
        yield f"{INDENT}hint: repoprio init writes one"
    elif not is_told:
        yield f"{INDENT}no hook in this environment finds it"
    yield from (f"{INDENT}error: {error}" for error in errors)
    if policy["summary"]:
        yield f"{INDENT}{policy['summary']}"
    if policy["mode"] == Mode.OBSERVE.value:
        yield '  FAIL   mode = "observe": nothing is enforced, every pip chooses as usual'


def _files(policy: Mapping[str, Any]) -> str:
    """The files that have settings or errors; a file that cannot be read is only among the errors."""
    return ", ".join(dict.fromkeys([*policy["files"], *policy.get("faulty_files", ())])) or "none"


def _environments(report: Mapping[str, Any]) -> Iterator[str]:
    """A row for each pip; launchers with the same result that do not obey share one row."""
    rows: dict[object, tuple[str, list[str], list[str]]] = {}
    for number, pip in enumerate(report["environments"]):
        row = list(_environment(pip, report["policy"]))
        if row:
            word, *facts = row
            is_alone = pip["guarded"] or not pip["launcher"]
            key = (number if is_alone else None, *row)
            rows.setdefault(key, (word, [], facts))[1].append(_name(pip))
    for word, names, (verdict, *more) in rows.values():
        yield f"  {word:6} {', '.join(names)}{verdict}"
        yield from more


def _name(pip: Mapping[str, Any]) -> str:
    return str(pip["launcher"] or pip["python"])


def _environment(pip: Mapping[str, Any], policy: Mapping[str, Any]) -> Iterator[str]:
    """The first word of a pip's row, the text after its name, and the lines below; nothing if it gets no row."""
    word = {"guarded": "ok", "gateway": "ok", "no-pip": "-", "of-another-user": "skip"}.get(pip["state"], "FAIL")
    if pip["launcher"] and not pip["pip"] and word == "-":
        # A launcher of a version manager that starts nothing.
        return
    options = f" ({' '.join([pip['python'] or '?', *pip['options']])})" if pip["options"] else ""
    # If a pip does not state its version, its own words are shown below.
    version = f"    pip {pip['pip']}" if pip["pip"] not in (None, "?") else ""
    yield word
    yield f"{options}{version}    {_verdict(pip)}"
    its_policy = pip["policy"]
    if its_policy and its_policy["files"] != policy["files"]:
        yield f"{INDENT}policy: {_files(its_policy)}; {its_policy['mode'] or 'with errors'}"
    if its_policy and its_policy["errors"] != policy["errors"]:
        yield from (f"{INDENT}error: {error}" for error in its_policy["errors"])
    yield from (f"{INDENT}why: {_obstacle(obstacle, pip)}" for obstacle in pip["obstacles"])
    beside = pip.get("beside_gateway") or ()
    yield from _beside(beside)
    if pip["fix"] and pip["state"] != "gateway":
        is_trial = pip["state"] == "shadowed" or (pip["of_another"] and pip["of_another"]["user"])
        # A pip obeys with the hook, or with the gateway as its only index: one of the two is enough.
        word = "or" if any(finding["fix"] for finding in beside) else "fix"
        yield f"{INDENT}{'try it' if is_trial else word}: {pip['fix']}"
    yield from (f"{INDENT}then: {step}" for step in pip["then"])


def _beside(findings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Why a pip without the hook does not obey through the gateway."""
    for finding in findings:
        what, code = finding["what"], finding["code"]
        origin = f" ({finding['origin']})" if finding["origin"] else ""
        text = {
            "gateway-not-asked": f"it does not ask {what}",
            "second-index": f"it also asks {what}{origin}",
        }.get(code, f"not known which indexes it asks: {what}")
        yield f"{INDENT}gateway: {text} [{code}]"
        if finding["fix"]:
            yield f"{INDENT}fix: {finding['fix']}"


def _gateway(gateway: Mapping[str, Any] | None) -> Iterator[str]:
    if gateway is None:
        return
    findings = gateway["findings"]
    if findings is None:
        yield f"  gate   {gateway['url']}    not asked (--network)"
    elif not findings:
        same = "serves, with this policy" if gateway["knows_policy"] else "serves; its policy is not known"
        yield f"  ok     {gateway['url']}    {same}"
    for finding in findings or ():
        yield f"  FAIL   {gateway['url']}    {finding['text']} [{finding['code']}]"
        yield f"{INDENT}fix: {finding['fix']}"


def _ownership(memory: Mapping[str, Any] | None) -> Iterator[str]:
    if memory is None:
        return
    if finding := memory["finding"]:
        yield f"  FAIL   {memory['place']}    {finding['text']} [{finding['code']}]"
        yield f"{INDENT}fix: {finding['fix']}"
    elif memory["records"] is None:
        yield f"  memory {memory['place']}    not asked (--network)"
    else:
        yield f"  ok     {memory['place']}    remembers {count_of(memory['records'], 'owned name')}"


def _obstacle(obstacle: Mapping[str, Any], pip: Mapping[str, Any]) -> str:
    """The sentence about what keeps the hook from a pip."""
    if variable := obstacle["variable"]:
        files = obstacle["files"]
        also = f" and {len(files) - 1} more" if files[1:] else ""
        loads = f", from where Python loads {files[0]}{also}" if files else ""
        return f"{variable} has {obstacle['value']}{loads}; without it the pip obeys"
    options = " ".join(obstacle["options"])
    if obstacle["loads_nothing"]:
        return f"{obstacle['launcher']} runs Python with {options}: it loads no hook, and nothing can guard it this way"
    how = f" runs Python with {options}" if options else " keeps the hook from its Python"
    return f"{obstacle['launcher']}{how}; {pip['python']} -m pip obeys"


def _verdict(pip: Mapping[str, Any]) -> str:
    took = f"took {pip['took']}" if pip["took"] else pip["said"]
    texts = {
        "no-pip": "no pip",
        "no-hook": f"no hook answers; {took}",
        "disobeyed": f"the hook answers; {took}",
        "untold": f"{took}, but its repoprio is another version, which does not say which policy it finds",
        "no-policy": "the hook finds no policy",
        "faulty-policy": "the policy that the hook finds has errors: every lookup stops",
        "observed": "the policy that the hook finds only observes",
        "guarded": "took 1.0, not 99.0",
        "gateway": "no hook; the gateway is its only index",
        "unfit-python": f"no hook can guard it: {pip['unfit']}{f'; {took}' if pip['took'] else ''}",
        "too-old": f"too old for a hook (22.0.2 is the oldest){f'; {took}' if pip['took'] else ', which stops it'}",
        "broken-pip": f"its pip is broken: {pip['said']}",
        "shadowed": f"not tried: in this folder it may run {pip['shadowed_by']} instead of pip",
    }
    if other := pip["of_another"]:
        return f"{other['who']} can change {other['path']}, so root does not run it"
    return texts[pip["state"]]


def _base(base: Mapping[str, Any] | None) -> Iterator[str]:
    if base is None:
        return
    if base["in_place"]:
        yield f"  base   {base['python']} loads the hook: a pip created from it is guarded if it finds a policy there"
    elif base["in_place"] is None:
        yield f"  base   {base['python']}: not known: {base['said']}"
    else:
        yield f"  base   {base['python']} loads no hook: it guards nothing created from it (repoprio enable --base)"


def _fuse(fuse: Mapping[str, Any], *, observes: bool) -> Iterator[str]:
    unguarded = fuse["unguarded"]
    if not unguarded:
        # A pip that only observes asks its own index: with the fuse it would find nothing.
        how = "" if observes else " (repoprio enable --fuse)"
        has = "is there" if fuse["in_place"] else f"not in place{how}"
        yield f"  fuse   {fuse['file']}: {has}"
        return
    by_fact: dict[str, list[str]] = {}
    for pip in unguarded:
        by_fact.setdefault(_unguarded_fact(pip), []).append(pip["python"])
    for fact, pythons in by_fact.items():
        word = "fuse  " if fact == _NOTHING else "FAIL  "
        also = f" and {len(pythons) - 1} more" if len(pythons) > 1 else ""
        yield f"  {word} {fuse['file']}: the pip of {pythons[0]}{also}, run without its hook, {fact}"


def _unguarded_fact(pip: Mapping[str, Any]) -> str:
    if pip["finds_nothing"]:
        return _NOTHING
    places = [_place(place) for place in pip["asks"]]
    return f"asks {', '.join(places)}" if places else str(pip["said"])


def _place(place: Mapping[str, Any]) -> str:
    return f"{place['url']} ({place['origin']})" if place["origin"] else str(place["url"])


def _repository(repository: Mapping[str, Any]) -> Iterator[str]:
    silent, note = (
        repository["status"] == RepositoryState.UNAVAILABLE.value,
        repository["status"] == RepositoryState.SERVES.value,
    )
    word = "FAIL" if silent else "note" if note else "ok"
    yield f"  {word:6} {repository['name']} (priority {repository['priority']})    {repository['said']}"
    if silent:
        yield f"{INDENT}asked: {repository['asked'] or repository['url']}"
        yield f"{INDENT}rule: repositories.{repository['name']}.url ({repository['origin']})"
    for remark in repository["remarks"]:
        yield f"{INDENT}{'fix' if silent else 'note'}: {remark['text']} [{remark['code']}]"
        if remark["setting"]:
            yield f"{INDENT}set: {remark['setting']}"


def _sum(report: Mapping[str, Any]) -> str:
    states = [environment["state"] for environment in report["environments"]]
    guarded = states.count("guarded") + states.count("gateway")
    skipped = states.count("of-another-user") + states.count("shadowed")
    others = len(states) - guarded - skipped - states.count("no-pip")
    also = f", {skipped} not tried" if skipped else ""
    counts = [f"pips: {guarded} guarded, {others} not{also}", *_other_failures(report)]
    return f"{'; '.join(counts)}. {_asked(report['repositories'])}"


def _asked(repositories: Sequence[Mapping[str, Any]] | None) -> str:
    """The sentence about which names the repositories learned; None means that none was asked."""
    if repositories is None:
        return "No network was used."
    canaries = [
        f"{repository['name']} for its canary {repository['canary']}"
        for repository in repositories
        if repository["canary"]
    ]
    too = f", and {join_words(canaries)}" if canaries else ""
    return f"The repositories were asked for a name that nobody has{too}."


def _other_failures(report: Mapping[str, Any]) -> Iterator[str]:
    """The other reasons for exit status 1, apart from the pips, and from the mode, which the head states."""
    yield from (f"{tool['name']}: does not obey" for tool in report["other_installers"] if tool["obeys"] is False)
    if report["pip_of_folder"]:
        yield "python -m pip: runs another file here"
    if not all(pip["finds_nothing"] for pip in report["fuse"]["unguarded"]):
        yield "fuse: does not hold"
    if missing := len(report["without_environment"]):
        yield f"--venv: {missing} without an environment"
    silent = [
        repository
        for repository in report["repositories"] or ()
        if repository["status"] == RepositoryState.UNAVAILABLE.value
    ]
    if silent:
        yield f"repositories: {len(silent)} without a usable answer"
    for finding in ((report.get("gateway") or {}).get("findings") or ())[:1]:
        yield f"gateway: {_GATEWAY[finding['code']]}"
    if (report.get("ownership") or {}).get("finding"):
        yield "ownership memory: cannot be read"
