"""Runs the gateway as a process: its socket, uvicorn, and the messages at the start."""

from __future__ import annotations

import asyncio
import signal
import socket
import textwrap
from collections.abc import Callable, Collection
from importlib.util import find_spec
from netrc import netrc
from typing import TYPE_CHECKING, Literal, NamedTuple

import uvicorn

from repoprio import shell
from repoprio.errors import RepoprioError
from repoprio.fetch import netrc_file
from repoprio.lookup.ownership import Dormant, UnsoundMemory, dormant
from repoprio.policy.model import Policy
from repoprio.redaction import printable
from repoprio.serve import limits
from repoprio.serve.answers.notes import Note
from repoprio.serve.answers.warm import WarmAnswers
from repoprio.serve.client import Client
from repoprio.serve.gateway import Gateway
from repoprio.serve.reloading import RELOAD, Generation, Reloadable
from repoprio.serve.stores.model import OwnershipStore
from repoprio.serve.stores.vigilant_store import VigilantStore
from repoprio.serve.telemetry.access_log import AccessLog
from repoprio.serve.telemetry.application import Application, Noted
from repoprio.serve.timing.clock import steady_seconds
from repoprio.serve.transport.room import Room
from repoprio.wording import count_of

if TYPE_CHECKING:
    from repoprio.serve.telemetry.metrics import Metrics

_DRAIN_SECONDS = 10
# How many names a hint lists.
_MOST_RELEASED = 20


class CannotStart(RepoprioError):
    """The gateway cannot begin to listen, or cannot use its store."""


class Settings(NamedTuple):
    """Options of the gateway's process; a new policy does not change them."""

    host: str
    port: int
    trusted_hosts: Collection[str]
    public_url: str | None
    shows_shadowed: bool
    access_log: str | None
    store_must_exist: bool = False


def run(load: Callable[[], Policy], store: OwnershipStore, settings: Settings, say: Callable[[str], None]) -> None:
    """Serve the policy that `load` returns until SIGTERM or SIGINT; a SIGHUP reloads it.

    Raises `CannotStart`, `CannotServe` or `UnreadableLogins` before it listens.
    """
    inputs = _Inputs(load)
    policy = inputs.read()
    store = VigilantStore(store)
    is_new = _prepare(store, settings)
    _tell_dormant(policy, store, say)
    # uvicorn shuts down and then raises the signal again; being stopped is not a failure.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    log = _log(settings.access_log) if settings.access_log else None
    listener = _listen(settings.host, settings.port)
    metrics = _metrics(policy)
    begin = _beginner(store, settings, metrics, lambda: inputs.logins)
    reloadable = Reloadable(policy, lambda: _reloaded(inputs, store, say), begin, _ReloadReports(say, metrics))
    if is_new:
        hint = "if this gateway has served before, that was lost: stop it, and restore the file"
        say(f"repoprio: began a new ownership memory: {store.place}\n  hint: {hint}    [new-store]")
    if RELOAD is not None:
        signal.signal(RELOAD, reloadable.reload)
    say(f"repoprio: serving {_url(listener)} ({_repositories(policy)})")
    uvicorn.Server(_config(reloadable, metrics, log)).run(sockets=[listener])


def _prepare(store: OwnershipStore, settings: Settings) -> bool:
    """Check the whole store; returns whether it was created only now."""
    try:
        return store.prepare(may_begin=not settings.store_must_exist)
    except UnsoundMemory as error:
        hint = "repair or restore it; without it, it is not known who owns which name"
        raise CannotStart(f"the ownership memory cannot be used: {error}\n  hint: {hint}    [store]") from None


def _beginner(
    store: OwnershipStore, settings: Settings, metrics: Metrics | None, logins: Callable[[], netrc | None]
) -> Callable[[Policy], Generation]:
    """A function that makes the gateway for a policy."""
    room = Room()

    def begin(policy: Policy) -> Generation:
        client = Client(policy, settings.trusted_hosts, room, logins)
        url, shows_shadowed = settings.public_url, settings.shows_shadowed
        gateway = Gateway(policy, client, store, public_url=url, shows_shadowed=shows_shadowed)
        if metrics:
            client.watch = metrics.fetched
            gateway.sharing.watch = metrics.shared
        return Generation(gateway, client)

    return begin


