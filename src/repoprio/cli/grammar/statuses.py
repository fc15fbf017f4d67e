"""The meaning of each command's exit statuses, for --help and the manual."""

from __future__ import annotations

# The meaning of 0, 1 and 2 for all commands.
GENERAL = (
    "good",
    "the answer is no: refused, absent, blocked, unavailable, or a finding",
    "wrong use or an invalid policy",
)
_GOOD = "if all went well"
_USE = "for wrong use"
_FAULTY = f"{_USE} or an invalid policy"
_NONE = f"{_USE}, or without a valid policy"
_CANNOT = f"{_FAULTY}, or if it cannot be done"
# The meaning of 0, 1 and 2 for each command; None if it never ends with that status.
_STATUSES: dict[str, tuple[str, str | None, str]] = {
    "explain": ("if all would be served", "if not", _NONE),
    "compare": (
        "if both are the same, except for private names, which are not compared",
        "if they differ or not all is known (0 with --exit-zero)",
        _NONE,
    ),
    "repos": (_GOOD, "if a repository that was asked gave no usable answer", _NONE),
    "config": (_GOOD, "if every lookup would stop, or there is no policy", _FAULTY),
    "config show": (_GOOD, "if there is no policy", _FAULTY),
    "config check": ("without errors", "if every lookup would stop, or there is no policy", _FAULTY),
    "config schema": (_GOOD, None, _USE),
    "init": (_GOOD, None, f"{_USE}, or if it cannot be done"),
    "audit": (
        "if there are no findings, or only notes",
        "if there is an error or a warning, or if nothing can be looked up",
        _NONE,
    ),
    "export": (
        "if everything can be exported, or FILE matches the policy",
        "if something cannot be exported (0 with --exit-zero), or FILE differs",
        _NONE,
    ),
    "report": (
        "if the policy would change nothing",
        "if it would change something, or a line could not be read",
        f"{_USE}, or if a log cannot be read",
    ),
    "enable": (_GOOD, None, _CANNOT),
    "disable": (_GOOD, None, _CANNOT),
    "setup-image": (
        "if every step succeeded or was done before, and doctor finds no problem; with --undo, if all is restored",
        "if a step was not possible, doctor found a problem, or --undo left a file that was changed later",
        f"{_FAULTY}; then nothing was written",
    ),
    "doctor": ("if all that can be guarded is guarded", "if something is not, or was not tried", _FAULTY),
    "serve": ("once it was stopped", None, f"{_NONE}; if it cannot listen, or cannot use its store"),
    "ownership": (_GOOD, "if there is nothing to release", f"{_USE}, or if the store cannot be used"),
    "ownership list": (_GOOD, None, f"{_USE}, or if the store cannot be used"),
    "ownership release": (_GOOD, "if there was nothing to release", f"{_USE}, or if the store cannot be used"),
    "ownership init": (_GOOD, None, f"{_USE}, or if the store cannot be used"),
    "ownership export": (_GOOD, None, f"{_NONE}, or if the store cannot be used"),
    "completion": (_GOOD, None, _USE),
    "demo": (_GOOD, None, f"{_USE}, or if it cannot be done"),
}


def exit_status_sentence(command: str = "") -> str:
    """The sentence for `command` ("config show"), or for the whole program."""
    if command == "pip":
        return "Exit status: pip's own; 2 for an invalid policy."
    if not command:
        good, otherwise, wrong = GENERAL
        return f"Exit status: 0 {good}; 1 {otherwise}; 2 {wrong}."
    good, no, wrong = _STATUSES[command]
    return f"Exit status: 0 {good}{f'; 1 {no}' if no else ''}; 2 {wrong}."
