"""What a contract says beside its columns: who owns it, who may see what, what service it keeps."""

from open_data_contract_standard.model import OpenDataContractStandard, SchemaProperty, Team

from data_products.contract_source import ContractSource, Keys
from data_products.product import CLASSIFICATIONS, ServiceLevel
from semantic_layer.errors import did_you_mean

_UNCLASSIFIED = "internal"
_OWNER_ROLES = ("owner", "data owner", "product owner", "steward")


def classification_of(source: ContractSource, item: SchemaProperty, path: Keys) -> str:
    """Return a column's class of access, reporting one that is none; unnamed, it is internal."""
    named = (item.classification or _UNCLASSIFIED).casefold()
    if named not in CLASSIFICATIONS:
        source.report(
            f"Column {item.name!r} has no known classification ({item.classification!r})"
            f"{did_you_mean(named, CLASSIFICATIONS)}",
            *path,
            "classification",
        )
        return CLASSIFICATIONS[-1]
    return named


def owner_of(model: OpenDataContractStandard) -> str:
    """Return the team, or else the member that owns the product; empty when none is named."""
    team = model.team
    if isinstance(team, Team) and team.name:
        return team.name
    members = (team.members if isinstance(team, Team) else team) or []
    owners = [each for each in members if (each.role or "").casefold() in _OWNER_ROLES]
    chosen = (owners or members)[:1]
    return next((each.name or each.username or "" for each in chosen), "")


def support_of(model: OpenDataContractStandard) -> str:
    """Return the first channel of support, with its address; empty when none is named."""
    for each in model.support or []:
        return " ".join(part for part in (each.channel, each.url) if part)
    return ""


def service_levels(model: OpenDataContractStandard) -> tuple[ServiceLevel, ...]:
    """Return every service level as the contract words it."""
    return tuple(
        ServiceLevel(
            name=level.property or "",
            value="" if level.value is None else str(level.value),
            unit=level.unit or "",
            element=level.element or "",
        )
        for level in model.slaProperties or []
    )
