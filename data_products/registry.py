"""All products, read from their contracts once, and who consumes whom."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from data_products.contract import load_contract
from data_products.contract_source import ContractError
from data_products.product import Product, ProductTable
from semantic_layer.errors import UnknownNameError
from semantic_layer.loading import Catalogue, catalogue
from semantic_layer.yaml_source import Problem

_FOLDER = Path(__file__).parent


@cache
def products() -> Mapping[str, Product]:
    """Return every product by its id, expanded with the packaged catalogue.

    Raises:
        ContractError: with every problem of every contract.
    """
    return load_products(_FOLDER, catalogue())


def load_products(folder: Path, definitions: Catalogue) -> dict[str, Product]:
    """Return the products whose contracts lie in the sub-folders of `folder`.

    Raises:
        ContractError: with every problem of every contract, and of inputs that nobody publishes.
    """
    found: dict[str, Product] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*/contract.yaml")):
        try:
            product = load_contract(path, definitions)
        except ContractError as error:
            problems += error.problems
        else:
            found[product.id] = product
    tables = {name for product in found.values() for name in product.tables}
    if not problems:
        problems += [
            Problem(f"{name}/contract.yaml", 1, str(UnknownNameError.of("table", it, tables)))
            for name, product in found.items()
            for it in product.inputs
            if it not in tables
        ]
    if problems:
        raise ContractError(problems)
    return found


def product(name: str) -> Product:
    """Return a product.

    Raises:
        UnknownNameError: nothing publishes it.
    """
    if name not in products():
        raise UnknownNameError.of("product", name, products())
    return products()[name]


def table(name: str) -> ProductTable:
    """Return a table by its full name, `product` or `product.table`.

    Raises:
        UnknownNameError: no product has it.
    """
    tables = {full: it for one in products().values() for full, it in one.tables.items()}
    if name not in tables:
        raise UnknownNameError.of("table", name, tables)
    return tables[name]


def consumers(name: str) -> tuple[str, ...]:
    """Return the products that are derived from a table, sorted."""
    return tuple(sorted(one.id for one in products().values() if name in one.inputs))
