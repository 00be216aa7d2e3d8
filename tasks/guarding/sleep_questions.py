"""Questions about savings, put to the twin: each upon all that sleeps and upon those kept before.

Savings that are judged together are kept one after the other; the ground that the last ones leave
is remembered, so that each question costs no more than the first.
"""

from collections.abc import Callable, Mapping, Sequence

from semantic_layer.errors import InputError
from semantic_layer.guardrails import GuardrailRules
from tasks.guarding.sleep_facts import sleeper, sleepers_of
from tasks.guardrails.circumstances import ObjectFacts, PredictedCell, Prediction
from tasks.messages.proposals import ChangeProposal
from tasks.twin.what_if import CellLoad, PublishedMap
from tasks.twin.what_if_sleep import (
    Sleeper,
    SleepingGround,
    SleepOutlook,
    entered,
    sleep_outlook,
    sleeping_ground,
)


class SleepQuestions:
    """What would follow of savings; called with those kept and the one asked about.

    Args:
        made_map: makes the map of the ground with all cells awake, when first asked.
        loads: of the cells that serve now.
        asleep: by cell that sleeps now, its mode.
        open_savings: savings that are to begin or being written; their cells sleep soon.
        objects: cells of the objects that savings write.
        rules: what each mode leaves.
    """

    def __init__(
        self,
        made_map: Callable[[], PublishedMap],
        loads: Mapping[str, CellLoad],
        asleep: Mapping[str, str],
        open_savings: Sequence[ChangeProposal],
        objects: Mapping[str, ObjectFacts],
        rules: GuardrailRules,
    ) -> None:
        self._made_map, self._loads, self._asleep = made_map, loads, asleep
        self._open, self._objects, self._rules = tuple(open_savings), objects, rules
        self._base: SleepingGround | None = None
        self._last: tuple[tuple[str, ...], SleepingGround] | None = None
        self._told: dict[tuple[tuple[str, ...], str], Prediction] = {}

    def __call__(self, kept: Sequence[ChangeProposal], asked: ChangeProposal) -> Prediction:
        """Return what would follow; where the twin cannot tell, why."""
        key = tuple(one.proposal_id for one in kept), asked.proposal_id
        if key not in self._told:
            try:
                sleepers = sleepers_of(asked, self._objects, self._rules)
                self._told[key] = _prediction(sleep_outlook(self._ground(kept), sleepers))
            except InputError as error:
                self._told[key] = Prediction({}, 0.0, 0.0, lacking=str(error))
        return self._told[key]

    def _ground(self, kept: Sequence[ChangeProposal]) -> SleepingGround:
        """Return the ground once savings were kept, upon what is remembered of the first ones."""
        names = tuple(one.proposal_id for one in kept)
        known, ground = self._last if self._last is not None else ((), self._standing())
        if names[: len(known)] != known:
            known, ground = (), self._standing()
        for one in kept[len(known) :]:
            ground = entered(ground, sleepers_of(one, self._objects, self._rules))
        self._last = names, ground
        return ground

    def _standing(self) -> SleepingGround:
        """Return the ground with all that sleeps or is about to."""
        if self._base is None:
            if not self._loads:
                raise InputError("No cell told its load lately.")
            told = self._made_map()
            now = [sleeper(dn, mode, self._rules) for dn, mode in self._asleep.items()]
            ground = sleeping_ground(told, self._loads, now)
            self._base = entered(ground, self._soon(ground))
        return self._base

    def _soon(self, ground: SleepingGround) -> list[Sleeper]:
        """Return the cells of open savings that serve yet, each once, the deepest mode first."""
        found: dict[str, Sleeper] = {}
        place = ground.now.cells.place
        for one in self._open:
            for told in sleepers_of(one, self._objects, self._rules):
                dn = told.cell_dn
                serves = dn in place and not ground.is_off[place[dn]] and dn not in self._asleep
                if serves and (dn not in found or told.is_off_air):
                    found[dn] = told
        return list(found.values())


def _prediction(told: SleepOutlook) -> Prediction:
    cells = {
        dn: PredictedCell(
            cell.lost_share_before,
            cell.lost_share_after,
            cell.load_before_pct,
            cell.load_after_pct,
        )
        for dn, cell in told.cells.items()
    }
    return Prediction(cells, told.users_moved, told.users_alone, unheard_near=told.unheard_near)
