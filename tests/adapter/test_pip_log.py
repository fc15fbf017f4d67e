"""Secrets are redacted in pip's log, and the log is muted for a while."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from repoprio import output
from repoprio.pip_adapter import log_muting, log_redaction

TIMES = 3000


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """The stream of the only handler of a root logger; no secret is known yet."""
    stream = io.StringIO()
    monkeypatch.setattr(output, "_secrets", [])
    monkeypatch.setattr(logging.root, "handlers", [logging.StreamHandler(stream)])
    yield stream
    logging.disable(logging.NOTSET)


def test_redaction_is_installed_once_however_often_it_is_asked_for(written: io.StringIO) -> None:
    """After 3,000 calls, as with many requirements files, a handler is wrapped once and hides every secret."""
    for number in range(TIMES):
        log_redaction.install([f"token-{number % 50}-"])
    logging.getLogger().warning("of token-0- and token-49-, not token-50-")
    assert written.getvalue() == "of **** and ****, not token-50-\n"


def test_redaction_of_what_rich_prints_is_installed_once(written: io.StringIO) -> None:
    """The file of a handler's console is wrapped once too, and keeps its other attributes."""
    file = io.StringIO()
    handler = logging.root.handlers[0]
    handler.console = SimpleNamespace(file=file)  # type: ignore[attr-defined]  # as pip's rich handler has it
    for _ in range(TIMES):
        log_redaction.install(["hunter2"])
    console = handler.console  # type: ignore[attr-defined]
    console.file.write("with hunter2")
    assert (console.file.getvalue(), console.file._file is file) == ("with ****", True)


def test_no_secret_changes_no_handler(written: io.StringIO) -> None:
    """Without secrets, pip's handlers do not change."""
    log_redaction.install([])
    assert not isinstance(logging.root.handlers[0].format, log_redaction.RedactedFormat)


@pytest.mark.parametrize("level", [logging.NOTSET, logging.INFO])
def test_muting_restores_what_was_there(written: io.StringIO, level: int) -> None:
    """Nothing is logged meanwhile, even if nested; then level and handlers are restored."""
    logging.disable(level)
    handlers = logging.root.handlers
    with pytest.raises(KeyError), log_muting.muted():
        _log_and_fail()
    assert (logging.root.manager.disable, logging.root.handlers is handlers) == (level, True)
    assert not isinstance(handlers[0].format, log_redaction.RedactedFormat)
    logging.getLogger().critical("after")
    assert written.getvalue() == "after\n"


def _log_and_fail() -> None:
    with log_muting.muted():
        logging.getLogger().critical("inside")
    logging.getLogger().critical("between")
    log_redaction.install(["hunter2"])
    raise KeyError
