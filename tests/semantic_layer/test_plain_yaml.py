"""YAML from people's hands: whatever it holds, it is read or told, and never ends the process."""

import pytest
import yaml

from data_products.access import load_access_rules
from data_products.consumption import load_consumers
from data_products.contract_source import read_contract
from semantic_layer.detection import load_detection
from semantic_layer.errors import AnopsError
from semantic_layer.loading import load_catalogue
from semantic_layer.plain_yaml import read_yaml
from semantic_layer.services import load_services
from tasks.ingestion.configuration.inventory_layout import load_inventory
from tasks.ingestion.tables.mapping_files import load_mapping

HOSTILE = {
    "aliases that grow": b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    "an alias of itself": b"a: &a [*a]\n",
    "depth": b"a: " + b"[" * 100_000 + b"]" * 100_000,
    "depth by lines": b"- " * 3_000 + b"a",
    "a day that never was": b"a: 2026-13-45\n",
    "an odd number": b"a: !!int x\n",
    "an empty number": b"a: !!int ''\n",
    "an odd time": b"a: !!timestamp x\n",
    "an odd flag": b"a: !!bool x\n",
    "odd bytes": b"a: !!binary x\n",
    "a key of lists": b"? [a]\n: b\n",
    "a foreign object": b"a: !!python/object/apply:os.system [ls]\n",
    "no text": b"a: \xff\n",
    "a NUL": b"a: \x00\n",
    "half a list": b"a: [",
    "nothing": b"",
}
READERS = {
    "access.yaml": load_access_rules,
    "consumers.yaml": load_consumers,
    "contract.yaml": read_contract,
    "detection.yaml": load_detection,
    "services.yaml": load_services,
    "own.inventory.yaml": load_inventory,
    "own.mapping.yaml": load_mapping,
    "measurements/own.yaml": lambda path: load_catalogue(path.parents[1]),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("name", READERS)
def test_no_file_from_a_person_ends_in_more_than_a_told_error(tmp_path, name, content):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    with pytest.raises(AnopsError, match=r".+"):
        READERS[name](path)


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_plain_yaml_is_one_kind_of_error(content):
    if content in (b"", HOSTILE["no text"]):
        return
    with pytest.raises(yaml.YAMLError):
        read_yaml(content.decode())


def test_plain_yaml_keeps_its_lines():
    node, held = read_yaml("a: 1\nb: [x, 2026-01-05]\n")
    assert held["a"] == 1
    assert node.value[1][0].start_mark.line == 1
    assert read_yaml("# nothing\n") == (None, None)
