"""A server that answers by hand as corp, above public."""

from __future__ import annotations

from pathlib import Path

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from .files import build, parse
from .pips import Completed, PipEnv
from .repository import RepositoryServer
from .scene import policy_text

# pip keeps nothing that came over plain HTTP, unless the host is trusted.
KEEPS = ["--trusted-host", "127.0.0.1"]


class ByHand:
    """A server that answers by hand as corp, above public."""

    def __init__(self, env: PipEnv, corp: HTTPServer, public: RepositoryServer, folder: Path) -> None:
        self.env, self.corp, self.public, self.folder = env, corp, public, folder
        self.root = f"http://127.0.0.1:{corp.port}/"
        public.add("acme", "99.0")
        wheel = build("acme", parse("1.0"), "corp")
        self.page = f'<!DOCTYPE html><html><body><a href="/{wheel.filename}">{wheel.filename}</a></body></html>'
        corp.expect_request(f"/{wheel.filename}").respond_with_data(wheel.content)

    def answers(self, *responses: Response, path: str = "/simple/acme/") -> list[Request]:
        """Corp's answers for `path`, one after the other, the last one from then on; returns the requests."""
        asked: list[Request] = []

        def respond(request: Request) -> Response:
            asked.append(request)
            return responses[min(len(asked), len(responses)) - 1]

        self.corp.expect_request(path).respond_with_handler(respond)
        return asked

    def whole(self) -> Response:
        """The page of acme."""
        return Response(self.page, 200, {"Content-Type": "text/html"})

    def policy(self, more: str = "", top: str = "") -> Path:
        """The policy; `more` is for corp."""
        file = self.folder / "policy.toml"
        urls = {"corp": f"{self.root}simple/", "public": self.public.page_url}
        file.write_text(policy_text(urls, before=top, corp=more))
        return file

    def take(self, policy: Path, *options: str) -> str | None:
        """The version of acme that pip takes."""
        files = self.folder / "files"
        done = self.download(policy, *options, "acme")
        found = sorted(path.name.split("-")[1] for path in files.glob("acme-*"))
        for path in files.glob("*"):
            path.unlink()
        return found[0] if done.code == 0 else None

    def download(self, policy: Path, *options: str) -> Completed:
        """Download, with a cache that is kept."""
        return self.env.run(
            "download", "--no-deps", "-d", str(self.folder / "files"), "--cache-dir", str(self.folder / "cache"),
            *KEEPS, *options, policy=policy,
        )  # fmt: skip
