"""What pip, uv and a pip with repoprio make of a broken private repository: who hands over the public package.

Run it with the Python of an environment that the tests' dependencies and repoprio are installed in:
python benchmarks/faults.py [--full]

corp, which has acme 1.0, gives each fault of tests/cases/faults/faults.toml in turn; public has acme 99.0. pip has corp
as its index and public as an extra one, uv has both in that order (its default is the first index that has the name),
repoprio has corp above public. With a cold cache, and with one in which corp's page is already.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from support import wire
from support.files import build, parse
from support.paths import DATA
from support.repository import RepositoryServer
from support.wire import WireFault, WireServer

TABLE = DATA / "faults" / "faults.toml"


class Scene(NamedTuple):
    """What a client is pointed at."""

    corp: str
    public: str
    folder: Path
    authority: Path
    environ: dict[str, str]


def stock_pip(scene: Scene) -> str | None:
    """Stock pip, in an environment of its own."""
    return _pip(scene, str(STOCK), "--index-url", scene.corp, "--extra-index-url", scene.public)


def with_repoprio(scene: Scene) -> str | None:
    """The pip that repoprio is installed beside."""
    policy = scene.folder / "policy.toml"
    policy.write_text(
        "page-timeout = 2\npage-size-limit = 8388608\n"
        f'[repositories.corp]\nurl = "{scene.corp}"\npriority = 10\n'
        f'[repositories.public]\nurl = "{scene.public}"\npriority = 90\n'
    )
    return _pip(scene._replace(environ={**scene.environ, "REPOPRIO_CONFIG": str(policy)}), sys.executable)


def _pip(scene: Scene, python: str, *options: str) -> str | None:
    trusted = ["--trusted-host", "no-such-host.invalid"]
    trusted += ["--trusted-host", "127.0.0.1"] if scene.corp.startswith("http:") else []
    bounds = ["--retries", "0", "--timeout", "1", "--cert", str(scene.authority)]
    kept = ["--cache-dir", str(scene.folder / "cache-pip")]
    files = scene.folder / "files"
    shutil.rmtree(files, ignore_errors=True)
    command = [python, "-m", "pip", "download", "-q", "--no-deps", "-d", str(files), *kept, *bounds, *trusted]
    _run([*command, *options, "acme"], scene.environ)
    return next((path.name.split("-")[1] for path in files.glob("acme-*")), None)


def uv(scene: Scene) -> str | None:
    """The uv that is installed, with its default strategy."""
    name = shutil.which("uv", path=os.path.dirname(sys.executable)) or "uv"
    # "default" is asked last: corp first, then public.
    indexes = ["--index", scene.corp, "--default-index", scene.public]
    command = [
        name,
        "pip",
        "compile",
        "--no-header",
        "-q",
        "--cache-dir",
        str(scene.folder / "cache-uv"),
        *indexes,
        "-",
    ]
    environ = {
        **scene.environ, "UV_HTTP_TIMEOUT": "2", "UV_HTTP_RETRIES": "0",
        "SSL_CERT_FILE": str(scene.authority), "UV_NO_CONFIG": "1", "UV_PYTHON": sys.executable,
    }  # fmt: skip
    said = _run(command, environ, "acme\n")
    return next((line.partition("==")[2].strip() for line in said.splitlines() if line.startswith("acme==")), None)


def _run(command: list[str], environ: dict[str, str], given: str | None = None) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - our own clients
            command, env=environ, input=given, capture_output=True, text=True, check=False, timeout=60
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout


Client = Callable[[Scene], str | None]
CLIENTS: dict[str, Client] = {"pip": stock_pip, "uv": uv, "repoprio": with_repoprio}
STOCK = Path()


def trial(client: Client, fault: WireFault | None, folder: Path, *, warm: bool, tls: Path) -> str:
    """What one client makes of one fault: "hands over", "refuses", or "keeps" what corp has."""
    is_tls = fault is not None and fault.scheme == "https"
    corp = WireServer("acme", [build("acme", parse("1.0"), "corp")], CONTEXTS if is_tls else None)
    public, elsewhere = RepositoryServer("public"), RepositoryServer("elsewhere")
    for server in (public, elsewhere):
        server.add("acme", "99.0")
    plain = {"PATH": os.environ["PATH"], "HOME": str(folder), "PIP_CONFIG_FILE": os.devnull}
    plain["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    scene = Scene(corp.page_url, public.page_url, folder, tls, plain)
    try:
        if warm:
            client(scene)
        corp.fault = fault
        corp.places = {"public": public.root_url, "elsewhere": elsewhere.root_url}
        how = fault.how if fault else None
        if how == "refused":
            corp.close()
        if how == "dns":
            scene = scene._replace(corp="http://no-such-host.invalid/simple/")
        if how == "proxy":
            scene = scene._replace(environ={**plain, "https_proxy": "http://127.0.0.1:9", "no_proxy": "localhost"})
        took = client(scene)
    finally:
        corp.close()
        public.close()
        elsewhere.close()
    return "hands over" if took == "99.0" else "refuses" if took is None else "keeps"


def main() -> None:
    """Print the table and the counts."""
    full = "--full" in sys.argv[1:]
    faults = wire.load_faults(tomllib.loads(TABLE.read_text(encoding="utf-8")))
    counts: Counter[str] = Counter()
    print(f"{'fault':38}" + "".join(f"{name:>20}" for name in CLIENTS))
    for fault in (None, *faults):
        row = []
        for name, client in CLIENTS.items():
            results = []
            for warm in (False, True) if full and fault and not fault.cold else (False,):
                with tempfile.TemporaryDirectory(prefix="repoprio-faults-") as folder:
                    results.append(trial(client, fault, Path(folder), warm=warm, tls=AUTHORITY))
            counts[name] += fault is not None and "hands over" in results
            row.append(" / ".join(dict.fromkeys(results)))
        print(f"{fault.id if fault else '(nothing is wrong)':38}" + "".join(f"{cell:>20}" for cell in row), flush=True)
    print(f"\nhanded over the public acme 99.0, of {len(faults)} faults{', cold or warm' if full else ', cold'}:")
    print("    ".join(f"{name} {counts[name]}" for name in CLIENTS))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="repoprio-stock-") as home:
        venv.create(Path(home) / "stock", with_pip=True)
        STOCK = Path(home) / "stock" / "bin" / "python"
        CONTEXTS = wire.contexts(Path(home))
        AUTHORITY = Path(home) / "ca.pem"
        main()
