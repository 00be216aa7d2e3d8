"""Values of a TM Forum resource, taken with care: people's systems put anything anywhere."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from semantic_layer.errors import InputError
from semantic_layer.identity import normalized_dn
from tasks.ingestion.delivered_json import plain_text

_LONGEST_TEXT = 1 << 20
_SHOWN = 400
_CUT = " [cut: the text goes on]"
_YEARS = range(1970, 2200)


@dataclass(frozen=True, slots=True)
class Remark:
    """What of a resource cannot be used, and why."""

    key: str
    reason: str
    content: str


@dataclass(slots=True)
class ResourceReader:
    """Reads one resource, and keeps what is wrong with it in `remarks`."""

    resource: Mapping[str, Any]
    remarks: list[Remark] = field(default_factory=list)

    def text(self, *keys: str) -> str | None:
        """Return the text under the first of the keys that says something."""
        for key in keys:
            found = self.text_of(self.resource.get(key), key)
            if found is not None:
                return found
        return None

    def time(self, *keys: str) -> datetime | None:
        """Return the moment under the first of the keys that says something."""
        for key in keys:
            found = self.time_of(self.resource.get(key), key)
            if found is not None:
                return found
        return None

    def parts(self, *keys: str) -> Iterator[Mapping[str, Any]]:
        """Yield the objects that stand under the keys, one or a list."""
        for key in keys:
            found = self.resource.get(key)
            for part in found if isinstance(found, list) else [found]:
                if isinstance(part, Mapping):
                    yield part
                elif part is not None:
                    self.note(key, "What stands here is no object.", part)

    def text_of(self, value: object, key: str) -> str | None:
        """Return a value as text; null for nothing, and for what is none."""
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            self.note(key, f"{key} is no text.", value)
            return None
        told = plain_text(str(value)).replace("\x00", "").strip()
        if len(told) > _LONGEST_TEXT:
            self.note(key, f"{key} is longer than {_LONGEST_TEXT:,} characters and is cut.", told)
            told = told[:_LONGEST_TEXT] + _CUT
        return told or None

    def time_of(self, value: object, key: str) -> datetime | None:
        """Return a moment in UTC; one without a zone is read as UTC."""
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            self.note(key, f"{key} is no time.", value)
            return None
        try:
            told = datetime.fromisoformat(value.strip())
            moment = told.replace(tzinfo=told.tzinfo or UTC).astimezone(UTC)
        except (ValueError, OverflowError):
            self.note(key, f"{key} is no time.", value)
            return None
        if moment.year not in _YEARS:
            self.note(key, f"{key} lies in no year that a network had.", value)
            return None
        return moment

    def note(self, key: str, reason: str, content: object) -> None:
        """Keep a remark."""
        self.remarks.append(Remark(key, reason, shown(content)))


def shown(value: object) -> str:
    """Return a value as far as it is worth keeping."""
    return plain_text(str(value))[:_SHOWN]


def object_dn(reader: ResourceReader, entity: Mapping[str, Any]) -> str | None:
    """Return the DN that an entity names by `id`, `name` or `href`; null where none of them is."""
    for key in ("id", "name", "href"):
        told = entity.get(key)
        if isinstance(told, str) and "=" in told and "://" not in told:
            try:
                return normalized_dn(plain_text(told))
            except InputError:
                continue
    reader.note("entity", "The entity names no managed object.", dict(entity))
    return None


def party_name(reader: ResourceReader, roles: tuple[str, ...]) -> str | None:
    """Return the name of the first related party that has one of the roles, in order of roles."""
    told: dict[str, str] = {}
    for party in reader.parts("relatedParty"):
        role = reader.text_of(party.get("role"), "relatedParty.role") or ""
        name = reader.text_of(party.get("name"), "relatedParty.name") or reader.text_of(
            party.get("id"), "relatedParty.id"
        )
        if name is not None:
            told.setdefault(role.lower(), name)
    return next((told[role] for role in roles if role in told), None)
