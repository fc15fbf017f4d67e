"""Loads the policy in force: reads its files, merges them and collects all errors."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from repoprio.config import file_text, policy_files, records
from repoprio.config.build import Parsers, read
from repoprio.config.errors import LOOK_AGAIN, PolicyProblem, look_again_at
from repoprio.config.layer_reader import LayerReader
from repoprio.config.loaded import LoadedPolicy, Source
from repoprio.config.merge import LayerSettings, merge
from repoprio.config.policy_files import VARIABLE, LayerFiles
from repoprio.config.settings import CARRIED_LIMIT, Merged, Setting
from repoprio.config.values import is_pips
from repoprio.policy.model import Mode, Policy
from repoprio.redaction import redact_text


def _empty() -> PolicyProblem:
    return PolicyProblem(
        VARIABLE,
        "",
        "is empty, perhaps because another variable is not defined; this does not switch the policy off",
        f"{_unsetting()}, or name a file ({os.devnull} means no policy)",
    )


def _unsetting(variable: str = VARIABLE) -> str:
    # Imported only where something is wrong.
    from repoprio import shell

    return shell.unsetting(variable)


def no_policy(environ: Mapping[str, str], files_of_layers: Sequence[LayerFiles], system: str) -> str:
    """The message for "there is no policy"; `system` is the folder of the system's files."""
    lines = ["there is no policy: pip takes the newest version from anywhere."]
    if environ.get(VARIABLE) == os.devnull:
        lines += [f"  {VARIABLE} is {os.devnull}, which switches it off.", f"  hint: {_unsetting()}    [no-policy]"]
        return "\n".join(lines)
    looked = dict.fromkeys(
        file for layer in files_of_layers for file in layer.files if layer.name != policy_files.SYSTEM
    )
    pieces = os.path.join(system, policy_files.PIECES, "*.toml")
    # Imported only where something is wrong, as in `errors`.
    from repoprio import shell

    lines += [
        f"  searched: {VARIABLE}; {os.path.join(system, policy_files.FILE_NAME)}; {pieces};",
        f"  [repoprio] in {', '.join(looked) or 'no file, since PIP_CONFIG_FILE is the null device'}",
        f"  hint: write one with repoprio init, then: {shell.setting(VARIABLE, 'FILE')}    [no-policy]",
    ]
    return "\n".join(lines)


def load_policy(environ: Mapping[str, str], layers: Sequence[LayerFiles], tools: Parsers) -> LoadedPolicy:
    """The policy of this process: its parent's, else the file that ``REPOPRIO_CONFIG`` names, else the layers."""
    if carried := environ.get(policy_files.INHERITED):
        inherited = _inherited(carried, environ, tools)
        if inherited is not None:
            return inherited
    reader = LayerReader(tools)
    settings = [reader.layer(layer) for layer in layers]
    record = records.current()
    if VARIABLE in environ:
        result = _named(environ[VARIABLE], settings, reader, environ, tools)
    elif kept := record.of(VARIABLE):
        result = _with_recorded_file(kept, settings, reader, environ, tools)
    else:
        result = _with_lost_files(_from_settings(settings, reader, environ, tools), reader.lost)
    return _required(result, settings, record, environ)


def _with_recorded_file(
    kept: str, settings: Sequence[LayerSettings], reader: LayerReader, environ: Mapping[str, str], tools: Parsers
) -> LoadedPolicy:
    """The policy of the file that is recorded for this environment, as if ``REPOPRIO_CONFIG`` named it."""
    if os.path.exists(kept):
        return _named(kept, settings, reader, environ, tools, is_recorded=True)
    reader.lose(kept)
    return _with_lost_files(_from_settings(settings, reader, environ, tools), reader.lost)


