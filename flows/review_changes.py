"""Ask people: changes that agents propose and guardrails allow, one form each."""

from typing import Any, Literal

from prefect import flow
from prefect.cache_policies import INPUTS, RUN_ID, TASK_SOURCE
from prefect.flow_runs import pause_flow_run, suspend_flow_run
from prefect.input import RunInput
from prefect.runtime import deployment
from pydantic import Field

from tasks.approval.steps import find_waiting, show_form, take_form

_MOST_TRIES = 3
_LOOK_EVERY_S = 2
_REMEMBERED: dict[str, Any] = {
    "persist_result": True,
    "cache_policy": RUN_ID + INPUTS + TASK_SOURCE,
}
"""A suspended run begins anew when it is resumed; what it had done is not done again."""


class ChangeReview(RunInput):
    """The form: what a person says of one change."""

    proposal: str = Field(description="As shown above; leave it as it is.")
    answer: Literal["APPROVED", "REJECTED", "DELEGATED", "SKIPPED"] = Field(
        description="May it be written to the network?"
    )
    digest: str = Field("", max_length=80, description="Of the change set that you approve.")
    to: str = Field("", max_length=60, description="Who may approve in your place; to delegate.")
    comment: str = Field("", max_length=1000, description="For the record.")
    author: str = Field(min_length=1, max_length=60, description="You, as the people file says.")


@flow(name="review-changes", persist_result=True)
def review_changes(
    proposals: list[str] | None = None, budget: int = 20, answer_hours: float = 12.0
) -> list[str]:
    """Ask about the changes that wait for a person, and put the answers on record.

    The run shows a form in the UI for each and gives its worker back until somebody answers. A
    form that nobody answers in time ends the run as failed; answers given before stand, and the
    request itself expires by its own time.

    Args:
        proposals: ids; all that wait, soonest to expire first, when None.
        budget: at most so many forms.
        answer_hours: how long each form waits.
    """
    chosen = proposals or find_waiting.with_options(**_REMEMBERED)()
    asked = chosen[:budget]
    said: list[str] = []
    author = ""
    for number, proposal in enumerate(asked, start=1):
        problem = ""
        for attempt in range(1, _MOST_TRIES + 1):
            shown = show_form.with_options(**_REMEMBERED)(proposal, number, len(asked), problem)
            if shown["stage"] != "WAITING":
                said.append(f"Proposal {shown['proposal']} is {shown['stage']} by now.")
                break
            answer = _answer(shown, author, f"change-{number}-{attempt}", answer_hours)
            author = answer.author
            if answer.answer == "SKIPPED":
                break
            taken = take_form.with_options(**_REMEMBERED)(_words(answer, shown["proposal"]))
            said += [taken.says] if taken.says else []
            problem = taken.problem
            if not problem:
                break
    return said


def _answer(shown: dict[str, str], author: str, key: str, answer_hours: float) -> ChangeReview:
    """Wait for a person; a run of a deployment gives its worker back meanwhile."""
    known = {"author": author} if author else {}
    form = ChangeReview.with_initial_data(
        shown["text"], proposal=shown["proposal"], digest=shown["digest"], **known
    )
    wait_s = round(answer_hours * 3600)
    if deployment.id is None:
        return pause_flow_run(form, timeout=wait_s, poll_interval=_LOOK_EVERY_S, key=key)
    return suspend_flow_run(form, timeout=wait_s, key=key)


def _words(answer: ChangeReview, shown: str) -> dict[str, str]:
    """Return the answer as words; it is about the change that was shown, whatever was typed."""
    words = answer.model_dump(include={"answer", "digest", "to", "comment", "author"})
    return {**words, "proposal": shown}
