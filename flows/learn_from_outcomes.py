"""Learn: what became of changes teaches cases to look up, and how much may be done alone."""

from prefect import flow

from tasks.approval.steps import publish_decisions
from tasks.execution.steps import publish_outcomes
from tasks.guarding.steps import adjust_autonomy
from tasks.knowledge.steps import learn_cases


@flow(name="learn-from-outcomes")
def learn_from_outcomes() -> list[str]:
    """Publish outcomes, learn cases from them and from verdicts, and adjust autonomy.

    Returns:
        A sentence for each use case whose level changed.
    """
    publish_outcomes()
    learn_cases()
    changed = adjust_autonomy()
    publish_decisions()
    return changed
