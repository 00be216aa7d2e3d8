"""From a contract to a product: columns typed and bounded by the semantic layer's definitions.

A contract repeats nothing of a definition: a column names its page there
(`authoritativeDefinitions`), or a table takes all pages of a kind (`columnsFrom`).
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast, get_args

import polars as pl
from open_data_contract_standard.model import CustomProperty, SchemaObject, SchemaProperty

from data_products.contract_rules import rules_of, sla_rules
from data_products.contract_source import ContractError, ContractSource, Keys, read_contract
from data_products.contract_terms import classification_of, owner_of, service_levels, support_of
from data_products.product import TIME, Column, Product, ProductTable
from semantic_layer.errors import did_you_mean
from semantic_layer.kpis import Kpi
from semantic_layer.loading import Catalogue
from semantic_layer.managed_objects import Technology
from semantic_layer.measurements import Measurement

_PAGES = {"semantic_layer/measurement": "measurements", "semantic_layer/kpi": "kpis"}
_SETS = {"semantic_layer/measurements": "measurements", "semantic_layer/kpis": "kpis"}
_SCALARS: dict[str, pl.DataType] = {
    "string": pl.String(),
    "timestamp": TIME,
    "number": pl.Float64(),
    "integer": pl.Int64(),
    "boolean": pl.Boolean(),
}
_LOGICAL_TYPES = (*_SCALARS, "array", "object")


def load_contract(path: Path, catalogue: Catalogue) -> Product:
    """Return the product that a contract file promises.

    Raises:
        ContractError: with every problem of the file, its line and a suggestion.
    """
    source = read_contract(path)
    model = source.model
    _check_head(source, path.parent.name)
    product = model.id or path.parent.name
    tables = [
        _table(source, catalogue, product, index, schema)
        for index, schema in enumerate(model.schema_ or [])
    ]
    if source.problems:
        raise ContractError(source.problems)
    description = model.description
    inputs = {
        name
        for schema in model.schema_ or []
        for name in _custom_list(schema.customProperties, "inputs")
    }
    return Product(
        id=product,
        version=model.version or "",
        purpose=(description and description.purpose) or "",
        limitations=(description and description.limitations) or "",
        tables={table.name: table for table in tables},
        inputs=tuple(sorted(inputs)),
        access={role.role or "": role.access or "" for role in model.roles or []},
        owner=owner_of(model),
        support=support_of(model),
        domain=model.domain or "",
        service_levels=service_levels(model),
    )


def _check_head(source: ContractSource, folder: str) -> None:
    model = source.model
    expected = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": folder}
    for key, value in expected.items():
        if getattr(model, key) != value:
            source.report(f"{key} must be {value!r}; it is {getattr(model, key)!r}.", key)
    for key in ("version", "status", "description"):
        if not getattr(model, key):
            source.report(f"A contract must have the key {key!r}.")
    if not model.schema_:
        source.report("A contract must have a schema with at least one table.", "schema")
    elif model.schema_[0].name != folder:
        source.report(f"The first table must be {folder!r}, as the product.", "schema", 0)


def _table(
    source: ContractSource, catalogue: Catalogue, product: str, index: int, schema: SchemaObject
) -> ProductTable:
    properties = schema.properties or []
    path = ("schema", index)
    columns = [
        _column(source, catalogue, item, (*path, "properties", place))
        for place, item in enumerate(properties)
    ]
    columns += _definition_columns(source, catalogue, schema, path)
    names = [column.name for column in columns]
    for name in sorted({name for name in names if names.count(name) > 1}):
        source.report(f"Column {name!r} stands twice in table {schema.name!r}.", *path)
    time = _time_property(source, schema, path)
    ends_at = _custom(time.customProperties, "endsAt") if time else None
    if ends_at is not None and ends_at not in names:
        source.report(f"endsAt names no column {ends_at!r}{did_you_mean(ends_at, names)}", *path)
    key = sorted(
        (item for item in properties if item.primaryKey), key=lambda it: it.primaryKeyPosition or 0
    )
    if not key and _custom(schema.customProperties, "key") != "none":
        source.report(
            f"Table {schema.name!r} needs a column marked 'primaryKey: true', or the custom "
            "property 'key: none'.",
            *path,
        )
    return ProductTable(
        name=product if schema.name == product else f"{product}.{schema.name}",
        version=source.model.version or "",
        columns=tuple(columns),
        key=tuple(item.name or "" for item in key),
        time_column=(time.name or "") if time else "",
        end_column=ends_at,
        scope=tuple(
            item.name or ""
            for item in sorted(properties, key=lambda it: it.partitionKeyPosition or 0)
            if item.partitioned and item is not time
        ),
        rules=(*rules_of(source, index, columns), *sla_rules(source, schema.name or "", names)),
        inputs=tuple(_custom_list(schema.customProperties, "inputs")),
        consumers=tuple(_custom_list(schema.customProperties, "consumers")),
        sources=tuple(_custom_list(schema.customProperties, "sources")),
        description=schema.dataGranularityDescription or schema.description or "",
    )


def _time_property(
    source: ContractSource, schema: SchemaObject, path: Keys
) -> SchemaProperty | None:
    found = [
        item
        for item in schema.properties or []
        if item.partitioned and item.logicalType == "timestamp"
    ]
    if len(found) != 1:
        source.report(
            f"Table {schema.name!r} needs exactly one timestamp marked 'partitioned: true', by "
            f"which it is replaced; it has {len(found)}.",
            *path,
        )
        return None
    return found[0]


def _column(
    source: ContractSource, catalogue: Catalogue, item: SchemaProperty, path: Keys
) -> Column:
    if not item.name:
        source.report("A column must have a name.", *path)
    pages = [page.url or "" for page in item.authoritativeDefinitions or []]
    bounds: tuple[float | None, float | None] = (None, None)
    for page in pages:
        bounds = _page_bounds(source, catalogue, item, page, path)
    options = item.logicalTypeOptions or {}
    return Column(
        name=item.name or "",
        dtype=_dtype(source, item, path),
        is_required=bool(item.required or item.primaryKey),
        definition=pages[0] if pages else "",
        low=options.get("minimum", bounds[0]),
        high=options.get("maximum", bounds[1]),
        allowed=tuple(str(value.value) for value in item.enum or []),
        pattern=options.get("pattern", ""),
        place=source.place(*path),
        classification=classification_of(source, item, path),
        description=item.description or "",
        derived_from=tuple(_custom_list(item.customProperties, "derivedFrom")),
    )


def _page_bounds(
    source: ContractSource,
    catalogue: Catalogue,
    item: SchemaProperty,
    page: str,
    path: Keys,
) -> tuple[float | None, float | None]:
    kind, _, name = page.rpartition("/")
    if kind not in _PAGES:
        known = [f"{known}/..." for known in _PAGES]
        source.report(f"No definitions under {page!r}; known are {' and '.join(known)}.", *path)
        return None, None
    known_names = cast("Mapping[str, Measurement | Kpi]", getattr(catalogue, _PAGES[kind]))
    if name not in known_names:
        source.report(f"No definition {page!r}{did_you_mean(name, known_names)}", *path)
        return None, None
    definition = known_names[name]
    if definition.column != item.name:
        source.report(
            f"Column {item.name!r} refers to {page!r}, whose column is {definition.column!r}.",
            *path,
        )
    return definition.low, definition.high


def _definition_columns(
    source: ContractSource, catalogue: Catalogue, schema: SchemaObject, path: Keys
) -> Iterator[Column]:
    named = _custom(schema.customProperties, "columnsFrom")
    if named is None:
        return
    if named not in _SETS:
        source.report(
            f"columnsFrom knows no {named!r}{did_you_mean(named, _SETS)}",
            *path,
            "customProperties",
        )
        return
    place = source.place(*path, "customProperties")
    singular = next(page for page, group in _PAGES.items() if group == _SETS[named])
    wanted = _custom_list(schema.customProperties, "technologies")
    for unknown in sorted(set(wanted) - set(get_args(Technology))):
        near = did_you_mean(unknown, get_args(Technology))
        source.report(f"technologies knows no {unknown!r}{near}", *path, "customProperties")
    for name, definition in getattr(catalogue, _SETS[named]).items():
        if wanted and definition.technology not in wanted:
            continue
        is_vector = getattr(definition, "shape", "scalar") == "vector"
        yield Column(
            name=definition.column,
            dtype=pl.List(pl.Float64()) if is_vector else pl.Float64(),
            definition=f"{singular}/{name}",
            low=definition.low,
            high=definition.high,
            place=place,
        )


def _dtype(source: ContractSource, item: SchemaProperty, path: Keys) -> pl.DataType:
    kind = item.logicalType or ""
    if kind == "array" and item.items is not None:
        return pl.List(_dtype(source, item.items, (*path, "items")))
    if kind == "object" and item.properties:
        return pl.Struct(
            {
                part.name or "": _dtype(source, part, (*path, "properties", index))
                for index, part in enumerate(item.properties)
            }
        )
    if kind == "integer" and item.physicalType == "int32":
        return pl.Int32()
    if kind in _SCALARS:
        return _SCALARS[kind]
    source.report(
        f"Column {item.name!r} has no usable logicalType ({kind or 'none'})"
        f"{did_you_mean(kind, _LOGICAL_TYPES)}",
        *path,
        "logicalType",
    )
    return pl.String()


def _custom(properties: list[CustomProperty] | None, name: str) -> str | None:
    found = _custom_list(properties, name)
    return found[0] if found else None


def _custom_list(properties: list[CustomProperty] | None, name: str) -> list[str]:
    for item in properties or []:
        if item.property == name:
            values = item.value if isinstance(item.value, list) else [item.value]
            return [str(value) for value in values]
    return []
