"""Words of the field: what a text names, against a naive reading, and broken terms told."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantic_layer.loading import catalogue
from semantic_layer.synonyms import KINDS, named_in, phrases, plain_words
from tests.semantic_layer.small_catalogue import told

KNOWN = catalogue()
FILE = "synonyms.yaml"
WORD = st.sampled_from(["drop", "rate", "cell", "drops", "NR", "of", "VSWR"])
MARK = st.sampled_from([" ", "_", ", ", " - ", "  "])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("cell_drop_rate", ["cell_drop_rate"]),
        ("cell_drop_rate_pct", ["cell_drop_rate"]),
        ("drop rate", ["cell_drop_rate", "lte_erab_drop_rate"]),
        ("Cell drop rate", ["cell_drop_rate"]),
        ("DROP RATES", ["cell_drop_rate", "lte_erab_drop_rate"]),
        ("VSWR", ["vswr_over_threshold"]),
        ("VSWR over threshold", ["vswr_over_threshold"]),
        ("Why do 5G cells on battery drop?", ["NRCellDU", "battery_discharging",
                                              "cell_drop_rate", "lte_erab_drop_rate"]),
        ("RRU.PrbUsedDl", ["lte_prb_used_dl", "prb_used_dl"]),
        ("dropped", []),
        ("rate", []),
        ("", []),
    ],
)  # fmt: skip
def test_a_text_names_definitions_by_the_fields_words(text, names):
    assert [found.name for found in KNOWN.named_by(text)] == names


def test_there_are_words_for_what_people_ask():
    assert len(KNOWN.synonym_terms) >= 80
    assert KNOWN.synonyms["drop rate"][0] == "call drop rate"
    for term in ("RSRP", "VSWR", "PRB", "PIM", "DWDM"):
        assert term in KNOWN.synonyms


@pytest.mark.parametrize("name", sorted(KNOWN.kpis))
def test_a_kpi_is_named_by_its_name_its_title_and_its_column(name):
    kpi = KNOWN.kpi(name)
    for text in (name, kpi.title, kpi.column, f"How is the {kpi.title.lower()} today?"):
        assert ("kpi", name) in [(found.kind, found.name) for found in KNOWN.named_by(text)], text


@pytest.mark.parametrize("name", sorted(KNOWN.alarms))
def test_an_alarm_is_named_by_each_of_its_texts(name):
    for _, text in KNOWN.alarm(name).texts:
        assert ("alarm", name) in [(found.kind, found.name) for found in KNOWN.named_by(text)], text


@pytest.mark.parametrize("term", sorted(KNOWN.synonym_terms))
def test_each_spelling_of_a_term_names_what_it_means(term):
    item = KNOWN.synonym_terms[term]
    for text in item.spellings:
        found = {f"{one.kind}/{one.name}" for one in KNOWN.named_by(text)}
        assert set(item.means) <= found, text


def naive(text: str, known: dict[str, tuple[str, ...]]) -> list[str]:
    """Read word by word; of all phrases that begin here take the one with most words."""
    words = [word.casefold().removesuffix("s") for word in re.findall(r"[A-Za-z]+", text)]
    found: list[str] = []
    while words:
        fitting = [p for p in known if words[: len(p.split())] == p.split()]
        longest = max(fitting, key=lambda p: len(p.split()), default="")
        found += [name for name in known.get(longest, ()) if name not in found]
        words = words[len(longest.split()) or 1 :]
    return found


@given(
    st.dictionaries(
        st.lists(st.sampled_from(["drop", "rate", "cell", "nr", "of"]), min_size=1, max_size=3).map(
            " ".join
        ),
        st.sets(st.sampled_from("abcdef"), min_size=1, max_size=2).map(sorted).map(tuple),
        max_size=6,
    ),
    st.lists(st.tuples(WORD, MARK), max_size=12),
)
def test_the_longest_phrase_counts_as_in_a_naive_reading(known, parts):
    text = "".join(word + mark for word, mark in parts)
    titles = [("kpi", name, [phrase]) for phrase, names in known.items() for name in names]
    index = {p: n for p, n in phrases(titles, []).items() if " ".join(p) in known}
    assert [found.name for found in named_in(text, index)] == naive(text, known)


@given(st.text())
def test_any_text_names_known_definitions_by_words_that_stand_in_it(text):
    found = KNOWN.named_by(text)
    assert len({(one.kind, one.name) for one in found}) == len(found)
    for one in found:
        assert one.kind in KINDS
        assert one.words in text
    assert KNOWN.named_by(text) == found


@given(st.text())
def test_plain_words_are_their_own_plain_words_in_any_case(text):
    words = plain_words(text)
    assert all(word == word.casefold() and word for word in words)
    assert plain_words(text.casefold()) == plain_words(text.casefold().replace("_", " "))


@pytest.mark.parametrize(
    ("old", "new", "line", "expected"),
    [
        pytest.param("alarm/mains_failure", "alarm/mains_failur", 3,
                     "did you mean 'mains_failure'", id="an alarm"),
        pytest.param("alarm/mains_failure", "mains_failure", 3,
                     "names no kind and definition; did you mean 'alarm/mains_failure'",
                     id="no kind"),
        pytest.param("alarm/mains_failure", "kpi/mains_failure", 3, "no known kpi",
                     id="another kind"),
        pytest.param("service level", "Power_Cuts", 5, "already belongs to 'blackout'",
                     id="a spelling twice"),
        pytest.param("service level", "'--'", 5, "without words", id="no words"),
        pytest.param("name: SLA", "name: blackout", 5, "defined twice", id="a term twice"),
        pytest.param("also: [power", "alsp: [power", 2, "did you mean 'also'", id="a key"),
    ],
)  # fmt: skip
def test_a_wrong_term_is_told_with_its_line(tmp_path, old, new, line, expected):
    found = told(tmp_path, FILE, old, new)
    start = f"own/synonyms.yaml:{line}: "
    assert any(text.startswith(start) and expected in text for text in found), found
