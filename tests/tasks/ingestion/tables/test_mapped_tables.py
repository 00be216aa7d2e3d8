from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from semantic_layer.errors import DefinitionError, InputError, UnknownNameError
from semantic_layer.periods import Window
from tasks.ingestion.tables.mapped_spans import mapped_spans
from tasks.ingestion.tables.mapped_tables import mapped_tables
from tasks.ingestion.tables.mapping_files import MappingError, load_mapping, parse_mapping
from tasks.ingestion.tables.mapping_sources import loaded_mapping, mapping_sources
from tests.conftest import REPOSITORY
from tests.tasks.ingestion.written import DAY, NOON

KPIS = """\
mapping: 1
into: cell_kpis
files: ["*.csv"]
object: {dn: "ManagedElement={site},ENodeBFunction=1,EUtranCellFDD={cell}"}
time: {column: Date}
granularity: hour
columns: {RRC: lte_rrc_setup_success_rate}
"""
CELL = "ManagedElement=7,ENBFunction=1,EUtranCellFDD=3"
RATE = "lte_rrc_setup_success_rate_pct"
SHELF = REPOSITORY / "deployments" / "mappings"


@pytest.fixture
def read(tmp_path):
    def read_csv(mapping, *tables, window=None):
        for number, text in enumerate(tables):
            (tmp_path / f"{number}.csv").write_bytes(text.encode("utf-8"))
        return mapped_tables(tmp_path, parse_mapping(mapping, "x.mapping.yaml"), window)

    return read_csv


def table(*rows, header="Date,site,cell,RRC"):
    return "\n".join([header, *rows]) + "\n"


def test_a_table_of_kpis_becomes_rows_of_cell_kpis(read):
    rows = read(KPIS, table("2026-01-05T12:00:00Z,7,3,98.5")).rows
    assert rows.row(0, named=True) == {
        "cell_dn": CELL,
        "period_start": NOON,
        RATE: 98.5,
        "object_class": "EUtranCellFDD",
        "managed_element_dn": "ManagedElement=7",
        "granularity": "hour",
    }


@pytest.mark.parametrize(
    ("time", "text"),
    [
        pytest.param("{column: Date}", "2026-01-05 12:00:00", id="no zone is UTC"),
        pytest.param("{column: Date}", "2026-01-05T13:00:00+01:00", id="its own offset"),
        pytest.param("{column: Date, zone: Europe/Berlin}", "2026-01-05 13:00", id="named zone"),
        pytest.param('{column: Date, format: "%d.%m.%y %H:%M"}', "05.01.26 12:00", id="format"),
        pytest.param("{column: Date, names: end}", "2026-01-05 13:00", id="named by its end"),
        pytest.param("{constant: 2026-01-05T12:00:00Z}", "whatever", id="constant"),
    ],
)
def test_a_time_is_read_as_the_mapping_says(read, time, text):
    mapping = KPIS.replace("{column: Date}", time)
    if "constant" in time:
        mapping += "ignore: [Date]\n"
    assert read(mapping, table(f"{text},7,3,98")).rows["period_start"].to_list() == [NOON]


def test_an_hour_that_the_clock_skipped_is_told_and_one_it_repeated_is_the_first(read):
    mapping = KPIS.replace("{column: Date}", "{column: Date, zone: Europe/Berlin}")
    found = read(mapping, table("2026-03-29 02:30,7,3,98", "2026-10-25 02:30,7,3,99"))
    assert found.rows["period_start"].to_list() == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC)]
    assert "no usable time (Date)" in found.findings["reason"][0]
    assert "2026-03-29" in found.findings["content"][0]


@pytest.mark.parametrize(
    ("column", "text", "expected"),
    [
        pytest.param("{is: lte_rrc_setup_success_rate}", "98.5", 98.5, id="as it is"),
        pytest.param(f"{{is: {RATE}}}", "98.5", 98.5, id="by its column"),
        pytest.param(
            "{is: lte_rrc_setup_success_rate, complement_of: 100}", "1.5", 98.5, id="failure rate"
        ),
        pytest.param("{is: lte_rrc_setup_success_rate, scale: 100}", "0.985", 98.5, id="share"),
        pytest.param("{is: lte_rrc_setup_success_rate}", " - ", None, id="null token"),
        pytest.param("{is: lte_rrc_setup_success_rate}", "", None, id="empty"),
    ],
)
def test_a_value_becomes_the_definitions(read, column, text, expected):
    mapping = KPIS.replace("lte_rrc_setup_success_rate", column) + 'null_values: ["-"]\n'
    found = read(mapping, table(f"2026-01-05 12:00,7,3,{text}"))
    assert found.rows[RATE].to_list() == [expected]
    assert found.findings.is_empty()


