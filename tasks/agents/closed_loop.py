"""The closed loop: perception, analysis, decision, execution, verification, learning, in turn.

Each role is a function from the message before to its own; the runner checks what is handed over
and puts it on record. A loop may begin and end at any role: people approve in between, and
verification waits for measurements.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from semantic_layer.errors import InputError
from tasks.agents.loop_messages import (
    GIVES,
    LOOP_ROLES,
    LoopMessage,
    LoopRole,
    NothingToDo,
    message_json,
)
from tasks.agents.recording import EventKind


class Recorder(Protocol):
    """Where hand-overs are put on record; `recorded(session)` is one."""

    def post(self, kind: EventKind, content: Mapping[str, Any]) -> None:
        """Put a message on record."""
        ...


@dataclass(frozen=True, slots=True)
class LoopEnd:
    """How far a loop came.

    Attributes:
        role: that spoke last.
        message: what it handed over.
        is_whole: all roles asked for have spoken.
    """

    role: LoopRole
    message: LoopMessage
    is_whole: bool


def run_loop(
    roles: Mapping[LoopRole, Callable[[Any], LoopMessage]],
    recorder: Recorder,
    start: LoopMessage | None = None,
) -> LoopEnd:
    """Let the roles speak in their order, each told what the one before said.

    Args:
        roles: the roles that take part, next to each other in the loop.
        recorder: where each hand-over is put on record.
        start: what the first role is told; None for perception, which is told nothing.

    Raises:
        InputError: roles are missing between others, or one hands over what is not its message.
    """
    names = [role for role in LOOP_ROLES if role in roles]
    first = LOOP_ROLES.index(names[0]) if names else 0
    if not names or tuple(names) != LOOP_ROLES[first : first + len(names)]:
        raise InputError(f"Roles of a loop stand next to each other; these are {names}.")
    _check_start(names[0], start)
    message: Any = start
    for place, role in enumerate(names):
        message = roles[role](message)
        if not isinstance(message, GIVES[role] | NothingToDo):
            raise InputError(
                f"The role {role} hands over {GIVES[role].__name__}, not {type(message).__name__}."
            )
        is_ended = isinstance(message, NothingToDo)
        to = "" if is_ended or role == LOOP_ROLES[-1] else LOOP_ROLES[first + place + 1]
        recorder.post(
            "handed_over", {"from_role": role, "to_role": to, "message": message_json(message)}
        )
        if is_ended:
            return LoopEnd(role, message, is_whole=False)
    return LoopEnd(names[-1], message, is_whole=True)


def _check_start(role: LoopRole, start: LoopMessage | None) -> None:
    place = LOOP_ROLES.index(role)
    if place == 0:
        return
    wanted = GIVES[LOOP_ROLES[place - 1]]
    if not isinstance(start, wanted):
        raise InputError(f"A loop that begins at {role} is told {wanted.__name__}, by its start.")
