"""Where mapping files lie, and which folder each speaks about."""

from dataclasses import dataclass
from pathlib import Path

from semantic_layer.errors import InputError
from tasks.ingestion.deliveries import mapping_files
from tasks.ingestion.tables.mapping_files import SUFFIX, TableMapping, load_mapping


@dataclass(frozen=True, slots=True)
class MappingSource:
    """A mapping, the name it publishes under, and the folder that its `files` are looked for in."""

    name: str
    folder: Path
    mapping: TableMapping


def mapping_sources(folder: Path, shelf: Path | None = None) -> list[MappingSource]:
    """Return the mappings that speak about tables in `folder`, by name.

    Args:
        folder: of deliveries; its mapping files speak about the folder that they lie in.
        shelf: mapping files kept elsewhere; each counts if a file of `folder` fits it, and no
            mapping of that name was delivered.

    Raises:
        MappingError: a mapping file cannot be used.
        InputError: two delivered mappings have one name.
    """
    found: dict[str, MappingSource] = {}
    for path in mapping_files(folder):
        name = path.name.removesuffix(SUFFIX)
        if name in found:
            raise InputError(
                f"Two mapping files are called {path.name!r}, in {found[name].folder.name!r} and "
                f"{path.parent.name!r}; rows are published under that name, so rename one."
            )
        found[name] = MappingSource(name, path.parent, load_mapping(path))
    for path in mapping_files(shelf) if shelf is not None else []:
        name = path.name.removesuffix(SUFFIX)
        mapping = load_mapping(path)
        if name not in found and any(any(folder.glob(glob)) for glob in mapping.files):
            found[name] = MappingSource(name, folder, mapping)
    return [found[name] for name in sorted(found)]
