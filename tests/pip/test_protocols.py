"""The protocols for pip's parts, compared with real pips: unchecked types would prove nothing."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
from typing import Any

import pytest

from repoprio.pip_adapter.protocols import commands, finder, links, network, requirements, resolver
from support.fixtures import EnvFactory
from support.paths import ROOT

# Each protocol, and the class of pip that it describes; where a class moved, one of them is enough.
PARTS = {
    "Version": ["pip._vendor.packaging.version:Version"],
    "Specifier": ["pip._vendor.packaging.specifiers:Specifier"],
    "SpecifierSet": ["pip._vendor.packaging.specifiers:SpecifierSet"],
    "Requirement": ["pip._vendor.packaging.requirements:Requirement"],
    "Hashes": ["pip._internal.utils.hashes:Hashes"],
    "Link": ["pip._internal.models.link:Link"],
    "InstallationCandidate": ["pip._internal.models.candidate:InstallationCandidate"],
    "BestCandidateResult": ["pip._internal.index.package_finder:BestCandidateResult"],
    "SearchScope": ["pip._internal.models.search_scope:SearchScope"],
    "TargetPython": ["pip._internal.models.target_python:TargetPython"],
    "LinkEvaluator": ["pip._internal.index.package_finder:LinkEvaluator"],
    "CandidateEvaluator": ["pip._internal.index.package_finder:CandidateEvaluator"],
    "LinkCollector": ["pip._internal.index.collector:LinkCollector"],
    "PackageFinder": ["pip._internal.index.package_finder:PackageFinder"],
    "HttpHeaders": ["pip._vendor.requests.structures:CaseInsensitiveDict"],
    "HttpRequest": ["pip._vendor.requests:PreparedRequest"],
    "RawBody": ["pip._vendor.urllib3.response:HTTPResponse"],
    "HttpResponse": ["pip._vendor.requests:Response"],
    "SessionAuth": ["pip._internal.network.auth:MultiDomainBasicAuth"],
    "PipSession": ["pip._internal.network.session:PipSession"],
    "InstallRequirement": ["pip._internal.req.req_install:InstallRequirement"],
    "RequirementsFileParser": ["pip._internal.req.req_file:RequirementsFileParser"],
    "ParsedLine": ["pip._internal.req.req_file:ParsedLine"],
    "Distribution": ["pip._internal.metadata.base:BaseDistribution"],
    "UninstallPathSet": ["pip._internal.req.req_uninstall:UninstallPathSet"],
    "Constraint": ["pip._internal.resolution.resolvelib.base:Constraint"],
    "ResolverCandidate": ["pip._internal.resolution.resolvelib.base:Candidate"],
    "ResolverRequirement": ["pip._internal.resolution.resolvelib.base:Requirement"],
    "ResolutionImpossible": ["pip._vendor.resolvelib:ResolutionImpossible"],
    "Criterion": ["pip._vendor.resolvelib.resolvers.criterion:Criterion", "pip._vendor.resolvelib.resolvers:Criterion"],
    "Graph": ["pip._vendor.resolvelib.structs:DirectedGraph"],
    "ResolutionResult": ["pip._vendor.resolvelib.resolvers:Result"],
    "Factory": ["pip._internal.resolution.resolvelib.factory:Factory"],
    "Provider": ["pip._internal.resolution.resolvelib.provider:PipProvider"],
    "RequirementSet": ["pip._internal.req.req_set:RequirementSet"],
    "Resolver": ["pip._internal.resolution.resolvelib.resolver:Resolver"],
    "CollectedRootRequirements": ["pip._internal.resolution.resolvelib.factory:CollectedRootRequirements"],
    "LegacyResolver": ["pip._internal.resolution.legacy.resolver:Resolver"],
    "RequirementPreparer": ["pip._internal.operations.prepare:RequirementPreparer"],
    "Command": ["pip._internal.cli.base_command:Command"],
    "IndexCommand": ["pip._internal.commands.index:IndexCommand"],
    "InstallCommand": ["pip._internal.commands.install:InstallCommand"],
}
# Reads on stdin, for each protocol, its classes and its members with the names of their parameters, and writes what is
# missing. An attribute that only a constructor sets is found in its source.
ASK = r"""
import importlib, inspect, json, re, sys

