"""Ask people: the findings most worth a verdict, one form each; answers become a product."""

from typing import Any, Literal

from prefect import flow
from prefect.cache_policies import INPUTS, RUN_ID, TASK_SOURCE
from prefect.flow_runs import pause_flow_run, suspend_flow_run
from prefect.input import RunInput
from prefect.runtime import deployment
from pydantic import Field

from semantic_layer.fault_kinds import fault_kinds
from semantic_layer.periods import Window
from tasks.feedback.feedback_text import question_text
from tasks.feedback.steps import find_questions, take_answer
from tasks.feedback.verdicts import LONGEST_AUTHOR, LONGEST_COMMENT

_MOST_TRIES = 3
_LOOK_EVERY_S = 2
_REMEMBERED: dict[str, Any] = {
    "persist_result": True,
    "cache_policy": RUN_ID + INPUTS + TASK_SOURCE,
}
"""A suspended run begins anew when it is resumed; what it had done is not done again."""


class FindingReview(RunInput):
    """The form: what a person says of one finding."""

    finding: str = Field(description="As shown above; leave it as it is.")
    verdict: Literal["CONFIRMED", "REJECTED", "RELABELED", "SKIPPED"] = Field(
        description="Was something wrong with the cell?"
    )
    fault_kind: str = Field(
        "",
        description="What it was; needed to relabel.",
        json_schema_extra={"enum": ["", *fault_kinds()]},
    )
    comment: str = Field("", max_length=LONGEST_COMMENT, description="For colleagues.")
    author: str = Field(
        min_length=1, max_length=LONGEST_AUTHOR, description="Who says so; kept with the verdict."
    )


@flow(name="review-findings", persist_result=True)
def review_findings(
    window: Window | None = None, budget: int = 5, answer_hours: float = 24.0
) -> list[str]:
    """Ask about the findings that an answer would tell most about, and publish the verdicts.

    The run shows a form in the UI for each and gives its worker back until somebody answers. A
    form that nobody answers in time ends the run as failed; verdicts given before stand.

    Args:
        window: of the findings; the newest seven days published when None.
        budget: at most so many questions.
        answer_hours: how long each form waits.
    """
    asked = find_questions.with_options(**_REMEMBERED)(window, budget)
    said: list[str] = []
    author = ""
    for number, question in enumerate(asked, start=1):
        problem = ""
        for attempt in range(1, _MOST_TRIES + 1):
            text = question_text(question, number, len(asked), fault_kinds(), problem)
            answer = _answer(question, text, author, f"finding-{number}-{attempt}", answer_hours)
            author = answer.author
            if answer.verdict == "SKIPPED":
                break
            taken = take_answer.with_options(**_REMEMBERED)(_words(answer))
            said += [taken.says] if taken.says else []
            problem = taken.problem
            if not problem:
                break
    return said


def _answer(
    question: dict[str, str], text: str, author: str, key: str, answer_hours: float
) -> FindingReview:
    """Wait for a person; a run of a deployment gives its worker back meanwhile."""
    known = {"author": author} if author else {}
    form = FindingReview.with_initial_data(text, finding=question["finding"], **known)
    wait_s = round(answer_hours * 3600)
    if deployment.id is None:
        return pause_flow_run(form, timeout=wait_s, poll_interval=_LOOK_EVERY_S, key=key)
    return suspend_flow_run(form, timeout=wait_s, key=key)


def _words(answer: FindingReview) -> dict[str, str]:
    words = answer.model_dump(include={"verdict", "fault_kind", "comment", "author"})
    return {**words, "anomaly_id": answer.finding}
