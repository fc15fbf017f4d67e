"""What it costs to make candidates of pages of 5,000 files: ours beside pip's own, in JSON and in HTML.

Run it with the Python of an environment that repoprio is installed in: python benchmarks/pages.py [RUNS]
Medians of interleaved runs, each in a process of its own, in processor time; below 1 is less than pip takes.
One page is like that of a project with binary wheels: 125 releases, each with 39 wheels and an sdist. Few of them fit.
The other is like that of a pure project: 5,000 releases, each with one wheel. All of them fit.
The goals are 0.25 of pip for JSON, and 0.4 for HTML.
"""

from __future__ import annotations

import html
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

KINDS = {"JSON": "application/vnd.pypi.simple.v1+json", "HTML": "text/html"}
GOALS = {"JSON": 0.25, "HTML": 0.4}
URL = "https://pypi.corp.example/simple/acme/"
PYTHONS = ("cp39", "cp310", "cp311", "cp312", "cp313", "cp313t", "cp314", "cp314t", "pp310", "pp311")
PLATFORMS = (
    "macosx_10_13_x86_64",
    "macosx_14_0_arm64",
    "manylinux_2_17_x86_64.manylinux2014_x86_64",
    "win_amd64",
)
TIMES = 5


def binary() -> list[str]:
    """The files of a project with binary wheels."""
    tags = [f"{python}-{python}-{platform}" for python in PYTHONS for platform in PLATFORMS][:39]
    return [
        name
        for release in range(125)
        for name in (
            *(f"acme-{release // 10}.{release % 10}.0-{tag}.whl" for tag in tags),
            f"acme-{release // 10}.{release % 10}.0.tar.gz",
        )
    ]


def pure() -> list[str]:
    """The files of a pure project."""
    return [f"acme-1.{release}-py3-none-any.whl" for release in range(5000)]


PAGES = {"binary": binary, "pure": pure}


def files(shape: str) -> list[dict[str, Any]]:
    """What the page lists, as JSON says it."""
    return [
        {
            "filename": name,
            "url": f"https://files.corp.example/packages/{n % 256:02x}/{n:060x}/{name}",
            "hashes": {"sha256": f"{n:064x}"},
            "requires-python": ">=3.9",
            "core-metadata": {"sha256": f"{n:064x}"},
            "size": 17_000_000 + n,
            "upload-time": "2026-01-05T10:11:12.131415Z",
            "yanked": False,
        }
        for n, name in enumerate(PAGES[shape]())
    ]


def anchor(file: dict[str, Any]) -> str:
    """The same in HTML."""
    facts = {
        "data-requires-python": file["requires-python"],
        "data-dist-info-metadata": f"sha256={file['core-metadata']['sha256']}",
        "data-core-metadata": f"sha256={file['core-metadata']['sha256']}",
    }
    said = "".join(f' {key}="{html.escape(value)}"' for key, value in facts.items())
    return f'    <a href="{file["url"]}#sha256={file["hashes"]["sha256"]}"{said}>{file["filename"]}</a><br />'


def page(shape: str, kind: str) -> bytes:
    """The page in JSON or in HTML."""
    if kind == "JSON":
        document = {"meta": {"api-version": "1.4"}, "name": "acme", "versions": [], "files": files(shape)}
        return json.dumps(document).encode()
    head = '<meta name="pypi:repository-version" content="1.4">\n    <title>Links for acme</title>'
    links = "\n".join(map(anchor, files(shape)))
    return f"<!DOCTYPE html>\n<html>\n  <head>\n    {head}\n  </head>\n  <body>\n{links}\n</body>\n</html>\n".encode()


def measure(side: str, kind: str, path: str) -> None:
    """Print the processor time of one page in milliseconds, and its candidates; run in a process of its own."""
    from pip._internal.commands import create_command  # noqa: TID251 - pip's side

    body = Path(path).read_bytes()
    install: Any = create_command("install")
    options, _ = install.parse_args(["--index-url", URL])
    with install.main_context():
        finder = install._build_package_finder(options, install.get_default_session(options))  # noqa: SLF001 - pip has no public parts
        work = (_ours if side == "ours" else _pips)(finder, KINDS[kind])
        work(body)
        # Other versions each time: nothing of a page that was read before helps with the next.
        bodies = [body.replace(b"acme-", b"acme-%d" % number) for number in range(1, TIMES + 1)]
        # os.times() counts in hundredths of a second.
        begun = time.process_time()
        for one in bodies:
            found = work(one)
        print(json.dumps([(time.process_time() - begun) * 1000 / TIMES, sorted(map(str, found))]))


def _pips(finder: Any, content_type: str) -> Any:
    from pip._internal.index.collector import IndexContent, parse_links  # noqa: TID251 - pip's side

    def work(body: bytes) -> list[Any]:
        links = list(parse_links(IndexContent(body, content_type, None, URL, cache_link_parsing=False)))
        return list(finder.evaluate_links(finder.make_link_evaluator("acme"), links))

    return work


def _ours(finder: Any, content_type: str) -> Any:
    from repoprio.lookup.events import RepositoryResult, RepositoryState
    from repoprio.names import normalize
    from repoprio.pip_adapter.finder.candidates import CandidateSet
    from repoprio.pip_adapter.index.fetcher import project_page
    from repoprio.policy.model import Location, Repository
    from repoprio.simple_api.response import Response

    name, repository = normalize("acme"), Repository("corp", (Location.of(URL),), 10)

    def work(body: bytes) -> list[Any]:
        answer: Any = project_page(name, Response(URL, body, content_type))
        offer = RepositoryResult(repository, RepositoryState.SERVES, page=answer.page, files=answer.files)
        return list(CandidateSet(finder, name, (offer,), None).candidates())

    return work


def main() -> None:
    """Print a line for each page and kind."""
    for title, kind, ratio in compare_all(Path(sys.executable), int(sys.argv[1]) if len(sys.argv) > 1 else 11):
        print(f"{title}: {ratio:.2f} of pip's time (goal {GOALS[kind]})")


def compare_all(python: Path, runs: int) -> Iterator[tuple[str, str, float]]:
    """The title and kind of each page, and what ours takes of pip's time, in `python`."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "PYTHON", "REPOPRIO_"))}
    with tempfile.TemporaryDirectory() as home:
        own = {"HOME": home, "PIP_CONFIG_FILE": os.devnull, "REPOPRIO_CONFIG": os.devnull}
        for shape, kind in itertools.product(PAGES, KINDS):
            path = Path(home, f"{shape}-{kind}")
            path.write_bytes(page(shape, kind))
            title = f"{shape}, {kind}"
            command = [str(python), __file__, "measure"]
            yield title, kind, _compare(title, [kind, str(path)], runs, command, kept | own)


def _compare(
    title: str, page: Sequence[str], runs: int, command: Sequence[str], environment: Mapping[str, str]
) -> float:
    took: dict[str, list[float]] = {"pip": [], "ours": []}
    found = {}
    for _ in range(runs):
        for side, times in took.items():
            done = subprocess.run([*command, side, *page], env=environment, check=True, capture_output=True)  # noqa: S603 - ours
            milliseconds, found[side] = json.loads(done.stdout)
            times.append(milliseconds)
    if found["pip"] != found["ours"]:
        raise SystemExit(f"{title}: other candidates than pip's")
    pip, ours = (statistics.median(times) for times in took.values())
    print(f"  {title}: {ours:.1f} ms and {pip:.1f} ms, {len(found['pip'])} candidates; {runs} interleaved runs")
    return ours / pip


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        measure(*sys.argv[2:])
    else:
        main()
