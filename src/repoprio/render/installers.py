"""Renders what ``repoprio doctor`` found about uv and other installers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from repoprio import shell

INDENT = "         "
# In uv's own order of precedence.
_UV_ORDER = "the command line, UV_*, the project's uv.toml or [tool.uv], the user's uv.toml, the system's"
_GAPS = 3
# The number of groups of uv's commands that have settings of their own.
_FAMILIES = 3


def lines(tool: Mapping[str, Any]) -> Iterator[str]:
    """The lines about one installer, from its JSON document."""
    return _uv(tool) if "undone_by" in tool else _installer(tool)


def _installer(tool: Mapping[str, Any]) -> Iterator[str]:
    if tool["obeys"] is None:
        yield f"  note   {tool['path']}    {tool.get('said') or 'does not obey the policy'}"
    else:
        yield f"  FAIL   {tool['path']}    {tool['said']}"


def _uv(tool: Mapping[str, Any]) -> Iterator[str]:
    name = f"{tool['path']} {tool['version']}"
    if tool["obeys"]:
        where = f" ({tool['file']})" if tool["file"] else ""
        yield f"  ok     {name}    its settings here match the policy's export{where}; took 1.0, not 99.0"
    elif tool["took"] != "1.0":
        outcome = f"took {tool['took']}" if tool["took"] else tool["said"]
        yield f"  FAIL   {name}    does not obey even the policy's export: {outcome}"
    elif tool["is_as_exported"] is None:
        yield f"  FAIL   {name}    does not say which settings it finds (uv pip install --show-settings)"
    elif tool["is_as_exported"]:
        yield f"  FAIL   {name}    has only half a login, so it takes a 404 for an absence"
    else:
        yield from _not_as_exported(tool, name)
    if tool["proxies"]:
        proxies = ", ".join(tool["proxies"])
        sends = f"uv and pip send requests for http: indexes through the proxy in {proxies}"
        yield f"{INDENT}note: {sends}, which can answer anything"
    if tool["lock"]:
        yield f"{INDENT}note: {tool['lock']} keeps the files it names, despite the policy: run uv lock --upgrade"
    yield from (_unset_login(login) for login in tool["unset_logins"])
    yield from _sources(tool["sources"])
    gaps = tool["gaps"]
    yield from (f"{INDENT}still open in uv: {gap['key']}: {gap['means']}" for gap in gaps[:_GAPS])
    if gaps[_GAPS:]:
        yield f"{INDENT}and {len(gaps) - _GAPS} more: repoprio export uv"


def _not_as_exported(tool: Mapping[str, Any], name: str) -> Iterator[str]:
    commands = "" if len(tool["open_in"]) == _FAMILIES else f" ({'; '.join(tool['open_in'])})"
    is_bare, here = tool["is_bare"], "its settings here differ from the policy's export"
    differs = "uv has no settings from this policy" if is_bare else here
    yield f"  FAIL   {name}    {differs}{commands}"
    # Without the export in a file, the system's file would get it: it undoes nothing, the last fix says what to do.
    undone_by = [source for source in tool["undone_by"] if tool["file"] or source != tool["system_file"]]
    for source in undone_by:
        yield f"{INDENT}undone by: {source} ({', '.join(tool['changes'][source])})"
    if undone_by:
        yield f"{INDENT}what uv reads first: {_UV_ORDER}"
        yield f"{INDENT}fix: {_undoing(undone_by, tool['changes'])}"
    if not tool["file"]:
        yield f"{INDENT}fix: {_exporting(tool['system_file'], exists=tool['system_file_exists'])}"
    if not tool["file"] and tool["gaps"]:
        yield f"{INDENT}it writes the file and exits with 1, since uv cannot express all of the policy"


def _exporting(file: str, *, exists: bool) -> str:
    """How the policy's export gets into `file`; export does not overwrite one, which may have other settings."""
    export = shell.repoprio("export uv", "-o", file)
    if not exists:
        return export
    check = shell.repoprio("export uv", "--check", file)
    return f"{check} says how it differs: correct it, or move it away and run: {export}"


def _undoing(sources: Iterable[str], changes: Mapping[str, Sequence[str]]) -> str:
    """What to do about variables and files that override the export."""
    remaining = list(sources)
    variables = [name for name in remaining if name.startswith("UV_")]
    keys = {at: " and ".join(f"`{key}`" for key in changes[at]) for at in remaining if not at.startswith("UV_")}
    unset = [shell.unsetting(*variables)] if variables else []
    return "; ".join([*unset, *(f"remove {named} from {at}" for at, named in keys.items())])


def _unset_login(login: Mapping[str, Any]) -> str:
    need, unset = f"{login['repository']} needs its login", " and ".join(login["variables"])
    if login["is_half"]:
        return f"{INDENT}fix: {need}: set {unset} too (__token__ for a token)"
    return f"{INDENT}note: {need}: set {unset}; uv stops there unless netrc or its own store has one"


def _sources(sources: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    by_file: dict[str, list[str]] = {}
    for source in sources:
        kind = f"index {source['index_name']}" if source["index_name"] else source["kind"]
        by_file.setdefault(source["file"], []).append(f"{source['project']} ({kind})")
    for file, names in by_file.items():
        yield f"{INDENT}note: uv takes these from the project's own sources, despite the policy: {', '.join(names)}"
        yield f"{INDENT}      [tool.uv.sources] in {file} names them; --no-sources ignores them"