def _url(listener: socket.socket) -> str:
    """The URL of the index at the address that `listener` is bound to."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/simple/"


def _config(reloadable: Reloadable, metrics: Metrics | None, log: AccessLog | None) -> uvicorn.Config:
    """The settings of uvicorn: the application, with the functions that note its answers."""
    app: Application = reloadable
    notes: list[Note] = []
    if metrics:
        from repoprio.serve.telemetry.watched import Watched

        app = watched = Watched(app, metrics)
        notes.append(watched.note)
    if log:
        notes.append(log.note)
    return uvicorn.Config(
        Noted(app, notes) if notes else app,
        http=_protocol(WarmAnswers(reloadable.warm, steady_seconds, notes)),
        lifespan="on",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        # The gateway has no WebSockets; with a library for them, each attempt would be an error in the log.
        ws="none",
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )


def _protocol(answers: WarmAnswers) -> type[asyncio.Protocol] | Literal["auto"]:
    """Uvicorn's protocol with the short way to these answers; "auto", its own choice, without httptools."""
    try:
        from repoprio.serve.answers.warm_protocol import protocol
    except ImportError:
        return "auto"
    return protocol(answers)


class _Inputs:
    """What is read at the start and by each reload: the policy, and the logins of netrc."""

    def __init__(self, load: Callable[[], Policy]) -> None:
        self._load = load
        self.logins: netrc | None = None

    def read(self) -> Policy:
        """Read both; returns the policy. Raises an error before it replaces the logins."""
        policy = self._load()
        limits.check(policy)
        self.logins = netrc_file.logins()
        return policy


def _reloaded(inputs: _Inputs, store: OwnershipStore, say: Callable[[str], None]) -> Policy:
    policy = inputs.read()
    _tell_dormant(policy, store, say)
    return policy


def _tell_dormant(policy: Policy, store: OwnershipStore, say: Callable[[str], None]) -> None:
    """Say which names nobody keeps any more, since the repository that served them is not in the policy."""
    try:
        found = dormant(policy, store.listed())
    except UnsoundMemory:
        # Without its memory the gateway answers no request, and says why.
        return
    for name, names in found.items():
        say(
            f"repoprio: {printable(name)}, which served {count_of(len(names.projects), 'name')} before, is not in the "
            "policy: lower repositories may supply what it kept\n  hint: if it has a new name and URL, add to its "
            f'table: renamed-from = ["{printable(name)}"]; if it is gone for good: {_release(name, names, store.place)}'
            "    [dormant]"
        )


def _release(repository: str, names: Dormant, place: str) -> str:
    """The command that releases these names only: others of `repository` may be kept by the one at their URL."""
    released = ("*",) if names.is_all else names.projects[:_MOST_RELEASED]
    command = shell.repoprio("ownership", "release", *released, "--repository", repository, "--store", place)
    if names.is_all or len(released) == len(names.projects):
        return command
    rest = shell.repoprio("ownership", "list", "--store", place)
    return f"{command} ({len(names.projects) - len(released)} more are dormant: {rest})"


def _repositories(policy: Policy) -> str:
    return ", ".join(map(str, policy.enabled()))


class _ReloadReports:
    """Reports the result of a reload, in the log and in the metrics."""

    def __init__(self, say: Callable[[str], None], metrics: Metrics | None) -> None:
        self._say = say
        self._metrics = metrics

    def in_force(self, policy: Policy) -> None:
        """The policy was replaced."""
        if self._metrics:
            self._metrics.reloaded(policy)
        self._say(f"repoprio: the policy was reloaded ({_repositories(policy)})")

    def refused(self, reason: str) -> None:
        """The policy stayed."""
        if self._metrics:
            self._metrics.not_reloaded()
        hint = "correct it, then send SIGHUP again"
        lead = "repoprio: the policy was not reloaded; the one before stays in force:"
        self._say(f"{lead}\n{textwrap.indent(reason, '  ')}\n  hint: {hint}    [reload]")


def _log(file: str) -> AccessLog:
    try:
        return AccessLog(file)
    except OSError as error:
        hint = "name a file that can be written, or - for stdout"
        text = f"the access log {file} cannot be opened: {error.strerror}\n  hint: {hint}    [access-log]"
        raise CannotStart(text) from None


def _metrics(policy: Policy) -> Metrics | None:
    """The metrics, if the library for them is installed."""
    if find_spec("prometheus_client") is None:
        return None
    from repoprio.serve.telemetry.metrics import Metrics

    return Metrics(policy)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        # Python's text repeats the address.
        reason = str(getattr(error, "strerror", None) or error).partition(" (while")[0]
        hint = "name another address with --host or --port"
        raise CannotStart(f"cannot listen on {host}, port {port}: {reason}\n  hint: {hint}    [listen]") from None
