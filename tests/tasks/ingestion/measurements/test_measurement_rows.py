import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.ingestion.measurements.measurement_batches import measured_batch, merged
from tests.tasks.ingestion import written
from tests.tasks.ingestion.written import DAY, NAME, info, listed, measurement_file, value

CU, DU = "GNBCUCPFunction=1,NRCellCU=3", "GNBDUFunction=1,NRCellDU=3"
CELL = "SubNetwork=1,ManagedElement=7,GNBDUFunction=1,NRCellDU=3"
ATTEMPTS, SUCCESSES = "rrc_conn_estab_att_count", "rrc_conn_estab_succ_count"


@pytest.fixture
def read(tmp_path):
    def read_files(*texts, names=(), window=DAY):
        paths = []
        for number, text in enumerate(texts):
            name = names[number] if names else f"A20260105.1200+0000-1215+0000_{number}.xml"
            (tmp_path / name).write_text(text)
            paths.append(str(tmp_path / name))
        return measured_batch(paths, window)

    return read_files


def reasons(batch):
    return batch.findings["reason"].to_list()


def test_the_two_halves_of_a_cell_are_one_row(read):
    batch = read(
        measurement_file(
            info(["RRC.ConnEstabAtt"], value(CU, [(1, "10")])),
            info(["RRU.PrbTotDl"], value(DU, [(1, "55.5")])),
        )
    )
    row = batch.rows.row(0, named=True)
    assert batch.rows.height == 1
    assert (row["managed_object_dn"], row["cell_dn"], row["object_class"]) == (
        CELL,
        CELL,
        "NRCellDU",
    )
    assert row["managed_element_dn"] == "SubNetwork=1,ManagedElement=7"
    assert (row["period_start"], row["granularity_s"]) == (written.NOON, 900)
    assert (row[ATTEMPTS], row["prb_tot_dl_pct"]) == (10.0, 55.5)
    assert row["source_file"] == NAME.replace("gnb", "0")
    assert batch.findings.is_empty()


@pytest.mark.parametrize(
    ("prefix", "element", "ldn"),
    [
        pytest.param("SubNetwork=1", "ManagedElement=7", DU, id="below the element"),
        pytest.param("SubNetwork=1", "7", "ManagedElement=7," + DU, id="bare name, repeated"),
        pytest.param("SubNetwork=1", "SubNetwork=1,ManagedElement=7", DU, id="prefix repeated"),
        pytest.param("", "SubNetwork=1,ManagedElement=7", DU, id="no prefix"),
        pytest.param("SubNetwork=1", "ManagedElement=7", CELL, id="whole DN"),
    ],
)
def test_however_its_name_is_split_the_cell_is_the_same(read, prefix, element, ldn):
    text = measurement_file(
        info(["RRU.PrbTotDl"], value(ldn, [(1, "1")])), prefix=prefix, element=element
    )
    assert read(text).rows["cell_dn"].to_list() == [CELL]


@pytest.mark.parametrize("name", ["RRC.ConnEstabAtt", "RRC.ConnEstabAtt.sum"])
def test_a_total_may_be_spelt_as_a_sum(read, name):
    batch = read(measurement_file(info([name], value(CU, [(1, "10")]))))
    assert batch.rows[ATTEMPTS].to_list() == [10.0]


def test_of_a_total_and_its_sum_the_plain_name_counts_and_the_other_is_kept(read):
    types = ["RRC.ConnEstabAtt.sum", "RRC.ConnEstabAtt"]
    batch = read(measurement_file(info(types, value(CU, [(1, "9"), (2, "10")]))))
    assert batch.rows[ATTEMPTS].to_list() == [10.0]
    assert "another of its names" in reasons(batch)[0]