def test_units_are_converted(read):
    mapping = KPIS.replace(
        "lte_rrc_setup_success_rate", "{is: lte_user_throughput_dl, unit: bit/s}"
    )
    rows = read(mapping, table("2026-01-05 12:00,7,3,2500000")).rows
    assert rows["lte_user_throughput_dl_mbps"].to_list() == [2.5]


def test_semicolons_decimal_commas_another_encoding_and_lines_above_the_header(tmp_path):
    mapping = KPIS + 'csv: {separator: ";", decimal: ",", encoding: latin-1, skip_rows: 2}\n'
    text = "Bericht für Köln\n\nDate;site;cell;RRC\n2026-01-05 12:00;Köln;3;98,5\n"
    (tmp_path / "a.csv").write_bytes(text.encode("latin-1"))
    rows = mapped_tables(tmp_path, parse_mapping(mapping, "x")).rows
    assert rows[RATE].to_list() == [98.5]
    assert rows["managed_element_dn"].to_list() == ["ManagedElement=Köln"]


@pytest.mark.parametrize("text", ["many", "1e400", "NaN", "inf", "98,5"])
def test_a_value_that_is_no_number_is_told_with_file_line_and_column(read, text):
    found = read(KPIS, table("2026-01-05 12:00,7,3,98", f'2026-01-05 13:00,7,3,"{text}"'))
    finding = found.findings.row(0, named=True)
    assert found.rows[RATE].to_list() == [98.0, None]
    assert (finding["source_file"], finding["place"]) == ("0.csv", "line 3")
    assert (finding["key"], finding["content"]) == ("RRC", text)


def test_a_row_without_object_or_time_is_told_whole_and_loses_no_other(read):
    found = read(KPIS, table("2026-01-05 12:00,,3,98", "soon,7,3,98", "2026-01-05 13:00,7,3,97"))
    assert found.rows[RATE].to_list() == [97.0]
    assert found.findings["place"].to_list() == ["line 2", "line 3"]
    assert found.findings["reason"].str.contains("no usable (object|time)").all()
    assert '"RRC":"98"' in found.findings["content"][0]


def test_a_value_with_a_comma_stays_inside_its_step_of_the_dn(read):
    rows = read(KPIS, table('2026-01-05 12:00,"Lille, Nord",3,98')).rows
    assert rows["managed_element_dn"].to_list() == [r"ManagedElement=Lille\, Nord"]


@pytest.mark.parametrize(
    ("mapping", "header", "error", "reason"),
    [
        pytest.param(KPIS, "Date,site,cell,RCC", MappingError, "did you mean 'RRC'", id="misspelt"),
        pytest.param(
            KPIS, "Date,site,cell,RRC,More", MappingError, "'More' is neither mapped", id="left out"
        ),
        pytest.param(KPIS, "Date,site,RRC", MappingError, "no column 'cell'", id="template"),
        pytest.param(
            KPIS.replace("lte_rrc_setup_success_rate", "lte_rrc_setup_succes_rate"),
            "Date,site,cell,RRC",
            UnknownNameError,
            "did you mean 'lte_rrc_setup_success_rate'",
            id="unknown KPI",
        ),
        pytest.param(
            KPIS.replace(
                "lte_rrc_setup_success_rate", "{is: lte_rrc_setup_success_rate, unit: ms}"
            ),
            "Date,site,cell,RRC",
            DefinitionError,
            "measures",
            id="another dimension",
        ),
        pytest.param(
            KPIS.replace("*.csv", "*.parquet"),
            "Date,site,cell,RRC",
            InputError,
            "fits",
            id="no file",
        ),
    ],
)
def test_a_mapping_that_does_not_fit_its_table_is_an_error(read, mapping, header, error, reason):
    row = ",".join(["2026-01-05 12:00", "7", "3", "98", "1"][: header.count(",") + 1])
    with pytest.raises(error, match=reason):
        read(mapping, table(row, header=header))


def test_a_mapped_column_that_no_file_has_is_an_error(read):
    mapping = KPIS.replace("{RRC:", "{ERAB: lte_erab_setup_success_rate, RRC:")
    with pytest.raises(MappingError, match="No file of the mapping has the column 'ERAB'"):
        read(mapping, table("2026-01-05 12:00,7,3,98"))


def test_columns_may_be_left_out_on_purpose(read):
    text = table("2026-01-05 12:00,7,3,98,x,y", header="Date,site,cell,RRC,More,Other")
    for left_out in ("[More, Other]", '["*"]'):
        assert read(KPIS + f"ignore: {left_out}\n", text).rows[RATE].to_list() == [98.0]


