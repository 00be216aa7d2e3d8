"""Readers of what people write for the program: mappings, contracts, definitions, questions."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import polars as pl

from data_products.access import load_access_rules
from data_products.consumption import load_consumers
from data_products.contract import load_contract
from data_products.lineage_graph import lineage_graph
from data_products.lineage_impact import impact_of, parsed_change
from data_products.registry import products
from semantic_layer import identity
from semantic_layer.detection import load_detection
from semantic_layer.errors import AnopsError, DefinitionError, InputError
from semantic_layer.loading import PACKAGED, catalogue, load_catalogue
from semantic_layer.metric_queries import MetricQuery, planned
from semantic_layer.metric_queries_predicates import polars_predicate, sql_predicate
from semantic_layer.services import load_services
from semantic_layer.synonyms import plain_words, reference
from semantic_layer.units import parse_unit, readable_unit
from tasks.ingestion.tables.mapping_files import TableMapping, load_mapping
from tasks.ingestion.tables.mapping_sources import mapping_sources
from tasks.ingestion.tables.record_mappings import load_record_mapping
from tests.conftest import REPOSITORY
from tests.fuzzing.seeds import texts
from tests.fuzzing.target import Outcome, Target, must

_Reader = Callable[[bytes, Path], Outcome]


def _judged(read: Callable[[], object], *allowed: type[AnopsError]) -> Outcome:
    """Return what reading gave: something, or the one error that says what is wrong."""
    try:
        read()
    except allowed as error:
        must(bool(str(error).strip()), "An error says nothing.")
        return Outcome(0, 1)
    return Outcome(1, 0)


def _file(name: str, read: Callable[[Path], object], *allowed: type[AnopsError]) -> _Reader:
    def take(data: bytes, folder: Path) -> Outcome:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return _judged(lambda: read(path), *allowed)

    return take


def _contract(path: Path) -> object:
    named = re.search(rb"^id: (\w+)\s*$", path.read_bytes(), re.MULTILINE)
    place = path.parent / (named[1].decode() if named else "ran_kpis")
    place.mkdir(exist_ok=True)
    return load_contract(path.replace(place / "contract.yaml"), catalogue())


def _any_mapping(path: Path) -> object:
    for load in (load_mapping, load_record_mapping):
        _judged(lambda load=load: load(path), InputError)  # type: ignore[misc]
    return mapping_sources(path.parent)


def _folder_of_definitions(path: Path) -> object:
    kinds = {
        "standard_name": "measurements", "numerator": "kpis", "probable_cause": "alarms",
        "cause": "correlation", "counters": "vendors",
    }  # fmt: skip
    text = path.read_bytes()
    kind = next(
        (kind for word, kind in kinds.items() if word.encode() in text[:400]), "measurements"
    )
    place = path.parent / "catalogue" / kind
    place.mkdir(parents=True, exist_ok=True)
    for old in path.parent.rglob("catalogue/*/*.yaml"):
        old.unlink()
    (place / "own.yaml").write_bytes(text)
    return load_catalogue(PACKAGED, path.parent / "catalogue")


def read_dn(data: bytes, _folder: Path) -> Outcome:
    """Read a DN, write it again, and hold the functions on one against those on columns."""
    text = data.decode(errors="replace")
    try:
        steps = identity.parse_dn(text)
        normal = identity.normalized_dn(text)
    except InputError as error:
        must(bool(str(error)), "An error says nothing.")
        return Outcome(0, 1)
    must(
        identity.parse_dn(identity.format_dn(steps)) == steps, "A DN is not read as it was written."
    )
    must(identity.normalized_dn(normal) == normal, "A normal DN has another normal form.")
    column = pl.DataFrame({"dn": [normal]}).select(
        identity.managed_element_expression("dn").alias("element"),
        identity.cell_dn_expression("dn").alias("cell"),
        identity.object_class_expression("dn").alias("class"),
    )
    one = (
        identity.managed_element_dn(normal),
        identity.cell_dn_of(normal),
        identity.object_class_of(normal),
    )
    must(
        "\n" in normal or column.row(0) == one,
        f"Of {normal!r} one says {one}, a column {column.row(0)}.",
    )
    above = identity.parent(normal)
    must(above is None or normal.startswith(above + ","), "A parent is no beginning of the name.")
    return Outcome(1, 0)


def read_joined_dn(data: bytes, _folder: Path) -> Outcome:
    """Put a DN together from the three parts that a file gives."""
    parts = [*data.decode(errors="replace").split("|"), "", "", ""][:3]
    return _judged(lambda: _whole(parts), InputError)


def _whole(parts: list[str]) -> None:
    joined = identity.joined_dn(*parts)
    must(joined == "" or bool(identity.parse_dn(joined)), "A joined DN is none.")


def read_condition(data: bytes, _folder: Path) -> Outcome:
    """Read a metric query's condition, and write it as an expression and as SQL."""
    text = data.decode(errors="replace")

    def read() -> None:
        plan = planned(MetricQuery(("prb_usage_dl",), ("band",), "hour", text), catalogue())
        for condition in (plan.row_condition, plan.group_condition):
            if condition is not None:
                str(polars_predicate(condition))
                for dialect in ("duckdb", "clickhouse"):
                    must(bool(sql_predicate(condition, dialect)), "SQL says nothing.")  # type: ignore[arg-type]

    return _judged(read, InputError, DefinitionError)


