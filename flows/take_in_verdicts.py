"""Take in what people said of findings: a sheet of verdicts becomes rows, or quarantine rows."""

from pathlib import Path

from prefect import flow

from tasks.feedback.steps import import_verdicts


@flow(name="take-in-verdicts")
def take_in_verdicts(sheet: Path, author: str = "") -> str:
    """Publish the verdicts of a CSV file; return what became of it.

    Args:
        sheet: the file, where the worker finds it.
        author: of rows that name none; empty quarantines them.
    """
    return import_verdicts(sheet, author).says
