"""Whatever is delivered, readers end, raise nothing but a refusal, and lose nothing untold."""

import json
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.ingestion.configuration.bulk_cm_reader import bulk_cm_configuration
from tasks.ingestion.configuration.nrm_reader import json_document, nrm_configuration
from tasks.ingestion.configuration.topology_reader import told_topology
from tasks.ingestion.delivered_bytes import UnreadableFileError

TEXTS = st.text(st.sampled_from("ab1=,\\ .<&\u00e9"), max_size=6)
NAMES = st.sampled_from(
    ["id", "attributes", "objectClass", "objectInstance", "ManagedElement", "NRCellDU", "header",
     "timestamp", "baseObjectInstance", "dnPrefix", "a", "", "vsDataType", "vsDataX"]
)  # fmt: skip
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(NAMES, TEXTS), inner, max_size=5)
    ),
    max_leaves=25,
)
TAGS = st.sampled_from(
    ["M", "x:SubNetwork", "attributes", "vsDataContainer", "vsDataType", "p", "configData",
     "fileFooter"]
)  # fmt: skip


@st.composite
def elements(draw, depth=4):
    tag = draw(TAGS)
    mark = draw(st.sampled_from(["", ' id="1"', ' id="2"', ' id=""', ' id="a,b"', ' u="x"']))
    inside = "".join(
        draw(st.lists(st.one_of(elements(depth - 1), st.just("7")), max_size=3)) if depth else []
    )
    return f"<{tag}{mark}>{inside}</{tag}>"


def sane(read):
    """Check what holds of every document that is read."""
    assert not read.rows.select("managed_object_dn", "attribute").is_duplicated().any()
    objects = read.rows.filter(attribute="objectClass")
    assert read.rows["managed_object_dn"].n_unique() == objects.height
    assert read.looks["objects_count"].sum() == objects.height
    assert read.looks["attributes_count"].sum() == read.rows.height - objects.height


@given(VALUES)
@settings(deadline=None, max_examples=100)
def test_any_json_is_read_or_refused(value):
    with suppress(UnreadableFileError):
        document, doubled = json_document(json.dumps(value).encode())
        sane(nrm_configuration(document, doubled))


@st.composite
def objects(draw, depth=3):
    told = {"id": draw(TEXTS), "attributes": draw(st.dictionaries(TEXTS, SCALARS, max_size=3))}
    for name in draw(st.sets(st.sampled_from(["A", "B", "c"]), max_size=2 if depth else 0)):
        told[name] = draw(st.lists(objects(depth - 1), max_size=2))
    return told


def told_ids(value):
    """Count the objects and attributes in a document."""
    own = 1 + len(value["attributes"])
    return own + sum(told_ids(one) for name, it in value.items() if name in "ABc" for one in it)


@given(st.lists(objects(), max_size=3))
@settings(deadline=None, max_examples=100)
def test_every_object_and_attribute_is_kept_or_told(tops):
    document, _ = json_document(json.dumps({"ManagedElement": tops}).encode())
    read = nrm_configuration(document)
    sane(read)
    asked = sum(told_ids(top) for top in tops)
    if read.rows.height < asked:
        assert read.remarks


@given(st.lists(elements(), max_size=4), st.integers(0, 400), st.integers(1, 50))
@settings(deadline=None, max_examples=100)
def test_any_bulk_cm_is_read_or_refused_in_pieces_as_whole(inside, cut, piece):
    text = (
        '<bulkCmConfigDataFile xmlns:x="n"><configData>'
        + "".join(inside)
        + '</configData><fileFooter dateTime="2026-03-01T00:00:00Z"/></bulkCmConfigDataFile>'
    ).encode()
    for content in (text, text[:cut]):
        said = []
        for step in (len(content) or 1, piece):
            pieces = [content[at : at + step] for at in range(0, len(content), step)]
            try:
                read = bulk_cm_configuration(iter(pieces))
                sane(read)
                said.append((read.rows.rows(), len(read.remarks)))
            except UnreadableFileError as error:
                said.append(error.reason)
        assert said[0] == said[1]
    if content != text:
        assert isinstance(said[0], str)


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=100)
def test_any_bytes_are_refused_or_read(content):
    for reader in (lambda: bulk_cm_configuration(iter([content])), lambda: json_document(content)):
        with suppress(UnreadableFileError):
            reader()


NODE_IDS = st.sampled_from(["a", "b", "c", "", 5, None])


@st.composite
def networks(draw):
    nodes = [{"node-id": draw(NODE_IDS)} for _ in range(draw(st.integers(0, 4)))]
    links = [
        {
            "link-id": draw(st.sampled_from(["l", "m", "n", None])),
            "source": draw(st.one_of(VALUES, st.fixed_dictionaries({"source-node": NODE_IDS}))),
            "destination": {"dest-node": draw(NODE_IDS)},
            "supporting-link": [
                {"link-ref": draw(st.sampled_from(["l", "m", "n", ""]))}
                for _ in range(draw(st.integers(0, 2)))
            ],
        }
        for _ in range(draw(st.integers(0, 4)))
    ]
    return {
        "network-id": draw(st.sampled_from(["x", "y", None])),
        "node": draw(st.one_of(st.just(nodes), VALUES)),
        "ietf-network-topology:link": draw(st.one_of(st.just(links), VALUES)),
    }


@given(st.one_of(VALUES, st.lists(networks(), max_size=3)))
@settings(deadline=None, max_examples=100)
def test_any_topology_is_read_or_refused_and_its_links_have_ends(value):
    document, _ = json_document(json.dumps({"ietf-network:networks": {"network": value}}).encode())
    try:
        read = told_topology(document)
    except UnreadableFileError:
        return
    nodes = {(row["network_id"], row["node_id"]) for row in read.nodes}
    assert len(nodes) == len(read.nodes)
    links = {(row["network_id"], row["link_id"]): row for row in read.links}
    assert len(links) == len(read.links)
    for (network, name), row in links.items():
        assert {(network, row["from_node_id"]), (network, row["to_node_id"])} <= nodes
        assert row["from_node_id"] != row["to_node_id"]
        assert name not in row["supported_by"]
    if isinstance(value, list):
        delivered = [one for one in value if isinstance(one, dict)]
        links_told = sum(
            len(one["ietf-network-topology:link"])
            for one in delivered
            if isinstance(one.get("ietf-network-topology:link"), list)
        )
        if len(read.links) < links_told and not read.remarks:
            same = [one["ietf-network-topology:link"] for one in delivered]
            assert any(links.count(link) > 1 for links in same for link in links)


@given(st.text(st.sampled_from('a\\"\U0001f4a5\ud800\udfff\n'), max_size=8), st.booleans())
def test_half_a_character_becomes_a_mark_and_all_others_stay(text, is_plain):
    content = json.dumps({"a": [text]}, ensure_ascii=not is_plain).encode("utf-8", "surrogatepass")
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    try:
        found, _ = json_document(content)
    except UnreadableFileError:
        assert is_plain
        return
    told = found["a"][0]
    told.encode()
    assert told.replace("\ufffd", "") == whole.replace("\ufffd", "")


def test_many_names_of_which_one_stands_twice_are_found_in_time():
    names = ",".join(f'"{number}":1' for number in range(200_000))
    _, doubled = json_document(f'{{{names},"7":2}}'.encode())
    assert doubled == ("7",)