@pytest.mark.parametrize(
    ("policy", "values", "findings"),
    [
        pytest.param("refuse", [], 3, id="refused, and all of them told"),
        pytest.param("first", [90.0], 2, id="the first counts"),
        pytest.param("last", [99.0], 2, id="the last counts"),
        pytest.param("combine\ncombine: {RRC: mean}", [95.0], 0, id="their mean"),
        pytest.param("combine\ncombine: {RRC: max}", [99.0], 0, id="the highest"),
        pytest.param("combine\ncombine: {RRC: sum}", [285.0], 0, id="their sum"),
    ],
)
def test_rows_of_one_object_and_time_are_treated_as_said(read, policy, values, findings):
    rows = [f"2026-01-05 12:00,7,3,{value}" for value in (90, 96, 99)]
    found = read(KPIS + f"duplicates: {policy}\n", table(*rows))
    assert found.rows[RATE].to_list() == values
    assert found.findings.height == findings


def test_a_sum_with_a_part_missing_is_no_sum_but_a_mean_is_over_what_is_there(read):
    rows = table("2026-01-05 12:00,7,3,90", "2026-01-05 12:00,7,3,")
    combined = KPIS + "duplicates: combine\ncombine: {RRC: @}\n"
    assert read(combined.replace("@", "sum"), rows).rows[RATE].to_list() == [None]
    assert read(combined.replace("@", "mean"), rows).rows[RATE].to_list() == [90.0]


def test_the_later_file_counts_and_what_it_replaced_is_counted(read):
    found = read(
        KPIS,
        table("2026-01-05 12:00,7,3,90", "2026-01-05 13:00,7,3,91"),
        table("2026-01-05 12:00,7,3,95", "2026-01-05 13:00,7,3,"),
    )
    assert found.rows.sort("period_start")[RATE].to_list() == [95.0, 91.0]
    assert (found.replaced, found.read) == (1, 4)


def test_only_the_window_is_read_and_the_span_is_all(read, tmp_path):
    rows = table("2026-01-04 23:00,7,3,1", "2026-01-05 12:00,7,3,2", "2026-01-06 00:00,7,3,x")
    found = read(KPIS, rows, window=DAY)
    assert found.rows[RATE].to_list() == [2.0]
    assert found.findings.is_empty()
    spans = mapped_spans(tmp_path, parse_mapping(KPIS, "x"))
    hour = timedelta(hours=1)
    starts = [DAY.start - hour, NOON, DAY.end]
    assert spans == [Window(start, start + hour) for start in starts]


HISTORY = """\
mapping: 1
into: pm_measurements
files: ["*.parquet"]
object: {column: managed_object_dn}
time: {column: period_start}
granularity: {column: granularity_s}
suspect: {column: is_suspect}
columns: {"*": by_name}
"""


def history(**columns):
    return pl.DataFrame(
        {
            "managed_object_dn": ["ManagedElement=7,GNBCUCPFunction=1,NRCellCU=3"],
            "period_start": pl.Series([NOON], dtype=pl.Datetime("us", "UTC")),
            "granularity_s": [900],
            "is_suspect": [False],
            **columns,
        }
    )


def test_a_table_that_bears_our_names_needs_no_column_mapped(tmp_path):
    history(
        rrc_conn_estab_att_count=[5.0],
        **{"RRC.ConnEstabSucc": [4], "wb_cqi_dist": [[1.0, 2.0]], "cell_dn": ["ours to tell"]},
    ).write_parquet(tmp_path / "a.parquet")
    row = mapped_tables(tmp_path, parse_mapping(HISTORY, "x"), DAY).rows.row(0, named=True)
    assert row["managed_object_dn"] == "ManagedElement=7,GNBDUFunction=1,NRCellDU=3"
    assert row["cell_dn"] == row["managed_object_dn"]
    assert (row["rrc_conn_estab_att_count"], row["rrc_conn_estab_succ_count"]) == (5.0, 4.0)
    assert row["wb_cqi_samples_count"] == 3.0
    assert (row["source_file"], row["granularity_s"]) == ("a.parquet", 900)


def test_a_column_that_bears_no_name_of_ours_is_not_dropped_in_silence(tmp_path):
    history(secret=[1.0]).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(MappingError, match="'secret' is neither mapped nor ignored"):
        mapped_tables(tmp_path, parse_mapping(HISTORY, "x"))


