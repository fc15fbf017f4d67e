"""The JSON document of one pip, as doctor found it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from repoprio.doctor.pip_check import Examined, State


def document(examined: Examined, remedy: Sequence[str]) -> dict[str, Any]:
    """One pip as JSON; `remedy` are the commands that would make it obey, in order."""
    pip, facts, stranger = examined.facts.pip, examined.facts, examined.facts.stranger
    return {
        "python": pip.python,
        "launcher": pip.launcher,
        "options": list(pip.options),
        "launchers": list(examined.launchers),
        "python_version": facts.python_version or None,
        "pip": facts.version,
        "state": examined.state.value,
        "guarded": examined.state is State.GUARDED,
        "took": examined.trial.took,
        "said": _last_words(examined),
        "unfit": examined.unfit or None,
        "policy": examined.policy,
        "hook": {"repoprio": examined.hook["repoprio"], "root": examined.hook["root"]} if examined.hook else None,
        "of_another": stranger._asdict() if stranger else None,
        "shadowed_by": facts.shadow,
        "beside_gateway": None if examined.beside is None else [finding._asdict() for finding in examined.beside],
        "obstacles": [obstacle._asdict() for obstacle in examined.obstacles],
        "ran": [list(command) for command in examined.ran],
        "fix": remedy[0] if remedy else None,
        "then": list(remedy[1:]),
    }


def why_not_known(pip: Examined) -> str | None:
    """Why it is unknown whether a pip finds a policy; None if its hook reported that, or if there is no hook."""
    facts = pip.facts
    if facts.stranger:
        return f"it was not tried: {facts.stranger.who} can change {facts.stranger.path}, so root does not run it"
    if facts.shadow:
        return f"it was not tried: {facts.shadow} would run instead"
    return {
        State.NO_PIP: "this environment has no pip",
        State.BROKEN: None if pip.hook or not pip.is_hooked else f"it does not run ({_last_words(pip)})",
        State.UNFIT: None if pip.trial.took else f"it does not run ({_last_words(pip)})",
        State.UNTOLD: "its repoprio is another version, which does not say",
    }.get(pip.state)


def _last_words(pip: Examined) -> str:
    return pip.facts.said if pip.facts.is_broken else pip.trial.said or pip.facts.said
