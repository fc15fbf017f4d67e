"""What one side of a comparison decided, and who learned which names by that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from repoprio.errors import InspectionError
from repoprio.explain.comparison import Disclosure
from repoprio.explain.explaining import privacy
from repoprio.lookup.events import RepositoryResult, RepositoryState
from repoprio.lookup.project import Decision, Outcome
from repoprio.names import NormalizedName
from repoprio.pip_adapter.finder.listeners import DecisionListener, SkipWarnings
from repoprio.pip_adapter.index.links import PipPage
from repoprio.policy.model import Format, Repository
from repoprio.render.compare import not_private

Pairs = set[tuple[str, NormalizedName]]
# Called before a name is looked up first, with how many there are then.
Step = Callable[[int, NormalizedName], None]


class Journal:
    """Keeps the decisions of a `PolicyFinder`, as its listener.

    `disclosed` are names that others are asked for where the policy keeps them private.
    """

    def __init__(
        self, disclosed: frozenset[NormalizedName], step: Step, warnings: DecisionListener | None = None
    ) -> None:
        self.disclosed = disclosed
        self.decisions: dict[NormalizedName, list[Decision[PipPage]]] = {}
        self._step = step
        self._warnings = warnings or SkipWarnings()

    def before_lookup(self, name: NormalizedName) -> None:
        """Tell how far it is."""
        if name not in self.decisions:
            self._step(len(self.decisions) + 1, name)

    def decided(self, decision: Decision[PipPage]) -> None:
        """Keep the decision."""
        self._warnings.decided(decision)
        self.decisions.setdefault(decision.name, []).append(decision)

    def replace(self, decision: Decision[PipPage]) -> None:
        """Have `decision` in the place of all that was decided on its name."""
        self.decisions[decision.name] = [decision]

    def of(self, name: NormalizedName) -> Sequence[Decision[PipPage]]:
        """The decisions on `name`: several in flexible mode, none where it was not looked up."""
        return self.decisions.get(name, ())

    def asked(self) -> Pairs:
        """Who was asked for which name, those left out that learn nothing."""
        found = (finding for decisions in self.decisions.items() for finding in _asked(*decisions))
        return set(found)

    def further(self, names: Sequence[NormalizedName]) -> Pairs:
        """Who would be asked for these names as well, if their owners did not own them or they are disclosed."""
        disclosed = {
            (repository.name, name)
            for name in self.disclosed.intersection(names)
            for decision in self.of(name)
            for repository in kept_from(decision)
        }
        return disclosed | {
            (finding.repository.name, name)
            for name in names
            for decision in self.of(name)
            for finding in decision.of(RepositoryState.NOT_ASKED)
            if decision.outcome is Outcome.SERVED and learns(finding.repository)
        }

    def can_be_disclosed(self) -> set[NormalizedName]:
        """The names that the policy keeps from others, or may keep: of one without an answer nobody knows."""
        return {name for name, found in self.decisions.items() if may_be_private(found[0])}

    def private(self) -> tuple[tuple[str, str], ...]:
        """The names that the policy keeps from others, and its word for it."""
        found = {name: privacy(ds[0]) for name, ds in self.decisions.items() if name not in self.disclosed}
        return tuple(sorted((name, private.word) for name, private in found.items() if private))


def learns(repository: Repository) -> bool:
    """Whether a repository gets to know the names that it is asked for: it is on no disk, and is not read whole."""
    return repository.format is Format.SIMPLE and not repository.locations[0].url.startswith("file:")


def kept_from(decision: Decision[PipPage]) -> list[Repository]:
    """Who learns a name only if it is disclosed; nobody does while its owner is unavailable."""
    found = None if decision.outcome is Outcome.UNAVAILABLE else privacy(decision)
    return [repository for repository in found.others if learns(repository)] if found else []


def may_be_private(decision: Decision[PipPage]) -> bool:
    """Whether the policy keeps the name from others, or may do so once its owner answers."""
    return decision.outcome is Outcome.UNAVAILABLE or privacy(decision) is not None


def check_disclosed(disclosed: Iterable[NormalizedName], private: Iterable[NormalizedName]) -> None:
    """Raise `InspectionError` where a name that the user discloses is none of those that are `private`."""
    known = sorted(private)
    for name in sorted(disclosed):
        if name not in known:
            raise InspectionError(not_private(name, known))


def disclosure(pairs: Pairs, private: tuple[tuple[str, str], ...]) -> Disclosure:
    """Who asked whom, by repository."""
    asked: dict[str, list[str]] = defaultdict(list)
    for repository, name in sorted(pairs):
        asked[repository].append(name)
    return Disclosure({repository: tuple(names) for repository, names in asked.items()}, private)


def _asked(name: NormalizedName, decisions: Sequence[Decision[PipPage]]) -> Iterator[tuple[str, NormalizedName]]:
    findings: Iterator[RepositoryResult[PipPage]] = (f for decision in decisions for f in decision.findings)
    return ((f.repository.name, name) for f in findings if f.asked and learns(f.repository))
