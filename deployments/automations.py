"""Automations made Prefect's: deployments resolved by name, changed automations updated."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from prefect.client.orchestration import get_client
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL, temporary_settings

from semantic_layer.errors import InputError

_KEPT = ("name", "description", "enabled", "trigger", "actions")


def declared_automations(path: Path, deployment_id: Callable[[str], UUID]) -> list[AutomationCore]:
    """Return what a file declares, with the id of each deployment that it names.

    Args:
        path: of the file.
        deployment_id: tells the id of `flow/deployment`.
    """
    declared: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))["automations"]
    return [
        AutomationCore.model_validate(
            {**each, "actions": [_resolved(action, deployment_id) for action in each["actions"]]}
        )
        for each in declared
    ]


def register_automations(path: Path, api_url: str) -> list[str]:
    """Create the automations of a file at a server, and update those that changed.

    Returns:
        The names of those that were created or updated.

    Raises:
        InputError: an automation names a deployment that the server does not have.
    """
    changed: list[str] = []
    with temporary_settings({PREFECT_API_URL: api_url}), get_client(sync_client=True) as client:

        def deployment_id(name: str) -> UUID:
            try:
                return client.read_deployment_by_name(name).id
            except ObjectNotFound as error:
                raise InputError(
                    f"An automation of {path.name} runs {name!r}, which is not deployed; "
                    "prefect.yaml declares deployments."
                ) from error

        for wanted in declared_automations(path, deployment_id):
            standing = client.read_automations_by_name(wanted.name)
            if not standing:
                client.create_automation(wanted)
            elif _said(standing[0]) != _said(wanted):
                client.update_automation(standing[0].id, wanted)
            else:
                continue
            changed.append(wanted.name)
    return changed


def _resolved(action: dict[str, Any], deployment_id: Callable[[str], UUID]) -> dict[str, Any]:
    if "deployment" not in action:
        return action
    rest = {key: value for key, value in action.items() if key != "deployment"}
    return {**rest, "source": "selected", "deployment_id": str(deployment_id(action["deployment"]))}


def _said(automation: AutomationCore) -> dict[str, Any]:
    said = automation.model_dump(mode="json", include=set(_KEPT))
    said["trigger"].pop("id", None)
    return said