def test_a_vector_gives_its_derived_measurements(read):
    batch = read(measurement_file(info(["CARR.WBCQIDist"], value(DU, [(1, "1,0,2,3")]))))
    row = batch.rows.row(0, named=True)
    assert row["wb_cqi_dist_count"] == [1.0, 0.0, 2.0, 3.0]
    assert row["wb_cqi_samples_count"] == 6.0
    assert row["wb_cqi_sum_index" if "wb_cqi_sum_index" in row else "wb_cqi_sum"] == 13.0


def test_a_vector_where_a_number_is_defined_is_kept_apart(read):
    batch = read(measurement_file(info(["RRC.ConnEstabAtt"], value(CU, [(1, "1,2")]))))
    assert batch.rows[ATTEMPTS].to_list() == [None]
    assert "2 numbers where one is defined" in reasons(batch)[0]
    assert batch.findings["content"].to_list() == ["[1.0, 2.0]"]


@pytest.mark.parametrize(
    ("counter", "ldn", "reason"),
    [
        pytest.param("Vendor.Secret", CU, "neither the catalogue nor a vendor map", id="unknown"),
        pytest.param("RRC.ConnEstabAtt.mo-Data", CU, "only the total", id="sub-counter"),
        pytest.param(
            "RRC.ConnEstabAtt", "GNBCUUPFunction=1", "counted on GNBCUUPFunction", id="class"
        ),
        pytest.param("RRC.ConnEstabAtt", "nameless", "has the step 'nameless'", id="no DN"),
    ],
)
def test_a_value_without_a_meaning_is_kept_with_its_object_and_reason(read, counter, ldn, reason):
    batch = read(measurement_file(info([counter], value(ldn, [(1, "42")]), name="odd")))
    finding = batch.findings.row(0, named=True)
    assert batch.rows.is_empty()
    assert reason in finding["reason"]
    assert "measInfo 'odd'" in finding["place"]
    assert ldn in finding["content"]
    content = json.loads(finding["content"])
    assert content.get("objects", content)[ldn] == [42.0]


def test_unknown_counters_do_not_flood_the_quarantine(read):
    types = [f"Unknown.{n}" for n in range(500)]
    values = "".join(
        value(f"GNBDUFunction=1,NRCellDU={n}", [(p + 1, str(p)) for p in range(500)])
        for n in range(20)
    )
    batch = read(measurement_file(info(types, values)))
    assert batch.findings.height == 1
    kept = json.loads(batch.findings["content"][0])
    assert sum(len(numbers) for numbers in kept["objects"].values()) == 500 * 20


def test_the_later_file_counts_and_what_it_replaced_is_counted(read):
    first = measurement_file(
        info(["RRC.ConnEstabAtt", "RRC.ConnEstabSucc"], value(CU, [(1, "10"), (2, "9")]))
    )
    second = measurement_file(info(["RRC.ConnEstabAtt"], value(CU, [(1, "11")])))
    batch = read(first, second)
    row = batch.rows.row(0, named=True)
    assert (row[ATTEMPTS], row[SUCCESSES]) == (11.0, 9.0)
    assert batch.replaced == 1
    assert row["source_file"].count(".xml") == 2


def test_the_same_file_twice_changes_nothing(read):
    text = measurement_file(info(["RRC.ConnEstabAtt"], value(CU, [(1, "10")])))
    once, twice = read(text), read(text, text)
    assert twice.rows.drop("source_file").equals(once.rows.drop("source_file"))
    assert (once.replaced, twice.replaced) == (0, 0)


def test_what_one_file_says_twice_counts_first_and_is_told(read):
    text = measurement_file(
        info(["RRC.ConnEstabAtt"], value(CU, [(1, "10")])),
        info(["RRC.ConnEstabAtt"], value(CU, [(1, "11")]), name="again"),
    )
    batch = read(text)
    assert batch.rows[ATTEMPTS].to_list() == [10.0]
    assert "10 and 11" in reasons(batch)[0]
    assert batch.replaced == 0


