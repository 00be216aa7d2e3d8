"""Models within a model: their settings and arrays under a prefix each."""

from collections.abc import Mapping, Sequence

from tasks.stored_models import Array, Setting, StoredModel


def nested(
    name: str,
    members: Sequence[StoredModel],
    settings: Mapping[str, Setting],
    arrays: Mapping[str, Array],
) -> StoredModel:
    """Return one model of family `name` that holds the members, which read the same KPIs."""
    told: dict[str, Setting] = {"members": [member.family for member in members], **settings}
    held: dict[str, Array] = dict(arrays)
    for number, member in enumerate(members):
        told |= {f"{number}.{key}": value for key, value in member.settings.items()}
        held |= {f"{number}.{key}": array for key, array in member.arrays.items()}
    return StoredModel(name, members[0].kpis, told, held)


def member_model(model: StoredModel, number: int) -> StoredModel:
    """Return one of the models that `nested` put in."""
    prefix = f"{number}."
    families = model.settings["members"]
    if not isinstance(families, list):
        raise TypeError(f"Members of {model.family} are named in a list, not {families!r}.")
    settings = {
        key.removeprefix(prefix): value
        for key, value in model.settings.items()
        if key.startswith(prefix)
    }
    arrays = {
        key.removeprefix(prefix): array
        for key, array in model.arrays.items()
        if key.startswith(prefix)
    }
    return StoredModel(str(families[number]), model.kpis, settings, arrays)