def _with_lost_files(result: LoadedPolicy, lost: Sequence[PolicyProblem]) -> LoadedPolicy:
    """`result` with an error for each recorded file that is gone, unless the policy only observes."""
    if not lost:
        return result
    if result.policy is not None and result.policy.mode is Mode.OBSERVE:
        return result._replace(lost=tuple(lost))
    return result._replace(errors=(*lost, *result.errors), policy=None)


def _required(
    result: LoadedPolicy, settings: Sequence[LayerSettings], record: records.Record, environ: Mapping[str, str]
) -> LoadedPolicy:
    """`result` with an error if there is no policy but one is required."""
    if result.policy is not None or result.errors:
        return result
    # Any value counts: only "required" is valid, so a misspelled one was meant to be that.
    by = [
        s.file
        for layer in settings
        if layer.name == policy_files.SYSTEM
        for s in layer.settings
        if s.path == ("policy",)
    ]
    is_off = environ.get(VARIABLE) == os.devnull
    problem = f"a policy is required, but {f'{VARIABLE} is {os.devnull}' if is_off else 'there is none'}"
    if by:
        return result._replace(errors=(PolicyProblem(by[0], "policy", problem, _unsetting()),))
    if record.is_required:
        from repoprio import shell

        back = f"(to require none: {records.disabling(record)})"
        hint = (
            _unsetting() if is_off else f"restore the policy file, or name another: {shell.setting(VARIABLE, 'FILE')}"
        )
        return result._replace(errors=(PolicyProblem(record.holder, "", problem, f"{hint} {back}"),))
    return result


def read_file(file: str, environ: Mapping[str, str], tools: Parsers) -> LoadedPolicy:
    """The policy of one file alone, TOML or (by its ending) one of pip's."""
    layer = policy_files.PIP_FILE if is_pips(file) else policy_files.FILE
    return _with_file_named(_alone(LayerFiles(layer, (file,)), environ, tools), file)


def read_named(file: str, option: str, tools: Parsers) -> LoadedPolicy:
    """The policy of the TOML file that `option` of the command line names for another environment."""
    return _with_file_named(_alone(LayerFiles(VARIABLE, (file,), option=option), {}, tools), file)


def _with_file_named(loaded: LoadedPolicy, file: str) -> LoadedPolicy:
    """`loaded` of a file that the command line named: its remedies name the file again."""
    if not loaded.errors:
        return loaded
    look = look_again_at(file)
    errors = tuple(error._replace(remedy=look) if error.remedy == LOOK_AGAIN else error for error in loaded.errors)
    return loaded._replace(errors=errors, look=look)


def read_text(text: str, file: str, environ: Mapping[str, str], tools: Parsers) -> Policy:
    """The policy that `text` states, read as the content of `file`; raises `InvalidPolicy`."""
    reader = LayerReader(tools)
    settings = LayerSettings(VARIABLE, reader.toml(VARIABLE, file, text))
    policy = _from_settings([settings], reader, environ, tools).sound()
    assert policy is not None, "a file that is there is a policy or an error"
    return policy


def _from_settings(
    settings: Sequence[LayerSettings], reader: LayerReader, environ: Mapping[str, str], tools: Parsers
) -> LoadedPolicy:
    merged, errors = merge(settings)
    if not reader.sources and not reader.errors:
        return LoadedPolicy((), merged, (), None)
    before = (*reader.errors, *errors, *_too_long(merged))
    loaded = _read(tuple(reader.sources), merged, before, environ, tools)
    if reader.broken:
        # The content of the broken file is unknown, so a key that seems missing may be there.
        known = merged.origins()
        return loaded._replace(errors=tuple(f for f in loaded.errors if f in before or f.key in known))
    if not merged.settings and not reader.errors:
        return loaded._replace(errors=tuple(f._replace(file=reader.sources[0].file) for f in loaded.errors))
    return loaded


