"""``repoprio serve``: the policy as one index for every client."""

from __future__ import annotations

import argparse
import sys

from repoprio.cli import policy_in_force
from repoprio.cli.serving import places
from repoprio.errors import NoPolicy
from repoprio.output import hide_secrets
from repoprio.policy.model import Policy
from repoprio.urls import site

_HOST, _PORT = "127.0.0.1", 8417


def arguments(parser: argparse.ArgumentParser) -> None:
    """What serve takes."""
    parser.description = (
        "Serve the policy as one index for every client (uv, Poetry, PDM, pip): each project comes from its owner and "
        "nowhere else. Make it the only index of its clients. Needs the extra: pip install 'repoprio[serve]'."
    )
    parser.add_argument("--host", default=_HOST, help=f"the address to listen on (default: {_HOST}, this machine only)")
    parser.add_argument("--port", type=_port, default=_PORT, help=f"the port; 0 takes a free one (default: {_PORT})")
    places.add_store(parser)
    must = "do not start if there is no ownership memory, instead of beginning a new one"
    parser.add_argument("--store-must-exist", action="store_true", help=must)
    public = "how clients reach it, for links to files that come through it (default: relative links)"
    parser.add_argument("--public-url", type=_url, metavar="URL", help=public)
    trusted = "a repository's HOST or HOST:PORT that may be asked over http, which others on the network can change"
    parser.add_argument("--trusted-host", action="append", default=[], metavar="HOST", help=trusted)
    shows = "let /explain/NAME ask repositories below the owner too, which learn the name, and show what is shadowed"
    parser.add_argument("--show-shadowed", action="store_true", help=shows)
    parser.add_argument("--access-log", metavar="FILE", help="write a line of JSON for each answer; - is stdout")


def command(options: argparse.Namespace) -> int:
    """Serve until the process is stopped."""
    places.need_extra()
    from repoprio.serve import server

    settings = server.Settings(
        host=options.host,
        port=options.port,
        trusted_hosts=options.trusted_host,
        public_url=options.public_url,
        shows_shadowed=options.show_shadowed,
        access_log=options.access_log,
        store_must_exist=options.store_must_exist,
    )
    try:
        server.run(_load, places.store(options), settings, _say)
    except KeyboardInterrupt:
        # This is how one stops it.
        return 0
    return 0


def _load() -> Policy:
    """The policy of the files."""
    policy = policy_in_force.policy().sound("nothing is served under it")
    if policy is None:
        raise NoPolicy(policy_in_force.no_policy())
    hide_secrets(policy.secrets)
    return policy


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _url(text: str) -> str:
    try:
        where = site(text)
    except ValueError:
        where = None
    if where and where.scheme in ("http", "https") and where.host and not set(text) & set("?#@ "):
        return text
    raise argparse.ArgumentTypeError("not a URL of the gateway, such as https://pypi.corp.example/")


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) < 2**16:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port: a number from 0 to 65535")
