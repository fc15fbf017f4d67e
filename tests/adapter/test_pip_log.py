"""What repoprio does to pip's log: secrets are redacted in it, and it is muted for a while."""

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
    """A root logger with one handler, whose stream this is, and no secret known yet."""
    stream = io.StringIO()
    monkeypatch.setattr(output, "_secrets", [])
    monkeypatch.setattr(logging.root, "handlers", [logging.StreamHandler(stream)])
    yield stream
    logging.disable(logging.NOTSET)


def test_redaction_is_installed_once_however_often_it_is_asked_for(written: io.StringIO) -> None:
    """After 3,000 calls, as many requirements files make, a handler is wrapped once and hides every secret of them."""
    for number in range(TIMES):
        log_redaction.install([f"token-{number % 50}-"])
    logging.getLogger().warning("of token-0- and token-49-, not token-50-")
    assert written.getvalue() == "of **** and ****, not token-50-\n"


def test_redaction_of_what_rich_prints_is_installed_once(written: io.StringIO) -> None:
    """The file of a handler's console is wrapped once too, and keeps being the file for all else."""
    file = io.StringIO()
    handler = logging.root.handlers[0]
    handler.console = SimpleNamespace(file=file)  # type: ignore[attr-defined]  # as pip's rich handler has it
    for _ in range(TIMES):
        log_redaction.install(["hunter2"])
    console = handler.console  # type: ignore[attr-defined]
    console.file.write("with hunter2")
    assert (console.file.getvalue(), console.file._file is file) == ("with ****", True)


def test_no_secret_changes_no_handler(written: io.StringIO) -> None:
    """Without secrets pip's handlers stay what they are."""
    log_redaction.install([])
    assert not isinstance(logging.root.handlers[0].format, log_redaction.RedactedFormat)


@pytest.mark.parametrize("level", [logging.NOTSET, logging.INFO])
def test_muting_restores_what_was_there(written: io.StringIO, level: int) -> None:
    """Nothing is logged meanwhile, one inside another included; then level and handlers are what they were."""
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
