"""What `anops doctor` looks at: each finding says what is so and what would help."""

import importlib.metadata
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from packaging.requirements import Requirement

from data_products.registry import products
from deployments.doctor_feed import examine_feed
from deployments.doctor_findings import Finding, ill, well
from deployments.doctor_stores import examine_stores, not_writable
from deployments.serve import api_url, is_answering
from semantic_layer.errors import AnopsError
from semantic_layer.loading import catalogue
from tasks.settings import Settings
from tasks.wiring import Services

_LEAST_FREE_GIB = 5
_GIB = 1024**3


def examine(chosen: Settings, port: int) -> Iterator[Finding]:
    """Yield a finding for everything that a run stands on, cheapest first."""
    yield _python()
    yield _packages()
    yield _home(chosen.root)
    yield _asked("definitions", _definitions)
    yield _asked("contracts", _contracts)
    yield _asked("tables", lambda: _tables(chosen))
    yield from examine_stores(chosen)
    yield examine_feed(chosen)
    yield _server(port)
    yield _workers(chosen)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    is_well = sys.version_info >= (3, 11)
    return Finding("Python", is_well, version if is_well else f"{version}; 3.11 or later is needed")


def _packages() -> Finding:
    wanted = [Requirement(line) for line in importlib.metadata.requires("anops") or []]
    outside = [
        f"{each.name} {installed} is outside {each.specifier}"
        for each in wanted
        if each.marker is None and (installed := _installed(each.name)) not in each.specifier
    ]
    return Finding(
        "packages",
        not outside,
        "; ".join(outside) + "; run `make clean setup`" if outside else f"{len(wanted)} as locked",
    )


def _installed(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "0"


def _home(root: Path) -> Finding:
    problem = not_writable(root)
    if problem:
        return ill("home", f"{root} cannot be written: {problem}; set ANOPS_HOME")
    free_gib = shutil.disk_usage(root).free / _GIB
    says = f"{root}, {free_gib:.0f} GiB free"
    if free_gib < _LEAST_FREE_GIB:
        return ill("home", f"{says}; fewer than {_LEAST_FREE_GIB} GiB stop a run, make room")
    return well("home", says)


def _asked(name: str, answer: Callable[[], str]) -> Finding:
    try:
        return well(name, answer())
    except AnopsError as error:
        return ill(name, str(error))


def _definitions() -> str:
    known = catalogue()
    return (
        f"{len(known.measurements)} measurements, {len(known.kpis)} KPIs, "
        f"catalogue version {known.version}"
    )


def _contracts() -> str:
    return ", ".join(f"{product.id} {product.version}" for product in products().values())


def _tables(chosen: Settings) -> str:
    with closing(Services(chosen)) as engines:
        bounds = {
            name: engines.tables.bounds(name)
            for product in products().values()
            for name in product.tables
        }
    known = [bound for bound in bounds.values() if bound]
    if not known:
        return f"none of {len(bounds)} tables was published yet; `anops run` publishes them"
    silent = sorted(name for name, bound in bounds.items() if not bound)
    newest = max(bound.end for bound in known)
    said = f"{len(known)} of {len(bounds)} published, newest to {newest:%Y-%m-%d %H:%M} UTC"
    return f"{said}; nothing yet of {', '.join(silent)}" if silent else said


def _server(port: int) -> Finding:
    url = api_url(port)
    if is_answering(url):
        return well("Prefect server", f"answers at {url}")
    return well("Prefect server", "not running; runs use a temporary one (`anops serve`)")


def _workers(chosen: Settings) -> Finding:
    if chosen.worker_pool == "serial":
        return well("workers", "in this process, one at a time")
    where = chosen.ray_address or f"a local Ray with {chosen.worker_count} workers, started on use"
    return well("workers", f"Ray: {where}")
