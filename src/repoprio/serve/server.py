"""The gateway as a process: a socket, uvicorn, and what is said at the start."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Collection
from importlib.util import find_spec

import uvicorn

from repoprio.errors import RepoprioError
from repoprio.policy.model import Policy
from repoprio.serve import limits
from repoprio.serve.app import App
from repoprio.serve.client import Client
from repoprio.serve.gateway import Gateway
from repoprio.serve.stores.model import OwnershipStore, UnsoundMemory
from repoprio.serve.telemetry.access_log import AccessLog, Logged
from repoprio.serve.telemetry.application import Application

_DRAIN_SECONDS = 10


class CannotStart(RepoprioError):
    """The gateway cannot begin to listen, or cannot use its store."""


def run(
    policy: Policy,
    store: OwnershipStore,
    *,
    host: str,
    port: int,
    trusted_hosts: Collection[str],
    public_url: str | None,
    shows_shadowed: bool,
    access_log: str | None,
    say: Callable[[str], None],
) -> None:
    """Serve until the process is told to stop; raises `CannotStart` or `CannotServe` before it listens."""
    limits.check(policy)
    try:
        store.prepare()
    except UnsoundMemory as error:
        hint = "repair or restore it; without it, it is not known who owns which name"
        raise CannotStart(f"the ownership memory cannot be used: {error}\n  hint: {hint}    [store]") from None
    # uvicorn ends in good order, and then raises the signal once more: to be stopped is no failure.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    log = _log(access_log) if access_log else None
    listener = _listen(host, port)
    bound = listener.getsockname()
    place = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
    say(f"repoprio: serving http://{place}:{bound[1]}/simple/ ({', '.join(map(str, policy.enabled()))})")
    client = Client(policy, trusted_hosts)
    gateway = Gateway(policy, client, store, public_url=public_url, shows_shadowed=shows_shadowed)
    watched = _watched(policy, App(gateway, client), client)
    config = uvicorn.Config(
        Logged(watched, log) if log else watched,
        lifespan="on",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        # There is no such thing here; with a library for it at hand, each attempt would be an error in the log.
        ws="none",
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listener])


def _log(file: str) -> AccessLog:
    try:
        return AccessLog(file)
    except OSError as error:
        hint = "name a file that can be written, or - for stdout"
        text = f"the access log {file} cannot be opened: {error.strerror}\n  hint: {hint}    [access-log]"
        raise CannotStart(text) from None


def _watched(policy: Policy, app: App, client: Client) -> Application:
    """The application with its numbers, where the library for them is installed."""
    if find_spec("prometheus_client") is None:
        return app
    from repoprio.serve.telemetry.metrics import Metrics
    from repoprio.serve.telemetry.watched import Watched

    metrics = Metrics(policy)
    client.watch = metrics.asked
    return Watched(app, metrics)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        # Python says the address once more.
        reason = str(getattr(error, "strerror", None) or error).partition(" (while")[0]
        hint = "name another address with --host or --port"
        raise CannotStart(f"cannot listen on {host}, port {port}: {reason}\n  hint: {hint}    [listen]") from None
