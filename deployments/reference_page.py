"""REFERENCE.md: every flow, deployment and setting, written from the code that defines them.

`python -m deployments.reference_page` rewrites it; a test fails when it is stale.
"""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from prefect import Flow

from deployments.serve import PREFECT_FILE, REPOSITORY
from tasks.settings import Settings

PAGE = REPOSITORY / "deployments" / "REFERENCE.md"


def reference_page() -> str:
    """Return the whole page as Markdown."""
    return "\n".join(
        [
            "# Flows, deployments and settings",
            "",
            "Written by `make catalogue` from the code; a test fails when it is stale.",
            "",
            "## Flows",
            "",
            "| flow | what it does | parameters |",
            "|---|---|---|",
            *(_flow_row(flow) for flow in flows()),
            "",
            "## Deployments",
            "",
            "| deployment | runs | when (UTC) | at once | tags |",
            "|---|---|---|---|---|",
            *(_deployment_row(declared) for declared in deployments()),
            "",
            "## Settings",
            "",
            "Each is read from the environment, once, when a process starts.",
            "",
            "| variable | default | meaning |",
            "|---|---|---|",
            *_setting_rows(),
            "",
        ]
    )


def flows() -> list[Flow[..., Any]]:
    """Return every flow, one a module of `flows`, by name."""
    modules = (path.stem for path in sorted((REPOSITORY / "flows").glob("*.py")))
    return [
        getattr(importlib.import_module(f"flows.{name}"), name)
        for name in modules
        if name != "__init__"
    ]


def deployments() -> list[dict[str, Any]]:
    """Return the deployments as prefect.yaml declares them."""
    declared: list[dict[str, Any]] = yaml.safe_load(PREFECT_FILE.read_text(encoding="utf-8"))[
        "deployments"
    ]
    return declared


def _flow_row(flow: Flow[..., Any]) -> str:
    first_line = (flow.fn.__doc__ or "").strip().splitlines()[0]
    parameters = ", ".join(f"`{name}`" for name in flow.parameters.properties)
    return f"| `{flow.name}` | {first_line} | {parameters} |"


def _deployment_row(declared: dict[str, Any]) -> str:
    when = ", ".join(f"`{each['cron']}`" for each in declared.get("schedules", [])) or "on demand"
    function = declared["entrypoint"].split(":")[1]
    return (
        f"| {function.replace('_', '-')}/{declared['name']} | `{function}` | {when} "
        f"| {declared['concurrency_limit']['limit']} | {', '.join(declared['tags'])} |"
    )


def _setting_rows() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        yield f"| `ANOPS_{name.upper()}` | {default} | {field.description} |"


def main(page: Path = PAGE) -> None:
    """Write the page."""
    page.write_text(reference_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
