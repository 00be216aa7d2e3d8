"""Where mapping files lie, and which folder each speaks about."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from semantic_layer.errors import InputError
from tasks.ingestion.deliveries import mapping_files
from tasks.ingestion.tables.archived_files import is_there
from tasks.ingestion.tables.mapping_files import TableMapping, parse_mapping
from tasks.ingestion.tables.record_mappings import RECORDS, RecordMapping, parse_record_mapping
from tasks.ingestion.tables.table_layout import SUFFIX, TableLayout, mapping_text, yaml_mapping


@dataclass(frozen=True, slots=True)
class MappingSource:
    """A mapping, the name it publishes under, and the folder that its `files` are looked for in."""

    name: str
    folder: Path
    mapping: TableMapping


@dataclass(frozen=True, slots=True)
class RecordSource:
    """A mapping into records, the name it publishes under, and the folder of its `files`."""

    name: str
    folder: Path
    mapping: RecordMapping


def mapping_sources(folder: Path, shelf: Path | None = None) -> list[MappingSource]:
    """Return the mappings into measurements, KPIs and topology that speak about `folder`, by name.

    Args:
        folder: of deliveries; its mapping files speak about the folder that they lie in.
        shelf: mapping files kept elsewhere; each counts if a file of `folder` fits it, and no
            mapping of that name was delivered.

    Raises:
        MappingError: a mapping file cannot be used.
        InputError: two delivered mappings have one name.
    """
    return [
        MappingSource(name, place, mapping)
        for name, (place, mapping) in _found(folder, shelf).items()
        if isinstance(mapping, TableMapping)
    ]


def record_sources(folder: Path, shelf: Path | None, into: str) -> list[RecordSource]:
    """Return the mappings into the records `into`, such as `alarms`, by name.

    Args:
        folder: of deliveries.
        shelf: mapping files kept elsewhere, as for `mapping_sources`.
        into: as the mapping files name it.

    Raises:
        MappingError, InputError: as `mapping_sources`.
    """
    return [
        RecordSource(name, place, mapping)
        for name, (place, mapping) in _found(folder, shelf).items()
        if isinstance(mapping, RecordMapping) and mapping.into == into
    ]


def _found(folder: Path, shelf: Path | None) -> dict[str, tuple[Path, TableLayout]]:
    found: dict[str, tuple[Path, TableLayout]] = {}
    for path in mapping_files(folder):
        name = path.name.removesuffix(SUFFIX)
        if name in found:
            raise InputError(
                f"Two mapping files are called {path.name!r}, in {found[name][0].name!r} and "
                f"{path.parent.name!r}; rows are published under that name, so rename one."
            )
        found[name] = (path.parent, loaded_mapping(path))
    for path in mapping_files(shelf) if shelf is not None else []:
        name = path.name.removesuffix(SUFFIX)
        mapping = loaded_mapping(path)
        if name not in found and any(is_there(folder, glob) for glob in mapping.files):
            found[name] = (folder, mapping)
    return dict(sorted(found.items()))


def loaded_mapping(path: Path) -> TableMapping | RecordMapping:
    """Return the mapping of a file, read as what its `into` says that it is.

    Raises:
        MappingError: it cannot be used.
    """
    text = mapping_text(path)
    into = yaml_mapping(text, path.name)[0].get("into")
    read: Callable[[str, str], TableMapping | RecordMapping]
    read = parse_record_mapping if isinstance(into, str) and into in RECORDS else parse_mapping
    return read(text, path.name)
