"""Which files are old enough: `min-age` of a repository, or of a pin. Pure: the current time is an argument.

It never decides who owns a name: the files of the owner are judged once there is one.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from repoprio.dataclass import dataclass
from repoprio.policy.durations import spell_duration, spell_roughly
from repoprio.policy.model import Policy, Repository, Rule, UnknownAge
from repoprio.policy.routing import Blocked, Conflict, Route

# Clocks that differ by more are worth a word.
TOLERATED = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Clocks:
    """What time it was when an answer came: to this machine, and to the server; None if it did not say."""

    machine: datetime
    server: datetime | None = None

    @property
    def now(self) -> datetime:
        """The earlier one: a clock that is ahead must not make files old."""
        return min(self.machine, self.server or self.machine)

    @property
    def is_disagreement(self) -> bool:
        """Whether they differ by more than is tolerated."""
        return self.server is not None and abs(self.server - self.machine) > TOLERATED


@dataclass(frozen=True)
class Wait:
    """How old the files of one repository must be for one name, and the rule that says so.

    `is_unknown_allowed`: a file without an upload time counts as old enough.
    """

    repository: Repository
    duration: timedelta
    rule: Rule
    is_unknown_allowed: bool = False


@dataclass(frozen=True)
class Held:
    """Why a file is no candidate yet: it was uploaded at `upload_time` (None: not known), and must be older `now`.

    `wheel`: it is an sdist that is old enough, whose version has this wheel, which is not.
    """

    wait: Wait
    upload_time: datetime | None
    now: datetime | None
    wheel: str | None = None

    @property
    def available_from(self) -> datetime | None:
        """When it becomes a candidate; None if that is not known, or later than a `datetime` can be."""
        if self.upload_time is None:
            return None
        try:
            since = self.upload_time.astimezone(timezone.utc) + self.wait.duration
            # To the next full minute, as it is shown.
            return since if not since.second + since.microsecond else since.replace(second=0, microsecond=0) + _MINUTE
        except OverflowError:
            return None

    @property
    def available_text(self) -> str | None:
        """As a text: "2026-11-27 01:47 UTC"."""
        return f"{self.available_from:%Y-%m-%d %H:%M} UTC" if self.available_from else None

    @property
    def reason(self) -> str:
        """Why, in words, with the rule."""
        waits = f"{self.wait.repository.name} waits {spell_duration(self.wait.duration)} ({self.wait.rule.place})"
        if self.upload_time is None or self.now is None:
            text = f"no upload time is known, and {waits}"
        else:
            text = f"{_age(self.now - self.upload_time)}; {waits}"
        text = f"its wheel {self.wheel} is too young: {text}" if self.wheel else text
        return f"{text}; available from {self.available_text}" if self.available_from else text


def _age(age: timedelta) -> str:
    if age < timedelta():
        return f"its upload time is {spell_roughly(-age)} in the future"
    return f"uploaded {spell_roughly(age)} ago"


def wait_for(policy: Policy, routing: Route | Blocked | Conflict, repository: Repository) -> Wait | None:
    """How old files of `repository` must be for a name with this `routing`; None if they may be of any age."""
    if not isinstance(routing, Route):
        return None
    key = f"repositories.{repository.name}.min-age"
    own = repository.min_age or timedelta()
    duration, rule = routing.min_age or (own, policy.rule(key, f'"{spell_duration(own)}"'))
    if not duration:
        return None
    return Wait(repository, duration, rule, repository.min_age_unknown is UnknownAge.ALLOW)


def held(wait: Wait, upload_time: datetime | None, now: datetime | None) -> Held | None:
    """Why a file that was uploaded then has to wait; None if it is old enough."""
    if upload_time is None:
        return None if wait.is_unknown_allowed else Held(wait, None, now)
    if now is None:
        return Held(wait, None, None)
    return None if now - upload_time >= wait.duration else Held(wait, upload_time, now)


class AgedFile(NamedTuple):
    """A file that pip would take for a candidate, and why it has to wait, if it has to.

    `is_let_in`: it may have one of the hashes that are asked for.
    """

    version: Hashable
    filename: str
    held: Held | None
    is_yanked: bool = False
    is_let_in: bool = True

    @property
    def is_wheel(self) -> bool:
        """Whether it is a wheel; else it is an sdist."""
        return self.filename.endswith(".whl")


def held_back(files: Sequence[AgedFile]) -> list[Held | None]:
    """Why each of these files of a name has to wait; None for those that do not.

    An sdist waits for the wheels of its version: else a young release would be built here, which runs its code, where
    pip would take the wheel.
    """
    # To hash the versions of a large page takes a while.
    waiting = {file.version for file in files if file.held and file.is_wheel and file.is_let_in}
    if not waiting:
        return [file.held for file in files]
    wheels: dict[Hashable, list[AgedFile]] = {}
    for file in files:
        if file.is_wheel and file.is_let_in and file.version in waiting:
            wheels.setdefault(file.version, []).append(file)
    return [file.held or (None if file.is_wheel else _held_with(file, wheels.get(file.version, ()))) for file in files]


def _held_with(sdist: AgedFile, wheels: Sequence[AgedFile]) -> Held | None:
    """What an sdist that is old enough waits for: the wheels that pip would take in its place."""
    preferred = [wheel for wheel in wheels if sdist.is_yanked or not wheel.is_yanked]
    waiting = [(wheel, wheel.held) for wheel in preferred if wheel.held]
    if not waiting or len(waiting) < len(preferred):
        return None
    wheel, held = waiting[0]
    return Held(held.wait, held.upload_time, held.now, wheel.filename)