def read_names(data: bytes, _folder: Path) -> Outcome:
    """Look names up: of KPIs and dimensions in a query, of things in the lineage, of changes."""
    name, _, change = data.decode(errors="replace").partition("|")
    graph = lineage_graph()

    def impact() -> object:
        return impact_of(parsed_change(name, change), graph, catalogue(), products())

    readers: Iterable[Callable[[], object]] = (
        lambda: graph.upstream(name),
        lambda: graph.downstream(name),
        impact,
        lambda: planned(MetricQuery((name,), tuple(change.split(","))), catalogue()),
        lambda: (plain_words(name), reference(name)),
        lambda: catalogue().alarm_of(name, change),
    )
    outcomes = [_judged(read, InputError, DefinitionError) for read in readers]
    return Outcome(sum(it.told for it in outcomes), sum(it.faults for it in outcomes))


def read_unit(data: bytes, _folder: Path) -> Outcome:
    """Read a unit, and convert it to itself."""
    text = data.decode(errors="replace")

    def read() -> None:
        unit = parse_unit(text)
        must(unit.factor_to(unit) == 1.0, "A unit is not as large as itself.")
        readable_unit(text)

    return _judged(read, InputError, DefinitionError)


def _files(*patterns: str) -> Callable[[], list[bytes]]:
    return lambda: [path.read_bytes() for it in patterns for path in sorted(REPOSITORY.glob(it))]


def _own_definitions() -> list[bytes]:
    """Return packaged definitions under names that stand beside the packaged ones."""
    names = ("measurements/site", "kpis/site", "alarms/optical", "correlation/synchronization")
    files = (PACKAGED / f"{name}.yaml" for name in names)
    told = [re.sub(r"(- name: |standard_name: )", r"\1own_", path.read_text()) for path in files]
    told += [_DEFINITIONS, *(path.read_text() for path in sorted(PACKAGED.glob("vendors/*.yaml")))]
    return texts(told)


def _mapping_seeds() -> list[bytes]:
    from tests.fuzzing.table_targets import MAPPINGS

    return [*texts(MAPPINGS), *_files("deployments/mappings/*.mapping.yaml")()]


_DEFINITIONS = """\
- name: own_calls
  title: Calls
  standard_name: Own.Calls
  technology: NR
  object_class: NRCellDU
  unit: 1
  source: TS 28.552
  description: Calls.
"""
_YAML_WORDS = ("&a", "*a", "<<: *a", "!!python/none", "- ", "? ", "|", ">", "{", "}", "[", "]",
                                                                                        "null",
                                                                                        "~", "yes",
               ".inf", "0x1f", "2026-13-01", "2026-01-05", "1:2:3", "---", "...", "%YAML 9.9",
               "\t", "#", "''")  # fmt: skip
_MAPPING_WORDS = (*_YAML_WORDS, *TableMapping.model_fields, "mapping: 1", "by_name",
                  "network_topology", "keep",
                  "{column}", "zone", "../../etc", "epoch", "values", "unpivot", "templates", "/",
                  "\x00.mapping.yaml")  # fmt: skip
_CONDITION_WORDS = ("and", "or", "not", "(", ")", "=", "!=", "<=", ">", "in", "contains",
                                          "is null", "is not null",
                    "band", "site", "cell", "region", "prb_usage_dl", "'a'", '"b"', "1e400", "-1",
                    ",", "between",
                    "like", "((((((((((", "not not not", "n78", "''", ";--")  # fmt: skip
