"""The HTML report: well formed, escaped, self-contained, and honest when there is nothing."""

import re
from dataclasses import replace

import polars as pl
import pytest
from lxml import html

from tasks.reporting.html_page import SHOWN_FINDINGS, html_page, script_hash
from tasks.reporting.material import TOPOLOGY, ReportMaterial, nothing
from tasks.reporting.network_report import network_report
from tests.tasks.reporting import world

HOSTILE = "<script>alert('x')</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}"


@pytest.fixture(scope="module")
def town() -> ReportMaterial:
    return world.town()


def page_of(material: ReportMaterial) -> str:
    return html_page(network_report(material, world.SOURCES))


def tree_of(material: ReportMaterial):
    return html.document_fromstring(page_of(material))


def text_of(tree) -> str:
    for element in tree.xpath("//script|//style"):
        element.drop_tree()
    return " ".join(tree.text_content().split())


def test_the_page_is_well_formed_and_has_every_section(town):
    parser = html.HTMLParser(recover=False, remove_blank_text=False)
    tree = html.document_fromstring(page_of(town).replace("<svg", "<div").replace("</svg", "</div"))
    assert parser is not None
    assert [section.get("id") for section in tree.xpath("//section")] == [
        "map", "findings", "proposals", "timelines", "alarms", "changes", "services", "arrivals",
        "sources", "quality", "unjudged", "evaluation", "lineage",
    ]  # fmt: skip


def test_every_link_and_id_within_the_page_resolves(town):
    tree = tree_of(town)
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))
    targets = {href.removeprefix("#") for href in tree.xpath("//a/@href")}
    assert targets <= set(ids)


def test_the_page_asks_nothing_of_any_network(town):
    page = page_of(town)
    assert not re.findall(r"https?://|//[a-z]+\.|@import|url\((?!#)", page)
    assert not html.document_fromstring(page).xpath("//@src|//link|//iframe|//object")


def test_the_content_policy_admits_only_the_pages_own_script(town):
    tree = tree_of(town)
    scripts = tree.xpath("//script")
    policy = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")[0]
    assert len(scripts) == 1
    assert "default-src 'none'" in policy
    assert f"script-src '{script_hash(scripts[0].text)}'" in policy
    assert not [name for name in tree.xpath("//@*") if name.attrname.startswith("on")]


def test_hostile_text_from_files_stays_text(town):
    dn = f"SubNetwork=1,ManagedElement=9,NRCellDU={HOSTILE}"
    found = world.findings(
        world.finding(
            1, dn, explanation=HOSTILE, severity=HOSTILE, run_id=HOSTILE, anomaly_id=HOSTILE
        )
    )
    cells = town.topology.head(3).with_columns(
        pl.Series("cell_dn", [dn, world.cell_dn(1, 2), world.cell_dn(1, 3)]),
        site_name=pl.lit(HOSTILE), site_id=pl.lit(HOSTILE), band=pl.lit(HOSTILE),
    )  # fmt: skip
    hostile = replace(
        town,
        network=HOSTILE, run_id=HOSTILE, catalogue_version=HOSTILE, snapshots=(HOSTILE,),
        findings=found, topology=cells, expectations=world.expectations(found),
        judgements=world.judgements(cells, 2).with_columns(abstained_because=pl.lit([HOSTILE])),
        quality=town.quality.with_columns(
            check_id=pl.lit(HOSTILE), source=pl.lit(HOSTILE), table_name=pl.lit(HOSTILE),
            failing_keys=pl.lit([HOSTILE]), columns=pl.lit(HOSTILE), is_passed=pl.lit(value=False),
        ),
        rejections=town.rejections.with_columns(
            reason=pl.lit(HOSTILE), content=pl.lit(HOSTILE), source_file=pl.lit(HOSTILE)
        ),
        evaluation=({HOSTILE: HOSTILE},),
    )  # fmt: skip
    page = page_of(hostile)
    tree = html.document_fromstring(page)
    assert len(tree.xpath("//script")) == 1
    assert not tree.xpath("//img")
    assert not [name for name in tree.xpath("//@*") if name.attrname.startswith("on")]
    assert "<script>alert" not in page
    assert "49" not in tree.xpath("//h1")[0].text_content()
    assert "<script>alert" in text_of(tree)


def test_characters_that_reorder_or_hide_text_are_shown_as_such(town):
    page = page_of(replace(town, network="Old\u202etown\x00\u200b"))
    assert "\u202e" not in page
    assert "\x00" not in page
    assert "Old\ufffdtown\ufffd\ufffd" in page


def test_the_same_material_gives_the_same_page(town):
    shuffled = replace(
        town,
        findings=town.findings.reverse(),
        topology=town.topology.reverse(),
        judgements=town.judgements.reverse(),
        quality=town.quality.reverse(),
        rejections=town.rejections.reverse(),
        expectations=town.expectations.reverse(),
    )
    assert page_of(town) == page_of(shuffled)


def test_without_topology_the_page_says_so_instead_of_an_empty_map(town):
    tree = tree_of(replace(town, topology=nothing(TOPOLOGY)))
    assert not tree.xpath("//*[@id='cells']")
    assert "No network topology is known" in text_of(tree)
    assert len(tree.xpath("//tr[@data-severity]")) == 15


def test_without_findings_the_page_says_that_all_is_well_as_far_as_is_known():
    text = text_of(tree_of(world.town(sick=0)))
    assert "None of the 266 judged cells behaves abnormally." in text
    assert "as far as cells could be judged" in text


def test_with_no_data_at_all_the_page_still_stands():
    nothing_known = ReportMaterial("Exampletown", world.WINDOW, "local", "c0ffee12")
    text = text_of(tree_of(nothing_known))
    assert "No cell is known and nothing was scored in this window." in text
    assert "No data-quality verdict was published" in text
    assert "nothing is known about their health" in text
    assert "behaved abnormally" not in text


def test_numbers_carry_their_units(town):
    text = text_of(tree_of(town))
    assert "84 Mbit/s" in text
    assert "11.3 Mbit/s" in text
    assert "6.4 %" in text
    assert "96 ms" in text


def test_the_page_says_which_counters_each_blamed_kpi_comes_from(town):
    sources = tree_of(town).xpath("//section[@id='sources']//tbody")[0].text_content()
    assert "QF.RelActNbr" in sources
    assert "QF.RelAttNbr" in sources
    assert "3GPP TS 28.554 6.2.1" in sources


def test_a_thousand_cells_with_many_findings_stay_a_light_page():
    page = page_of(world.town(sites=112, bands=3, sick=700))
    assert len(page) < 5_000_000
    tree = html.document_fromstring(page)
    assert len(tree.xpath("//tr[@data-severity]")) == SHOWN_FINDINGS
    assert "The first 500 of 700 are listed" in text_of(tree)


def test_every_picture_has_words_for_those_who_do_not_see_it(town):
    tree = tree_of(town)
    pictures = [one for one in tree.xpath("//svg") if one.get("aria-hidden") != "true"]
    assert pictures
    assert all(one.get("role") == "img" and one.get("aria-label") for one in pictures)
    assert all(th.get("scope") == "col" for th in tree.xpath("//th"))
