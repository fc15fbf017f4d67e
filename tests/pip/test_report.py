"""`repoprio report`: the logs of real pips in observe mode, and logs that anybody may have written."""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from repoprio.cli.main import run
from repoprio.storage import logs
from support.fixtures import EnvFactory, RepositoryFactory
from support.policy_files import TOOLS
from support.scene import Scene

RECORD = (
    '{"schema": 1, "time": "2026-11-21T06:24:49.123Z", "host": "h", "project": "acme", "requirement": "acme", '
    '"code": "owned", "pip": {"version": "99.0", "repository": "public", "site": "https://p"}, '
    '"policy": {"version": "1.1", "repository": "corp"}, "command": "install", "build": false}'
)


def test_from_observing_to_the_policy(pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path) -> None:
    """The logs of pips are summed up; with the TOML in the policy, an observing pip reports nothing more."""
    scene = Scene(repository, tmp_path, acme=("1.0", "1.1"))
    env = pip_env("26.3")
    log = tmp_path / "changes.jsonl"
    told = env.run(
        "download",
        *("--no-cache-dir", "--no-deps", "-d", str(tmp_path / "d"), *scene.indexes, "acme"),
        policy=scene.policy(before='mode = "observe"'),
        env={"REPOPRIO_LOG": str(log)},
    )
    assert told.code == 0, told.stderr
    done = env.tool("report", str(log), env={"REPOPRIO_CONFIG": os.devnull})
    assert done.code == 1
    assert "the policy would change 1 choice of 1 project on 1 host." in done.stdout
    assert "      1        1  acme     99.0  public  1.1  corp  owned" in done.stdout
    document = json.loads(env.tool("report", "--format", "json", str(log)).stdout)
    assert document["changes"][0]["host_names"] == [socket.gethostname()]
    assert list(TOOLS.parse_toml(document["toml"])["pins"]) == ["report-corp"]
    strict = env.run(
        *("install", "--dry-run", "--no-deps", "--no-cache-dir", "acme"), policy=scene.policy(document["toml"])
    )
    assert "Would install acme-1.1" in strict.stdout, strict.stderr


def report(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run the command in this process; its status, and its output."""
    status = run(["report", *arguments])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_hostile_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Lines that are no records are counted with their places, and do not reach the terminal; the others count."""
    log = tmp_path / "changes.jsonl"
    escape = RECORD.replace('"99.0"', '"\\u001b[2J"').replace('"h"', '"i"')
    bad = ["[" * 50_000, '{"other": 1}', "null", RECORD[:40], "x" * (2**16 + 5), RECORD.replace("acme", "a\\u001bb")]
    log.write_text("\n".join([RECORD, *bad, "", RECORD, escape, RECORD[:-9]]))
    with log.open("ab") as opened:
        opened.write(b"\xff\xfe\n")
    status, out, _ = report(capsys, str(log))
    assert (status, "\x1b" in out) == (1, False)
    assert "would change 2 choices of 1 project on 2 hosts (1 line more came twice)" in " ".join(out.split())
    assert "7 lines could not be read:" in out
    problems = [line.partition(f"{log}:")[2] for line in out.splitlines() if f"{log}:" in line]
    assert [problem.partition(":")[0] for problem in problems] == ["2", "3", "4", "5", "6", "7", "11"]
    assert [problem.partition(": ")[2] for problem in problems[:5]] == [
        "not JSON",
        "not a record of schema 1",
        "not an object",
        "not JSON",
        "longer than 64 KiB",
    ]


def test_compressed_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Gzip is recognized under any file name; a damaged or cut-off log counts as far as it can be read."""
    records = "".join(RECORD.replace('"h"', f'"h{n}"') + "\n" for n in range(2000)).encode()
    whole = gzip.compress(records)
    for content, lines, damaged in (
        (whole, 2000, 0),
        (whole + whole, 2000, 0),
        (whole[: len(whole) // 2], None, 1),
        (whole[:-8] + b"\0" * 8, None, 1),
        (whole[:3], 0, 1),
        (b"", 0, 0),
    ):
        (tmp_path / "log").write_bytes(content)
        status, out, _ = report(capsys, "--format", "json", str(tmp_path / "log"))
        document = json.loads(out)
        assert document["damaged"]["lines"] == damaged
        assert lines is None or document["records"] == lines
        assert status == (1 if document["records"] or damaged else 0)


def test_what_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file or a folder is wrong use, and nothing is printed about the others."""
    (tmp_path / "good").write_text(RECORD)
    for bad, problem in (("missing", "No such file"), (".", "Is a directory")):
        status, out, err = report(capsys, str(tmp_path / "good"), str(tmp_path / bad))
        assert (status, out) == (2, "")
        assert problem in err
        assert err.endswith("[usage]\n")


def test_standard_input_and_much_of_it(tmp_path: Path) -> None:
    """- reads standard input; a line of any length, and many of them, need little memory."""
    # ru_maxrss would be that of the tests' own process, too, if that one is larger.
    code = "import sys; from repoprio.cli.main import run; run(['report', '-']); "
    code += "print(*(line.split()[1] for line in open('/proc/self/status') if 'VmHWM' in line), file=sys.stderr)"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": "src"},
    ) as process:
        assert process.stdin
        for _ in range(200):
            process.stdin.write(b"x" * 2**20)
        process.stdin.write(b"\n" + f"{RECORD}\n".encode() * 50_000)
        out, err = process.communicate(timeout=60)
    assert b"would change 1 choice of 1 project on 1 host (49,999 lines more came" in out.replace(b"\n", b" ")
    assert b"-:1: longer than 64 KiB" in out
    assert int(err) < 100 * 1024


def test_lines_are_no_longer_than_they_may_be(tmp_path: Path) -> None:
    """A line of exactly the maximum length counts, with or without its end."""
    file = tmp_path / "log"
    file.write_bytes(b"a" * (logs.LONGEST_LINE - 1) + b"\nb\r\n" + b"c" * logs.LONGEST_LINE + b"\n\nd")
    found = list(logs.lines(str(file)))
    assert [None if line is None else len(line) for line in found] == [logs.LONGEST_LINE - 1, 1, None, 0, 1]