def found(places):
    for place in places:
        module, name = place.split(":")
        try:
            return getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError):
            pass

def is_set(kind, name):
    return any(re.search(rf"\bself\.{name}\b[^=\n]*=", inspect.getsource(one)) for one in kind.__mro__[:-1]
               if one.__module__.startswith("pip."))

def has(kind, name):
    annotated = any(name in vars(one).get("__annotations__", {}) for one in kind.__mro__)
    return hasattr(kind, name) or annotated or is_set(kind, name)

def problems(kind, members):
    if kind is None:
        yield "its class"
        return
    for name, parameters in members.items():
        if not has(kind, name):
            yield name
        elif parameters and inspect.isfunction(getattr(kind, name, None)):
            known = inspect.signature(getattr(kind, name)).parameters
            if not any(one.kind is one.VAR_KEYWORD for one in known.values()):
                yield from (f"{name}({parameter})" for parameter in parameters if parameter not in known)

asked = json.load(sys.stdin)
missing = {name: list(problems(found(places), members)) for name, (places, members) in asked.items()}
json.dump({name: those for name, those in missing.items() if those}, sys.stdout)
"""


def parts() -> dict[str, Any]:
    """The protocols by their names."""
    modules = (commands, finder, links, network, requirements, resolver)
    kinds = (kind for module in modules for kind in vars(module).values() if inspect.isclass(kind))
    return {kind.__name__: kind for kind in kinds if kind.__module__.startswith("repoprio.")}


def members(kind: Any) -> dict[str, list[str]]:
    """The members of a protocol, methods with the names of their parameters except positional-only ones."""
    names = [name for name in vars(kind) if not name.startswith(("__", "_abc_", "_is_"))]
    special = [name for name in vars(kind) if name in ("__and__", "__delitem__", "__iter__", "__lt__")]
    found = dict.fromkeys([*names, *special, *vars(kind).get("__annotations__", {})], ())
    return {name: _parameters(getattr(kind, name, None)) for name in found}


def _parameters(member: Any) -> list[str]:
    if not inspect.isfunction(member):
        return []
    known = inspect.signature(member).parameters.values()
    return [one.name for one in known if one.kind is not one.POSITIONAL_ONLY and one.name != "self"]


def ask(env: Any, asked: dict[str, Any]) -> Any:
    """The members that a pip lacks."""
    command = [str(env.python), "-I", "-W", "ignore", "-c", ASK]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("pip", ["22.0.2", "24.0", "26.3"])
def test_every_pip_has_all_members(pip: str, pip_env: EnvFactory) -> None:
    """Each class of pip has the members of its protocol, and their methods take parameters of these names."""
    asked = {name: (PARTS[name], members(kind)) for name, kind in parts().items()}
    assert ask(pip_env(pip, stock=True), asked) == {}


def test_what_pip_lacks_is_seen(pip_env: EnvFactory) -> None:
    """The test above can fail: for a class, a member or a parameter that no pip has."""
    wanted = {"no": [], "url": [], "is_hash_allowed": ["hashes", "no"]}
    missing = {"A": ["its class"], "B": ["no", "is_hash_allowed(no)"]}
    assert ask(pip_env("26.3", stock=True), {"A": (["pip:No"], {}), "B": (PARTS["Link"], wanted)}) == missing


def test_no_protocol_is_unused() -> None:
    """Each protocol has its class in pip, and the adapter uses each member."""
    assert parts().keys() == PARTS.keys()
    files = (ROOT / "src/repoprio/pip_adapter").rglob("*.py")
    text = "\n".join(file.read_text("utf-8") for file in files if file.parent.name != "protocols")
    names = {name for kind in parts().values() for name in members(kind) if not name.startswith("__")}
    assert {name for name in names if not re.search(rf"\.{name}\b|\b{name}: ", text)} == set()