def test_a_table_of_cells_becomes_topology(tmp_path):
    mapping = """\
mapping: 1
into: network_topology
files: ["cells.csv"]
object: {column: cell_dn}
time: {constant: 2026-01-05T12:00:00Z}
columns:
  lat: latitude_deg
  neighbors: {is: neighbor_dns, separator: "|"}
  "*": by_name
"""
    (tmp_path / "cells.csv").write_text(
        "cell_dn,lat,site_id,neighbors\n"
        '"ManagedElement=7,GNBDUFunction=1,NRCellDU=3",50.5,A,X=1|X=2\n'
    )
    row = mapped_tables(tmp_path, parse_mapping(mapping, "x")).rows.row(0, named=True)
    assert row["latitude_deg"] == 50.5
    assert row["neighbor_dns"] == ["X=1", "X=2"]
    assert (row["site_id"], row["valid_from"]) == ("A", NOON)
    assert row["managed_element_dn"] == "ManagedElement=7"


def test_mappings_are_found_beside_their_tables_and_on_the_shelf(tmp_path):
    folder, shelf = tmp_path / "delivered", tmp_path / "shelf"
    (folder / "kpis").mkdir(parents=True)
    shelf.mkdir()
    (folder / "kpis" / "own.mapping.yaml").write_text(KPIS)
    (shelf / "own.mapping.yaml").write_text(KPIS)
    (shelf / "history.mapping.yaml").write_text(HISTORY)
    (shelf / "other.mapping.yaml").write_text(KPIS.replace("*.csv", "*.tsv"))
    history().write_parquet(folder / "a.parquet")
    found = mapping_sources(folder, shelf)
    assert [(source.name, source.folder) for source in found] == [
        ("history", folder),
        ("own", folder / "kpis"),
    ]
    (folder / "own.mapping.yaml").write_text(KPIS)
    with pytest.raises(InputError, match="Two mapping files are called"):
        mapping_sources(folder)


@pytest.mark.real_data
def test_the_enodeb_table_gives_one_row_an_enodeb_and_day(real_data):
    mapping = load_mapping(SHELF / "lte_enodeb.mapping.yaml")
    found = mapped_tables(real_data / "lte_enodeb", mapping)
    rows = found.rows
    assert (found.read, rows.height, found.findings.height) == (30_349, 327 * 31, 0)
    assert rows["cell_dn"].n_unique() == 327
    assert rows["period_start"].n_unique() == 31
    assert rows["period_start"].min() == datetime(2019, 8, 1, tzinfo=UTC)
    assert rows["object_class"].unique().to_list() == ["ENBFunction"]
    silent = rows.filter(pl.col(RATE).is_null())
    assert silent.height == 36
    one = rows.filter(
        pl.col("cell_dn").str.contains("=111223,"), period_start=datetime(2019, 8, 1, tzinfo=UTC)
    )
    assert one[RATE].to_list() == [pytest.approx((99.8575 + 99.9571 + 99.9533) / 3)]
    volumes = 595125.0894 + 1144533.4874 + 1933373.0215
    assert one["lte_traffic_volume_dl_mbps"].to_list() == [pytest.approx(volumes / 1e6)]


@pytest.mark.real_data
def test_the_hourly_workbooks_give_one_row_an_hour_with_their_gaps(real_data):
    mapping = load_mapping(SHELF / "lte_kpi.mapping.yaml")
    found = mapped_tables(real_data / "lte_kpi", mapping)
    rows = found.rows.sort("period_start")
    assert (found.read, rows.height, found.findings.height, found.replaced) == (
        3 * 34_948,
        34_948,
        0,
        0,
    )
    assert rows["period_start"].n_unique() == 34_948
    nulls = rows.select(
        "lte_erab_drop_rate_pct", "lte_erab_setup_success_rate_pct", RATE
    ).null_count()
    assert nulls.row(0) == (3, 2, 2)
    first = rows.row(0, named=True)
    assert first["period_start"] == datetime(2015, 12, 31, 23, tzinfo=UTC)
    assert first["lte_erab_setup_success_rate_pct"] == pytest.approx(100 - 0.0806106)
    assert first["object_class"] == "SubNetwork"
    steps = rows["period_start"].diff().drop_nulls()
    springs = rows.filter(pl.col("period_start").dt.month() == 3)["period_start"].diff()
    assert steps.min() == timedelta(hours=1)
    assert springs.filter(springs == timedelta(hours=2)).is_empty()


def test_the_shelf_holds_mappings_that_load():
    paths = sorted(Path(SHELF).glob("*.mapping.yaml"))
    assert len(paths) >= 2
    for path in paths:
        assert loaded_mapping(path).notes
