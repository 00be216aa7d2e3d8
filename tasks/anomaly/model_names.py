"""What models are called in the registry, and the roles that they hold there."""

from semantic_layer.periods import GRANULARITIES

CHAMPION = "champion"
"""The alias of the version that serves."""

CHALLENGER = "challenger"
"""The alias of the version that scores beside it."""

_PRODUCT = "cell_anomalies"
_MAIN_CLASS = "NRCellDU"
_MAIN_GRANULARITY = "15min"


def model_name(
    profile: str, object_class: str = _MAIN_CLASS, granularity: str = _MAIN_GRANULARITY
) -> str:
    """Return the registry's name for the model of a profile of cells.

    Cells of another class have other KPIs, and other granularities other habits, so their models
    have names of their own.

    >>> model_name("profile-03")
    'cell_anomalies.profile-03'
    >>> model_name("all", "EUtranCellFDD", "day")
    'cell_anomalies.all.EUtranCellFDD.day'
    """
    parts = [_PRODUCT, profile]
    if object_class != _MAIN_CLASS:
        parts.append(object_class)
    if granularity != _MAIN_GRANULARITY:
        parts.append(granularity)
    return ".".join(parts)


def named_cells(name: str) -> tuple[str, str, str] | None:
    """Return profile, object class and granularity of a name; None where it names something else.

    >>> named_cells("cell_anomalies.profile-03.day")
    ('profile-03', 'NRCellDU', 'day')
    """
    product, _, rest = name.partition(".")
    if product != _PRODUCT or not rest:
        return None
    profile, *more = rest.split(".")
    granularity = more.pop() if more and more[-1] in GRANULARITIES else _MAIN_GRANULARITY
    object_class = more.pop() if more else _MAIN_CLASS
    return None if more else (profile, object_class, granularity)


def model_reference(name: str, version: int) -> str:
    """Return how published rows name a version.

    >>> model_reference("cell_anomalies.all", 3)
    'cell_anomalies.all/3'
    """
    return f"{name}/{version}"
