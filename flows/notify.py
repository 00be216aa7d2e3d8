"""Tell people: what an automation saw is kept where they look."""

from prefect import flow

from tasks.reporting.steps import write_notification


@flow(name="notify")
def notify(title: str = "Notice", text: str = "") -> str:
    """Keep a notification and show it in the UI; return the path of the file of notifications."""
    return write_notification(title, text)
