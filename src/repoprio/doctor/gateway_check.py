"""Checks whether the policy's gateway is the only index of the pips without the hook."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from repoprio import shell
from repoprio.config.pip.indexes import Named, NamedBy
from repoprio.doctor import fuse_check
from repoprio.doctor.pip_check import WITHOUT_HOOK, Beside, Examined
from repoprio.doctor.trial_repositories import Bench
from repoprio.policy.model import Policy
from repoprio.redaction import display_url
from repoprio.urls import is_fuse


def look(examined: Iterable[Examined], policy: Policy, settings: Sequence[Named], bench: Bench) -> Iterator[Examined]:
    """The pips; for each without the hook, which indexes it asks beside the gateway, as a run of it shows.

    `settings` are those of pip's own files and variables.
    """
    for pip in examined:
        if pip.state not in WITHOUT_HOOK or pip.facts.pip.python is None or pip.facts.pip.options:
            yield pip
            continue
        unguarded = fuse_check.run_unguarded(pip.facts.pip, bench)
        indexes = [url for url in unguarded.places if not policy.is_gateway(url)]
        is_asked = len(indexes) < len(unguarded.places)
        indexes += [index.url for index in settings if _is_of_others(index) and not policy.is_gateway(index.url)]
        # The default one is asked only until another is named.
        beside = [_beside(url, settings) for url in indexes if url != fuse_check.DEFAULT_INDEX]
        if unguarded.said:
            beside.append(Beside("gateway-not-known", unguarded.said, None, ""))
        elif not is_asked:
            url = policy.gateway or ""
            python = pip.facts.pip.python
            fix = shell.command(python, "-m", "pip", "config", "--global", "set", "global.index-url", url)
            beside.insert(0, Beside("gateway-not-asked", url, None, fix))
        yield replace(pip, beside=tuple(beside))


def _is_of_others(index: Named) -> bool:
    """Whether a setting is one of pip install or of other commands, which the one that is run does not read."""
    is_run = index.origin.by is not NamedBy.SETTING or index.origin.key.startswith(("global.", "download."))
    return index.overridden is None and not is_run and not is_fuse(index.url)


def _beside(url: str, settings: Iterable[Named]) -> Beside:
    """One index beside the gateway, with the setting that names it, and how to remove that."""
    shown = display_url(url)
    setting = next((index for index in settings if index.overridden is None and display_url(index.url) == shown), None)
    if setting is None:
        return Beside("second-index", shown, None, "")
    origin = setting.origin
    is_variable = origin.by is NamedBy.VARIABLE
    fix = shell.unsetting(origin.key) if is_variable else f"remove {origin.key} from {origin.file}"
    return Beside("second-index", shown, str(origin), fix)
