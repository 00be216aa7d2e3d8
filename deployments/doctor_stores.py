"""What `anops doctor` says of what a run keeps beside tables: hot copy, access, audit, lineage."""

import importlib.util
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from data_products.access import load_access_rules
from data_products.registry import products
from deployments.doctor_findings import Finding, ill, well
from semantic_layer.errors import AnopsError
from tasks.settings import Settings
from tasks.wiring import Services

_MOST_UNSENT = 100
_MOST_FRESH = 2_000


def examine_stores(chosen: Settings) -> Iterator[Finding]:
    """Yield a finding for each store and file beside the tables of record."""
    yield _hot_store(chosen)
    yield _access(chosen)
    yield _audit(chosen.root / "audit")
    yield _lineage(chosen)
    yield _maintenance(chosen)


def not_writable(folder: Path) -> str:
    """Return why a folder cannot be made or written; empty where it can."""
    probe = folder / ".writable"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        return str(error)
    return ""


def _hot_store(chosen: Settings) -> Finding:
    name = "hot store"
    if chosen.hot_store == "none":
        return well(name, "none is chosen; every read comes from the tables of record")
    url = chosen.hot_store_url or ""
    if url.startswith("chdb:") and importlib.util.find_spec("chdb") is None:
        return ill(name, f"{url} needs the package chdb; `pip install chdb`, or choose duckdb")
    try:
        with closing(Services(chosen)) as engines:
            store = engines.hot
            copied = [name for name in _table_names() if store and store.mark(name)]
    except AnopsError as error:
        return ill(name, str(error))
    if not copied:
        return well(name, f"{chosen.hot_store}: empty, or held by another process; reads come from "
                    "the tables of record until maintenance fills it")  # fmt: skip
    return well(name, f"{chosen.hot_store}: {len(copied)} tables copied")


def _table_names() -> list[str]:
    return [name for product in products().values() for name in product.tables]


def _access(chosen: Settings) -> Finding:
    path = chosen.access_rules
    try:
        rules = load_access_rules(path)
    except AnopsError as error:
        return ill("access", str(error))
    if chosen.identity not in rules.identities:
        known = ", ".join(sorted(rules.identities))
        return ill(
            "access",
            f"{path} does not know ANOPS_IDENTITY={chosen.identity!r}; it knows {known}",
        )
    return well("access", f"{path}: {len(rules.identities)} identities; you are {chosen.identity}")


def _audit(folder: Path) -> Finding:
    problem = not_writable(folder)
    if problem:
        return ill("audit", f"{folder} cannot be written, so no guarded read is given: {problem}")
    days = sum(1 for _ in folder.glob("reads-*.ndjson"))
    return well("audit", f"{folder}, {days} days of reads on record")


def _lineage(chosen: Settings) -> Finding:
    unsent = sum(1 for path in (chosen.root / "lineage" / "unsent").glob("*") if path.is_file())
    if not chosen.lineage_url and not unsent:
        return well("lineage", f"kept in files under {chosen.root / 'lineage'}")
    says = f"{unsent} events wait to be sent to {chosen.lineage_url or 'a server that was unset'}"
    if unsent > _MOST_UNSENT:
        return ill("lineage", f"{says}; does it answer? the oldest are given up beyond 5,000")
    return well("lineage", says)


def _maintenance(chosen: Settings) -> Finding:
    kinds: Counter[str] = Counter()
    try:
        with closing(Services(chosen)) as engines:
            for name in _table_names():
                kinds.update(each.kind for each in engines.maintenance.files(name))
    except AnopsError as error:
        return ill("maintenance", str(error))
    if not kinds:
        return well("maintenance", "no table has files yet")
    tidy = kinds["warm"] + kinds["cold"]
    says = f"{kinds.total():,} files: {tidy:,} compacted, {kinds['fresh']:,} as published"
    help_ = "`prefect deployment run maintain-tables/nightly`, or leave `anops serve` on at night"
    if kinds["fresh"] > _MOST_FRESH:
        return ill("maintenance", f"{says}; reads grow slow, run {help_}")
    return well("maintenance", says if tidy else f"{says}; tables were never compacted")