def test_a_corrected_file_that_is_not_suspect_heals_the_row(read):
    bad = measurement_file(info(["RRC.ConnEstabAtt"], value(CU, [(1, "10")], "true")))
    good = measurement_file(info(["RRC.ConnEstabAtt"], value(CU, [(1, "12")])))
    assert read(bad).rows["is_suspect"].to_list() == [True]
    assert read(bad, good).rows["is_suspect"].to_list() == [False]


def test_a_damaged_file_does_not_lose_the_batch_and_gives_no_half(read):
    good = measurement_file(info(["RRC.ConnEstabAtt"], value(CU, [(1, "10")])))
    batch = read(good, good[:-80].replace("NRCellCU=3", "NRCellCU=4"), "", good)
    assert batch.rows["cell_dn"].to_list() == [CELL]
    assert batch.refused == 2
    assert "ends in the middle" in reasons(batch)[0]
    assert "Nothing of the file is used" in reasons(batch)[0]
    assert batch.findings["source_file"].to_list() == [
        "A20260105.1200+0000-1215+0000_1.xml",
        "A20260105.1200+0000-1215+0000_2.xml",
    ]


def test_a_file_that_is_gone_is_a_reason_not_a_crash(tmp_path):
    batch = measured_batch([str(tmp_path / NAME)], DAY)
    assert "cannot be opened" in reasons(batch)[0]


@pytest.mark.parametrize(
    ("end", "rows", "findings"),
    [
        pytest.param("2026-01-05T12:14:30Z", 1, 0, id="a clock half a minute off"),
        pytest.param("2026-01-05T12:15:00Z", 1, 0, id="right"),
        pytest.param("2019-01-05T12:15:00Z", 0, 1, id="a clock years off"),
    ],
)
def test_a_period_far_from_its_files_name_is_not_believed(read, end, rows, findings):
    batch = read(measurement_file(info(["RRC.ConnEstabAtt"], value(CU, [(1, "10")]), end)))
    assert (batch.rows.height, batch.findings.height) == (rows, findings)
    if rows:
        assert batch.rows["period_start"].to_list() == [written.NOON]
    else:
        assert "outside of 2026-01-05T12:00Z/2026-01-05T12:15Z" in reasons(batch)[0]


def test_periods_of_another_window_are_left_to_it(read):
    text = measurement_file(
        info(["RRC.ConnEstabAtt"], value(CU, [(1, "1")]), "2026-01-05T12:15:00Z"),
        info(["RRC.ConnEstabAtt"], value(CU, [(1, "2")]), "2026-01-05T12:30:00Z", name="next"),
    )
    name = "C20260105.1200+0000-1230+0000_gnb.xml"
    quarter = timedelta(minutes=15)
    for place in (0, 1):
        start = written.NOON + place * quarter
        batch = read(text, names=[name], window=Window(start, start + quarter))
        assert batch.rows[ATTEMPTS].to_list() == [float(place + 1)]
        assert batch.findings.is_empty()


def test_batches_read_apart_give_what_one_batch_gives(read):
    texts = [
        measurement_file(
            info(
                ["RRC.ConnEstabAtt"],
                value(f"GNBCUCPFunction=1,NRCellCU={n % 3}", [(1, str(n))]),
            )
        )
        for n in range(7)
    ]
    whole = read(*texts)
    names = [f"A20260105.1200+0000-1215+0000_{n}.xml" for n in range(7)]
    apart = merged([read(*texts[a:b], names=names[a:b]) for a, b in ((0, 2), (2, 5), (5, 7))])
    order = ["managed_object_dn", ATTEMPTS, "period_start"]
    assert apart.rows.select(order).sort(order).equals(whole.rows.select(order).sort(order))
    assert apart.replaced == whole.replaced == 4
    assert apart.counts.height == 7


def test_a_vendors_counters_become_measurements_by_its_map(read):
    types = ["pmRrcConnEstabAtt", "pmRrcConnEstabAttReatt", "pmRrcConnEstabSucc"]
    text = measurement_file(
        info(types[:2], value(CU, [(1, "100"), (2, "7")])),
        info(types[2:], value(CU, [(1, "90")]), name="spread over several"),
        vendor="Ericsson AB",
    )
    batch = read(text)
    assert batch.rows.select(ATTEMPTS, SUCCESSES).row(0) == (93.0, 90.0)


