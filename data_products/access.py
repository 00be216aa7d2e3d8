"""Who may see which column: identities have roles, roles see classes, contracts grant products.

Decided here, as values; `GuardedReader` asks before it reads, and puts the answer on record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from data_products.product import CLASSIFICATIONS, Product, ProductTable
from semantic_layer.errors import AnopsError, DefinitionError, InputError, did_you_mean
from semantic_layer.plain_yaml import read_yaml_file

_GRANTS = ("read", "write")


class AccessDeniedError(AnopsError):
    """An identity asked for what it may not see, or a read could not be put on record."""


class Role(BaseModel):
    """What a role may see.

    Attributes:
        sees: the highest class of access.
        products: `granted` are those whose contract names the role; or `all`; or a list.
        description: who should have it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sees: Literal["public", "internal", "confidential", "restricted"]
    products: Literal["granted", "all"] | tuple[str, ...] = "granted"
    description: str

    def reads(self, name: str, product: Product) -> bool:
        """Tell whether the role, called `name`, may read a product at all."""
        if self.products == "granted":
            return product.access.get(name, "") in _GRANTS
        return self.products == "all" or product.id in self.products

    def covers(self, classification: str) -> bool:
        """Tell whether the role sees columns of a class."""
        return CLASSIFICATIONS.index(classification) <= CLASSIFICATIONS.index(self.sees)


class AccessRules(BaseModel):
    """Every role, and which identities have which."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    roles: Mapping[str, Role]
    identities: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _only_known_roles(self) -> "AccessRules":
        for identity, names in self.identities.items():
            for name in names:
                if name not in self.roles:
                    raise ValueError(
                        f"identity {identity!r} has no known role {name!r}"
                        f"{did_you_mean(name, self.roles)}"
                    )
        return self


@dataclass(frozen=True, slots=True)
class Decision:
    """What an identity may see of a table.

    Attributes:
        columns: those it may see, of those it asked for, in the table's order.
        refusal: why nothing may be seen; empty when something may.
    """

    columns: tuple[str, ...]
    refusal: str = ""


def load_access_rules(path: Path) -> AccessRules:
    """Return the roles and identities of a file.

    Raises:
        DefinitionError: the file cannot be read or contradicts itself.
    """
    try:
        return AccessRules.model_validate(read_yaml_file(path))
    except OSError as error:
        raise DefinitionError(
            f"{path} cannot be read ({error.strerror}); ANOPS_ACCESS_FILE names the file of roles."
        ) from error
    except (yaml.YAMLError, ValidationError) as error:
        raise DefinitionError(f"{path.name} cannot be used: {error}") from error


def decided(
    rules: AccessRules,
    identity: str,
    product: Product,
    table: ProductTable,
    columns: Sequence[str] | None = None,
) -> Decision:
    """Return what `identity` may see of a table.

    Args:
        rules: roles and identities.
        identity: who asks.
        product: the table's product, whose contract grants roles.
        table: what is asked for.
        columns: named columns, of which each must be allowed; None asks for all that are.

    Raises:
        InputError: the table has no such column.
    """
    for name in columns or ():
        if name not in table.schema:
            known = did_you_mean(name, table.schema)
            raise InputError(f"Table {table.name!r} has no column {name!r}{known}")
    if identity not in rules.identities:
        known = did_you_mean(identity, rules.identities)
        return Decision((), f"No identity {identity!r} is known{known} See ANOPS_IDENTITY.")
    own = rules.identities[identity]
    held = {name: rules.roles[name] for name in own}
    readers = [role for name, role in held.items() if role.reads(name, product)]
    if not readers:
        return Decision((), _refusal(rules, identity, product, table.name, CLASSIFICATIONS[0]))
    asked = list(table.schema) if columns is None else list(columns)
    allowed = [
        name for name in asked if any(role.covers(table.classifications[name]) for role in readers)
    ]
    hidden = [name for name in asked if name not in allowed]
    if hidden and (columns is not None or not allowed):
        name = hidden[0]
        what = f"{table.name}.{name}, which is {table.classifications[name]}"
        return Decision((), _refusal(rules, identity, product, what, table.classifications[name]))
    return Decision(tuple(allowed))


def _refusal(
    rules: AccessRules, identity: str, product: Product, what: str, classification: str
) -> str:
    helping = sorted(
        name
        for name, role in rules.roles.items()
        if role.reads(name, product) and role.covers(classification)
    )
    roles = ", ".join(rules.identities[identity]) or "no role"
    help_ = f"the role {' or '.join(helping)} would help" if helping else "no role may"
    return f"{identity} ({roles}) may not read {what}; {help_}."
