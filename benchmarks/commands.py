"""How long the commands about the policy take: medians of interleaved runs, in milliseconds, and over a bare Python.

Run it with the Python of an environment that repoprio is installed in: python benchmarks/commands.py [RUNS]
The goal is 60 ms for `config show` and `config check`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

POLICY = Path(__file__).resolve().parent.parent / "example-config" / "repoprio.toml"
SCRIPT = str(Path(sysconfig.get_path("scripts")) / "repoprio")
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "repoprio config show": [SCRIPT, "config", "show"],
    "repoprio config check": [SCRIPT, "config", "check"],
}


def seconds(command: list[str]) -> float:
    """How long one run takes."""
    environment = {**os.environ, "REPOPRIO_CONFIG": str(POLICY)}
    before = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own commands
    return time.perf_counter() - before


def main() -> None:
    """Print a line for each command."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 41
    took: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(runs):
        for name, command in COMMANDS.items():
            took[name].append(seconds(command) * 1000)
    bare = statistics.median(took["python -c pass"])
    print(f"median of {runs} interleaved runs")
    for name, times in took.items():
        median = statistics.median(times)
        print(f"{name:<24}{median:8.1f} ms{median / bare:8.1f} x bare Python")


if __name__ == "__main__":
    main()