def test_a_vendors_measurement_stays_empty_and_is_told_when_a_counter_is_absent(read):
    text = measurement_file(
        info(["pmRrcConnEstabAtt"], value(CU, [(1, "100")])), vendor="Ericsson AB"
    )
    batch = read(text)
    assert batch.rows.is_empty()
    assert any("needs pmRrcConnEstabAttReatt too" in reason for reason in reasons(batch))


def test_every_mapping_of_every_vendor_map_gives_what_its_definition_says(read):
    """A column at a time, against the definition's own `value` and `vector`, row by row."""
    for vendor in catalogue().vendor_maps.values():
        for mapping in vendor.mappings:
            is_vector = catalogue().measurement(mapping.measurement).shape == "vector"
            said = {}
            for place, name in enumerate(mapping.reads):
                vector = [2.0, 0.0, 3.0 + place, 1.0, 4.0]
                said[name] = vector if is_vector or mapping.layout == "pairs" else 10.0 + place
            classes = {
                "NRCellCU": CU,
                "NRCellDU": DU,
                "EUtranCellFDD": "ENBFunction=1,EUtranCellFDD=3",
            }
            ldn = classes.get(mapping.object_class)
            if ldn is None:
                continue
            texts = [
                ",".join(map(str, x)) if isinstance(x, list) else str(x) for x in said.values()
            ]
            text = measurement_file(
                info(list(said), value(ldn, list(enumerate(texts, 1)))),
                vendor=vendor.vendor_names[0],
            )
            rows = read(text).rows
            column = catalogue().measurement(mapping.measurement).column
            expected = mapping.vector(said) if is_vector else mapping.value(said)
            found = rows[column].to_list() if rows.height else [None]
            assert found == [pytest.approx(expected) if expected is not None else None], mapping


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.integers(1, 4), st.sampled_from(["RRC.ConnEstabAtt", "RRC.ConnMean"])),
        st.one_of(st.none(), st.floats(-1e6, 1e6), st.integers(0, 10**12)),
        min_size=1,
    ),
    st.booleans(),
)
def test_what_is_written_is_read_back(tmp_path_factory, counted, as_list):
    types = ["RRC.ConnEstabAtt", "RRC.ConnMean"]
    cells = sorted({cell for cell, _ in counted})
    texts = {
        cell: ["NIL" if counted.get((cell, t)) is None else repr(counted[cell, t]) for t in types]
        for cell in cells
    }
    ldn = "GNBCUCPFunction=1,NRCellCU={}".format
    values = "".join(
        listed(ldn(cell), " ".join(texts[cell]))
        if as_list
        else value(ldn(cell), list(enumerate(texts[cell], 1)))
        for cell in cells
    )
    path = tmp_path_factory.mktemp("files") / NAME
    path.write_text(measurement_file(info(" ".join(types) if as_list else types, values)))
    rows = measured_batch([str(path)], DAY).rows
    columns = [catalogue().by_standard_name(name, "NR").column for name in types]
    found = {
        (int(dn.rpartition("=")[2]), t): number
        for dn, *numbers in rows.select("managed_object_dn", *columns).iter_rows()
        for t, number in zip(types, numbers, strict=True)
    }
    expected = {
        (cell, t): None if counted.get((cell, t)) is None else float(counted[cell, t])
        for cell in cells
        for t in types
    }
    assert found == expected


def test_no_files_give_no_rows_with_the_right_columns():
    batch = measured_batch([], DAY)
    assert batch.rows.is_empty()
    assert batch.rows.schema["managed_object_dn"] == pl.String
    assert batch.findings.is_empty()
    assert DAY.covers(datetime(2026, 1, 5, tzinfo=UTC))
