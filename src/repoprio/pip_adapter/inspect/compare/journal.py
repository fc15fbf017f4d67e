"""Records the decisions of one side of a comparison, and which repositories learned which names."""

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
# Called before the first lookup of each name, with the number of names including this one.
Step = Callable[[int, NormalizedName], None]


class Journal:
    """Keeps the decisions of a `PolicyFinder`, as its listener.

    `disclosed` are names for which others are asked even if the policy keeps them private.
    """

    def __init__(
        self, disclosed: frozenset[NormalizedName], step: Step, warnings: DecisionListener | None = None
    ) -> None:
        self.disclosed = disclosed
        self.decisions: dict[NormalizedName, list[Decision[PipPage]]] = {}
        self._step = step
        self._warnings = warnings or SkipWarnings()

    def before_lookup(self, name: NormalizedName) -> None:
        """Report the progress."""
        if name not in self.decisions:
            self._step(len(self.decisions) + 1, name)

    def decided(self, decision: Decision[PipPage]) -> None:
        """Keep the decision."""
        self._warnings.decided(decision)
        self.decisions.setdefault(decision.name, []).append(decision)

    def replace(self, decision: Decision[PipPage]) -> None:
        """Replace all decisions for a name by `decision`."""
        self.decisions[decision.name] = [decision]

    def of(self, name: NormalizedName) -> Sequence[Decision[PipPage]]:
        """The decisions for `name`: several in flexible mode, none if it was not looked up."""
        return self.decisions.get(name, ())

    def asked(self) -> Pairs:
        """Which repository was asked for which name, without repositories that learn nothing."""
        pairs = (result for decisions in self.decisions.items() for result in _asked(*decisions))
        return set(pairs)

    def further(self, names: Sequence[NormalizedName]) -> Pairs:
        """Which repositories would also be asked for these names by plain pip, or because they are disclosed."""
        disclosed = {
            (repository.name, name)
            for name in self.disclosed.intersection(names)
            for decision in self.of(name)
            for repository in kept_from(decision)
        }
        return disclosed | {
            (result.repository.name, name)
            for name in names
            for decision in self.of(name)
            for result in decision.of(RepositoryState.NOT_ASKED)
            if decision.outcome is Outcome.SERVED and learns(result.repository)
        }

    def can_be_disclosed(self) -> set[NormalizedName]:
        """The names that the policy keeps private, or may keep private: without an answer that is unknown."""
        return {name for name, decisions in self.decisions.items() if may_be_private(decisions[0])}

    def private(self) -> tuple[tuple[str, str], ...]:
        """The names that the policy keeps private, with the reason."""
        reasons = {name: privacy(ds[0]) for name, ds in self.decisions.items() if name not in self.disclosed}
        return tuple(sorted((name, private.word) for name, private in reasons.items() if private))


def learns(repository: Repository) -> bool:
    """Whether a repository learns the names that it is asked for: not if it is on disk, or flat."""
    return repository.format is Format.SIMPLE and not repository.locations[0].url.startswith("file:")


def kept_from(decision: Decision[PipPage]) -> list[Repository]:
    """The repositories that learn a name only if it is disclosed; none while its owner is unavailable."""
    private = None if decision.outcome is Outcome.UNAVAILABLE else privacy(decision)
    return [repository for repository in private.others if learns(repository)] if private else []


def may_be_private(decision: Decision[PipPage]) -> bool:
    """Whether the policy keeps the name private, or may do so once its owner answers."""
    return decision.outcome is Outcome.UNAVAILABLE or privacy(decision) is not None


def check_disclosed(disclosed: Iterable[NormalizedName], private: Iterable[NormalizedName]) -> None:
    """Raise `InspectionError` if a name that the user discloses is not one of the `private` names."""
    known = sorted(private)
    for name in sorted(disclosed):
        if name not in known:
            raise InspectionError(not_private(name, known))


def disclosure(pairs: Pairs, private: tuple[tuple[str, str], ...]) -> Disclosure:
    """The disclosed names by repository, and the private names."""
    asked: dict[str, list[str]] = defaultdict(list)
    for repository, name in sorted(pairs):
        asked[repository].append(name)
    return Disclosure({repository: tuple(names) for repository, names in asked.items()}, private)


def _asked(name: NormalizedName, decisions: Sequence[Decision[PipPage]]) -> Iterator[tuple[str, NormalizedName]]:
    results: Iterator[RepositoryResult[PipPage]] = (f for decision in decisions for f in decision.results)
    return ((f.repository.name, name) for f in results if f.asked and learns(f.repository))