def _too_long(merged: Merged) -> list[PolicyProblem]:
    """An error if the policy is too long to be passed to child processes."""
    if sum(len(str(setting.value)) for setting in merged.settings.values()) < CARRIED_LIMIT // 2:
        return []
    from repoprio.config import handoff

    try:
        handoff.pack(merged)
    except TypeError:
        # A value that JSON cannot express is reported as another error.
        return []
    except handoff.TooLong as error:
        return [PolicyProblem("the policy", "", str(error), "use fewer patterns")]
    return []


def _named(
    named: str,
    settings: Sequence[LayerSettings],
    reader: LayerReader,
    environ: Mapping[str, str],
    tools: Parsers,
    *,
    is_recorded: bool = False,
) -> LoadedPolicy:
    """The policy of the file that ``REPOPRIO_CONFIG`` names, unless a layer is locked, or may be."""
    if not named:
        return LoadedPolicy((), Merged(), (_empty(),), None)
    locks = [lock for layer in settings if (lock := layer.lock())]
    other = f"{named} is recorded for this environment" if is_recorded else f"{VARIABLE} names {named}"
    hint = records.repair(records.current()) if is_recorded else _unsetting()
    errors = [error for error in reader.errors if error.file in reader.broken]
    errors += [PolicyProblem(lock.file, "locked", f"allows no other policy file, but {other}", hint) for lock in locks]
    if errors:
        help_text = _help(setting for layer_settings in settings for setting in layer_settings.settings)
        return LoadedPolicy(tuple(reader.sources), Merged(), tuple(errors), None, help=help_text)
    if named == os.devnull:
        return LoadedPolicy((), Merged(), (), None)
    return _alone(LayerFiles(VARIABLE, (named,), is_recorded=is_recorded), environ, tools)


def _alone(layer: LayerFiles, environ: Mapping[str, str], tools: Parsers) -> LoadedPolicy:
    reader = LayerReader(tools)
    settings = reader.layer(layer)
    if not reader.errors and not settings.settings:
        reader.errors.append(PolicyProblem(layer.files[0], "", _nothing_said(layer)))
    return _from_settings([settings], reader, environ, tools)


def _nothing_said(layer: LayerFiles) -> str:
    """What is wrong with the only file of `layer`, which has no settings."""
    # pip ignores a missing file of its own; but this one was named explicitly, so it must exist.
    if layer.name == policy_files.PIP_FILE and (absence := file_text.absence(layer.files[0])):
        return absence
    problem = "has no section [repoprio]" if layer.name == policy_files.PIP_FILE else "says nothing"
    return f"{problem}; {VARIABLE}={os.devnull} means no policy"


def _inherited(carried: str, environ: Mapping[str, str], tools: Parsers) -> LoadedPolicy | None:
    """The parent's policy; None if it had none."""
    from repoprio.config import handoff

    try:
        merged, errors = handoff.unpack(carried)
    except ValueError as error:
        problem = PolicyProblem(
            policy_files.INHERITED, "", f"was not written by a parent pip: {error}", _unsetting(policy_files.INHERITED)
        )
        return LoadedPolicy((), Merged(), (problem,), None)
    if not merged.settings and not errors:
        return None
    sources = tuple(Source("parent", file) for file in dict.fromkeys(s.file for s in merged.settings.values()))
    return _read(sources, merged, errors, environ, tools)


def _read(
    sources: tuple[Source, ...],
    merged: Merged,
    errors: Sequence[PolicyProblem],
    environ: Mapping[str, str],
    tools: Parsers,
) -> LoadedPolicy:
    policy, more = read(merged, environ, tools)
    if errors and not merged.settings:
        more = []
    problems = tuple(dict.fromkeys((*errors, *more)))
    return LoadedPolicy(
        sources, merged, problems, None if problems else policy, policy, help=_help(merged.settings.values())
    )


def _help(settings: Iterable[Setting]) -> str | None:
    """The last `help` setting, even if other settings are faulty."""
    texts = [s.value for s in settings if s.path == ("help",) and isinstance(s.value, str) and s.value.strip()]
    return redact_text(texts[-1].strip()) if texts else None
