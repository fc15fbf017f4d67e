"""The patches of pip. Loaded only if there is, or may be, a policy.

Every internal function that repoprio relies on is listed with its known parameters: if one is different in this
pip, repoprio refuses to run instead of guessing.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pip

from repoprio.errors import UnknownPip
from repoprio.output import say
from repoprio.pip_adapter import command, policy_layers
from repoprio.pip_adapter.hooks import child_pips, failures, preload, redirect_loop, requirement_files, wrappers
from repoprio.pip_adapter.index import handed, login_hooks, session_hooks
from repoprio.pip_adapter.install import installing
from repoprio.pip_adapter.resolver import resolving
from repoprio.policy.model import Mode
from repoprio.render.messages.model import message

Wrapper = Callable[[Callable[..., Any]], Callable[..., Any]]
_COLLECTOR = "pip._internal.index.collector"
_BUILDERS = ("pip._internal.build_env", "pip._internal.build_env.installer")
_FINDER = "pip._internal.index.package_finder"
_BUILDS: list[tuple[str | None, str, str, Wrapper | None]] = [
    (None, "get_runnable_pip", "", child_pips.get_runnable_pip),
    (None, "_create_standalone_pip", "", child_pips.create_standalone_pip),
    (
        "InprocessBuildEnvironmentInstaller",
        "install",
        "self requirements prefix kind for_req",
        child_pips.install_in_process,
    ),
]
# The parameters between these differ between versions of pip.
_INSTALLS = "requirements ... root home prefix ... use_user_site ..."
# Functions whose module differs between versions of pip, or that some do not have.
_STARTERS = ("get_runnable_pip", "_create_standalone_pip")
_MOVED = frozenset({*_STARTERS, "InprocessBuildEnvironmentInstaller"})
# How pip reads a page: since 22.2, and before.
_PAGES: list[tuple[str | None, str, str, Wrapper | None]] = [
    ("IndexContent", "__init__", "self content content_type encoding url cache_link_parsing", None),
    (None, "parse_links", "page", None),
]
_OLD_PAGES: list[tuple[str | None, str, str, Wrapper | None]] = [
    ("HTMLPage", "__init__", "self content encoding url cache_link_parsing", None),
    (None, "parse_links", "page use_deprecated_html5lib", None),
]
# module: (class or None, function, its parameters, its wrapper or None if it is only relied on)
_PATCHES: dict[str, list[tuple[str | None, str, str, Wrapper | None]]] = {
    "pip._internal.cli.base_command": [("Command", "main", "self args", wrappers.main)],
    "pip._internal.cli.req_command": [
        ("RequirementCommand", "trace_basic_info", "finder", wrappers.trace_basic_info),
    ],
    "pip._internal.commands.install": [("InstallCommand", "run", "self options args", installing.run)],
    "pip._internal.commands.index": [
        (
            "IndexCommand",
            "get_available_package_versions",
            "self options args",
            failures.get_available_package_versions,
        ),
    ],
    _COLLECTOR: [
        ("LinkCollector", "create", "cls session options", wrappers.create),
        ("LinkCollector", "collect_sources", "self project_name candidates_from_page", wrappers.collect_sources),
    ],
    _FINDER: [
        ("PackageFinder", "find_all_candidates", "self project_name", wrappers.find_all_candidates),
        ("PackageFinder", "find_best_candidate", "self project_name specifier hashes", wrappers.find_best_candidate),
        ("PackageFinder", "find_requirement", "self req upgrade", wrappers.find_requirement),
        ("PackageFinder", "make_link_evaluator", "self project_name", None),
        ("PackageFinder", "evaluate_links", "self link_evaluator links", None),
        ("PackageFinder", "make_candidate_evaluator", "self project_name specifier hashes", None),
        ("CandidateEvaluator", "get_applicable_candidates", "self candidates", None),
        ("CandidateEvaluator", "compute_best_candidate", "self candidates", None),
        ("LinkEvaluator", "evaluate_link", "self link", None),
    ],
    "pip._internal.build_env": _BUILDS,
    "pip._internal.build_env.installer": _BUILDS,
    "pip._internal.req": [(None, "install_given_reqs", _INSTALLS, installing.install_given_reqs)],
    "pip._internal.req.req_file": [
        (None, "handle_option_line", "opts filename lineno finder", requirement_files.handle_option_line),
        (None, "expand_env_variables", "lines_enum", requirement_files.expand_env_variables),
        ("RequirementsFileParser", "_parse_file", "self filename constraint", requirement_files.parse_file),
    ],
    "pip._internal.utils.misc": [(None, "get_runnable_pip", "", child_pips.get_runnable_pip)],
    "pip._internal.network.auth": [
        ("MultiDomainBasicAuth", "_prompt_for_password", "self netloc", login_hooks.prompt_for_password),
        ("MultiDomainBasicAuth", "handle_401", "self resp", login_hooks.handle_401),
        ("MultiDomainBasicAuth", "_get_new_credentials", "self original_url", login_hooks.get_new_credentials),
        ("MultiDomainBasicAuth", "_get_url_and_credentials", "self original_url", login_hooks.get_url_and_credentials),
    ],
    "pip._internal.network.session": [
        ("PipSession", "request", "self method url", redirect_loop.request),
        ("PipSession", "request", "self method url", handed.request),
        ("PipSession", "rebuild_auth", "self prepared_request response", session_hooks.rebuild_auth),
        ("PipSession", "add_trusted_host", "self host source suppress_logging", session_hooks.add_trusted_host),
    ],
    "pip._internal.operations.prepare": [
        ("RequirementPreparer", "prepare_linked_requirement", "self req", wrappers.prepare_linked),
        ("RequirementPreparer", "prepare_editable_requirement", "self req", wrappers.prepare),
    ],
    "pip._internal.resolution.legacy.resolver": [
        ("Resolver", "_get_dist_for", "self req", wrappers.get_dist_for),
        ("Resolver", "resolve", "self root_reqs check_supported_wheels", resolving.resolve),
        ("Resolver", "get_installation_order", "self req_set", installing.get_installation_order),
    ],
    "pip._internal.resolution.resolvelib.factory": [
        ("Factory", "get_installation_error", "self e constraints", failures.get_installation_error),
        ("Factory", "collect_root_requirements", "self root_ireqs", wrappers.collect_root_requirements),
    ],
    "pip._internal.resolution.resolvelib.resolver": [
        (None, "RLResolver", "provider reporter", resolving.resolver_of_resolvelib),
        ("Resolver", "resolve", "self root_reqs check_supported_wheels", resolving.resolve),
        ("Resolver", "get_installation_order", "self req_set", installing.get_installation_order),
    ],
}


command.process().preload = preload.preload


def apply(module: ModuleType) -> None:
    """Patch a module of pip that just ran; if it is not as listed, stop, unless the policy only observes."""
    if command.process().unsupported_pip:
        return
    if module.__name__ in _BUILDERS and not hasattr(module, "__path__"):
        _check_starter(module)
    pages = _PAGES if hasattr(module, "IndexContent") else _OLD_PAGES
    known_here = [*_PATCHES[module.__name__], *(pages if module.__name__ == _COLLECTOR else [])]
    for owner_name, function, parameters, wrapper in known_here:
        owner = getattr(module, owner_name, None) if owner_name else module
        listed = owner if owner_name else getattr(module, function, None)
        if (owner_name or function) in _MOVED and getattr(listed, "__module__", None) != module.__name__:
            continue
        known = _function(owner, function)
        if known is None or not _takes(known, parameters):
            where = f"{module.__name__}.{owner_name or ''}.{function}".replace("..", ".")
            _refuse_pip(f"{where} is not as expected")
            return
        if wrapper:
            _replace(owner, function, wrapper)


def _check_starter(module: ModuleType) -> None:
    """Stop if it is unknown how this pip starts the pips for build requirements: they would not get the hook."""
    if not any(hasattr(module, starter) for starter in _STARTERS):
        _refuse_pip(f"{module.__name__} starts pip in an unexpected way")


def _function(owner: Any, name: str) -> Any:
    attribute = inspect.getattr_static(owner, name, None)
    return getattr(attribute, "__func__", attribute)


def _takes(function: Any, parameters: str) -> bool:
    """Whether the function's parameters begin with `parameters`, and all further ones have defaults.

    ``...`` stands for any parameters; the others must follow in this order. The wrapper passes all of them on.
    """
    try:
        actual = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return False
    expected = parameters.split()
    names = [parameter.name for parameter in actual]
    if "..." in expected:
        rest = iter(names)
        return names[:1] == expected[:1] and all(name in rest for name in expected if name != "...")
    return names[: len(expected)] == expected and all(
        parameter.default is not parameter.empty or parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        for parameter in actual[len(expected) :]
    )


def _replace(owner: Any, name: str, wrapper: Wrapper) -> None:
    attribute = inspect.getattr_static(owner, name)
    if isinstance(attribute, staticmethod | classmethod):
        setattr(owner, name, type(attribute)(wrapper(attribute.__func__)))
    else:
        setattr(owner, name, wrapper(attribute))


def _refuse_pip(reason: str) -> None:
    """Stop pip: without repoprio it would take any name from any index.

    If the policy only observes, pip goes on without repoprio; but a command of repoprio stops in any case.
    """
    process = command.process()
    process.unsupported_pip = not process.is_own_command and _only_observes()
    notes = ["Nothing is observed: pip continues as if repoprio were not installed."] if process.unsupported_pip else []
    hints = [*notes, "hint: use pip 22.0.2 to 26.3, or a newer repoprio"]
    # Imported only if pip stops.
    from repoprio.environments import repairs

    if repairs.is_too_old(pip.__version__):
        # This pip is stopped, so it cannot upgrade itself.
        hints = [*notes, f"hint: upgrade it from outside: {repairs.repair_here(repairs.UPGRADE)}"]
    text = message(f"this repoprio does not support pip {pip.__version__}: {reason}.", hints, "unknown-pip")
    if not notes:
        raise UnknownPip(text.body)
    say(f"WARNING: {text}")


def _only_observes() -> bool:
    """Whether the policy only observes; read without `compat`, since pip is not completely imported yet."""
    from repoprio.config.build import Parsers
    from repoprio.config.load import load_policy

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        from pip._vendor import tomli as tomllib
    layers = policy_layers.layers(isolated="--isolated" in sys.argv)
    loaded = load_policy(os.environ, layers, Parsers(tomllib.loads, lambda _: True))
    return not loaded.errors and loaded.policy is not None and loaded.policy.mode is Mode.OBSERVE
