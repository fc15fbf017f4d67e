"""Whether the other installers on PATH obey the policy: uv is tried, the others are only named."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from repoprio.cli import policy_in_force, uv_export
from repoprio.config.loaded import LoadedPolicy
from repoprio.doctor import running, sources, uv_check
from repoprio.doctor.trial_repositories import Bench
from repoprio.environments import owners
from repoprio.export import CannotExport, Exported, uv
from repoprio.export.common import of_clients
from repoprio.policy.model import Policy

# These know nothing about the policy.
_OTHERS = ("poetry", "pdm", "pipenv", "conda", "mamba", "micromamba")
# Those of them that a project's own file configures.
_OF_PROJECTS = ("poetry", "pdm", "pipenv")


def look(loaded: LoadedPolicy, tried: Bench) -> Iterator[dict[str, Any]]:
    """The installers on PATH, each as a JSON document; uv with the results of its trial."""
    if path := running.which("uv"):
        yield _uv(path, loaded.policy, tried)
    yield from _others(loaded.policy)


def _uv(path: str, policy: Policy | None, tried: Bench) -> dict[str, Any]:
    """The uv at `path`; it is not tried without a policy that can be exported to it."""
    known = {"name": "uv", "path": path, "user_can_run": True, "obeys": None}
    if stranger := owners.stranger_of_file(path):
        return {**known, "said": f"{stranger.who} can change {stranger.path}, so root does not run it"}
    if policy is None:
        return known
    for_uv = of_clients(policy)
    try:
        exported = uv_export.export(for_uv, project=False)
    except CannotExport as error:
        return {**known, "obeys": False, "said": f"the policy cannot be exported: {error}"}
    return known | _results(path, for_uv, exported, tried)


def _results(path: str, policy: Policy, exported: Exported, tried: Bench) -> dict[str, Any]:
    """What uv does here and with the policy as `exported`."""
    looked = uv_check.look(path, uv.text(exported, project=False), tried)
    logins = uv_check.unset_logins(uv.login_variables(policy), os.environ)
    project, system_file = uv_check.folder(os.environ), uv_check.system_file()
    return {
        **looked._asdict(),
        "trial": None,
        "changes": dict(looked.changes),
        "system_file": system_file,
        "system_file_exists": os.path.lexists(system_file),
        "took": looked.trial.took,
        "said": looked.trial.said,
        "lock": sources.lock(project),
        "proxies": _proxies(exported.document["index"]),
        "unset_logins": [login._asdict() for login in logins],
        "obeys": looked.obeys and not any(login.is_half for login in logins),
        "gaps": [gap._asdict() for gap in exported.gaps],
        "sources": [source._asdict() for source in sources.look(project, policy_in_force.TOOLS.parse_toml, os.environ)],
    }


def _proxies(indexes: Iterable[Mapping[str, Any]]) -> list[str]:
    """The variables with a proxy for http: indexes, which have no proof of who answers."""
    is_open = any(index["url"].startswith("http:") for index in indexes)
    return sorted(name for name in os.environ if is_open and name.lower() in ("http_proxy", "all_proxy"))


def _others(policy: Policy | None) -> Iterator[dict[str, Any]]:
    for name in _OTHERS:
        if path := running.which(name):
            is_served = policy is not None and policy.gateway and name in _OF_PROJECTS
            remark = f"obeys where the gateway is a project's only source (repoprio export {name})" if is_served else ""
            yield {"name": name, "path": path, "obeys": None, **({"said": remark} if remark else {})}
