"""What the hook costs a Python start, and a pip that looks nothing up: medians of interleaved runs, in milliseconds.

Run it with any Python of 3.10 or later, on a machine that does nothing else: python benchmarks/hook.py [RUNS]
Two virtual environments are made, alike but that one has this checkout, installed and not editable: pip builds its
wheel, and fetches hatchling for that. The goal is 0.4 ms for `python -c pass`, and nothing measurable for
`pip --version` and `pip list`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "pip --version": ["-m", "pip", "--version"],
    "pip list": ["-m", "pip", "list", "--disable-pip-version-check"],
}
CHECKOUT = Path(__file__).resolve().parent.parent


def environment(folder: Path, *, hooked: bool) -> str:
    """Make an environment with the hook or without it; returns its Python."""
    venv.create(folder, with_pip=True)
    python = str(folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))
    if hooked:
        install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check", str(CHECKOUT)]
        subprocess.run(install, check=True)  # noqa: S603 - our own
    return python


def milliseconds(command: list[str]) -> float:
    """How long one run takes."""
    before = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own commands
    return (time.perf_counter() - before) * 1000


def main() -> None:
    """Print a line for each command."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 101
    with tempfile.TemporaryDirectory() as folder:
        pythons = [environment(Path(folder, name), hooked=name == "hooked") for name in ("plain", "hooked")]
        for name, arguments in COMMANDS.items():
            took: list[list[float]] = [[], []]
            for number in range(runs if name == "python -c pass" else max(5, runs // 10)):
                # In alternating order: the second one finds warmer caches.
                for which in (0, 1) if number % 2 else (1, 0):
                    took[which].append(milliseconds([pythons[which], *arguments]))
            plain, hooked = map(statistics.median, took)
            more = f"{hooked - plain:+.2f} ms, {hooked / plain:.3f} x"
            print(f"{name:<16}{plain:9.2f} ms{hooked:9.2f} ms with the hook: {more}")


if __name__ == "__main__":
    main()
