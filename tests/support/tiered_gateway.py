"""A gateway for a whole test file: corp above team above public, and another site that is in no policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final, Generic, TypeVar

from .gateway_matrix import TIERS
from .gateways import Served, serving
from .policy_files import parsed_policy
from .repository import RepositoryServer
from .scene import policy_text

ELSEWHERE: Final = "elsewhere"
Server = TypeVar("Server", bound=RepositoryServer)


class TieredGateway(Generic[Server]):
    """The repositories by their names, the site `ELSEWHERE` among them, and the gateway before them."""

    def __init__(self, servers: dict[str, Server], served: Served) -> None:
        self.servers, self.served = servers, served
        self._count = 0

    def new_name(self) -> str:
        """A name that no test has used: each test has a project of its own."""
        self._count += 1
        return f"acme-{self._count}"


@contextmanager
def tiered(folder: Path, start: Callable[[str], Server], **own: str) -> Iterator[tuple[dict[str, Server], Served]]:
    """The repositories, started by `start`, and their gateway; `own` is more of the policy's table of one of them."""
    with ExitStack() as stack:
        servers = {name: stack.enter_context(closing(start(name))) for name in (*TIERS, ELSEWHERE)}
        text = policy_text({name: servers[name].page_url for name in TIERS}, **own)
        policy = parsed_policy(text)
        yield servers, stack.enter_context(serving(policy, folder / "ownership.sqlite"))