_NAME_WORDS = ("prb_usage_dl", "ran_kpis", "pm_measurements", "cell_dn", "removed", "unit=kbit",
               "renamed=a", "|",
               "band,site", "pm_measurements.cell_dn", "RRU.PrbTotDl", "=", ".",
               "alarms")  # fmt: skip
_DN_WORDS = ("=", ",", "\\", "\\,", "\\2c", "\\c3\\a9", "\\c3", "SubNetwork=1",
             "ManagedElement=7", "NRCellCU=3",
             "GNBCUCPFunction=1", "NRCellDU=3", "ENodeBFunction=1", "EUtranCellFDD=2", " ", "#",
             '"', "+", ";", "|", "\\ ")  # fmt: skip

_CONTRACT_WORDS = (
    "schema", "properties", "primaryKey", "logicalType", "semantic_layer/kpis", "partitioned",
    "authoritativeDefinitions", "quality", "mustBe", "arguments", "customProperties", "items",
)  # fmt: skip
_UNIT_WORDS = ("/", "*", "^2", "m", "k", "M", "bit", "s", "1", "e", "\u00b7", " ")
_DNS = (
    "SubNetwork=1,ManagedElement=7,GNBDUFunction=1,NRCellDU=3", "A=a\\, b,NRCellCU=\\2c",
    "ManagedElement=7,ENodeBFunction=1,EUtranCellFDD=2",
)  # fmt: skip
_JOINED = ("SubNetwork=1|7|GNBDUFunction=1,NRCellDU=3", "|ManagedElement=7|ManagedElement=7,A=1")
_CONDITIONS = (
    "band = n78 and not site = S001", 'site contains "0"',
    "prb_usage_dl > 50 or (band in (n1, 'n28') and cell is not null)",
)  # fmt: skip
_NAMES = ("prb_usage_dl|removed", "ran_kpis|unit=kbit", "calls|band,site")
_UNITS = ("Mbit/s", "bit/J", "%", "kWh", "dBm", "1/h", "MB*s/kbit")

DEFINITION_TARGETS = (
    Target(
        "mapping_files", "yaml", _file("own.mapping.yaml", _any_mapping, InputError),
        _mapping_seeds, _MAPPING_WORDS,
    ),
    Target(
        "contracts", "yaml", _file("contract.yaml", _contract, DefinitionError),
        _files("data_products/*/contract.yaml"), (*_YAML_WORDS, *_CONTRACT_WORDS),
    ),
    Target(
        "definitions", "yaml", _file("own.yaml", _folder_of_definitions, DefinitionError),
        _own_definitions,
        (*_YAML_WORDS, "name", "numerator", "denominator", "unit", "object_class", "cause"),
        longest=6_000,
    ),
    Target(
        "access_rules", "yaml", _file("access.yaml", load_access_rules, DefinitionError),
        _files("deployments/access.yaml"), (*_YAML_WORDS, "roles", "identities", "sees"),
    ),
    Target(
        "detection_rules", "yaml", _file("detection.yaml", load_detection, DefinitionError),
        _files("semantic_layer/catalogue/detection.yaml"), (*_YAML_WORDS, "value", "severities"),
    ),
    Target(
        "services", "yaml", _file("services.yaml", load_services, DefinitionError),
        _files("semantic_layer/catalogue/services.yaml"), _YAML_WORDS,
    ),
    Target(
        "consumers", "yaml", _file("consumers.yaml", load_consumers, DefinitionError),
        _files("data_products/consumers.yaml"), _YAML_WORDS,
    ),
    Target("dn", "text", read_dn, lambda: texts(_DNS), _DN_WORDS, longest=400),
    Target(
        "joined_dn", "text", read_joined_dn, lambda: texts(_JOINED), _DN_WORDS, longest=400,
        silence_is_fine=True,
    ),
    Target(
        "conditions", "text", read_condition, lambda: texts(_CONDITIONS), _CONDITION_WORDS,
        longest=4_000,
    ),
    Target("names", "text", read_names, lambda: texts(_NAMES), _NAME_WORDS, longest=300),
    Target("units", "text", read_unit, lambda: texts(_UNITS), _UNIT_WORDS, longest=120),
)  # fmt: skip
