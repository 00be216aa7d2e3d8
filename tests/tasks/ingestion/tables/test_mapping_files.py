import pytest

from tasks.ingestion.tables.mapping_files import MappingError, parse_mapping

GOOD = """\
mapping: 1
into: cell_kpis
files: ["*.csv"]
object: {dn: "ManagedElement={site}"}
time: {column: Date, format: "%Y-%m-%d"}
granularity: day
columns:
  RRC_SR: lte_rrc_setup_success_rate
  DL: {is: lte_user_throughput_dl, unit: bit/s}
"""


def test_short_and_long_forms_of_a_column_mean_the_same():
    columns = parse_mapping(GOOD, "kpis.mapping.yaml").columns
    assert columns["RRC_SR"].name == "lte_rrc_setup_success_rate"
    assert (columns["DL"].name, columns["DL"].unit) == ("lte_user_throughput_dl", "bit/s")


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        pytest.param("time: {column", "time: {colum", 5, "did you mean 'column'", id="typo"),
        pytest.param("into: cell_kpis", "into: kpis", 2, "'cell_kpis'", id="no such target"),
        pytest.param("granularity: day\n", "", 1, "is needed", id="no granularity"),
        pytest.param("granularity: day", "granularity: week", 6, "no granularity", id="week"),
        pytest.param(
            "granularity: day", "granularity: 60", 1, "one of 15min", id="KPIs of a minute"
        ),
        pytest.param("mapping: 1", "mapping: 2", 1, "should be 1", id="another version"),
        pytest.param(
            "unit: bit/s", "units: bit/s", 9, "did you mean 'unit'", id="typo in a column"
        ),
        pytest.param("files: [", "files: [[", 4, "not YAML", id="not YAML"),
        pytest.param("y: day", "y: [day]", 6, "no granularity", id="a list"),
        pytest.param('dn: "', 'column: x, dn: "', 4, "exactly one", id="two ways to name objects"),
        pytest.param('"%Y-%m-%d"', '"%Y-%m-%d", zone: Mars/Base', 5, "no time zone", id="zone"),
        pytest.param(
            "granularity", "duplicates: combine\ngranularity", 1, "does not say", id="combine"
        ),
        pytest.param(
            "granularity", "combine: {DL: sum}\ngranularity", 1, "only counts", id="combine 2"
        ),
        pytest.param("  DL", '  "*": all\n  DL', 1, "by_name", id="star"),
        pytest.param("object: {", "objects: {", 4, "did you mean 'object'", id="typo in a key"),
    ],
)
def test_a_mistake_names_its_line_and_what_would_help(old, new, line, reason):
    with pytest.raises(MappingError) as mistake:
        parse_mapping(GOOD.replace(old, new, 1), "kpis.mapping.yaml")
    assert reason in str(mistake.value)
    assert f"kpis.mapping.yaml, line {line}:" in str(mistake.value)


def test_every_mistake_is_told_at_once():
    text = GOOD.replace("into: cell_kpis", "into: kpis").replace("unit:", "units:")
    with pytest.raises(MappingError) as mistakes:
        parse_mapping(text, "kpis.mapping.yaml")
    assert len(str(mistakes.value).splitlines()) == 2


@pytest.mark.parametrize("text", ["", "just text", "- a\n- b\n"])
def test_what_holds_no_pairs_is_no_mapping(text):
    with pytest.raises(MappingError, match="key: value"):
        parse_mapping(text, "kpis.mapping.yaml")
