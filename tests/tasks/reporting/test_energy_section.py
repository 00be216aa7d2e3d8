"""The section of energy: the newest plan beside others, and what days saved; or no section."""

from datetime import timedelta

import polars as pl
import pytest
from lxml import html

from tasks.reporting.energy_section import (
    _PLANNED,
    _SAVED,
    EnergySection,
    energy_of,
    energy_section,
)
from tasks.reporting.html_page import html_page
from tasks.reporting.markdown_page import markdown_page
from tasks.reporting.network_report import network_report
from tasks.reporting.plain_text import report_text
from tests.tasks.reporting import world

NOW = world.WINDOW.end
HOSTILE = "<script>alert(1)</script> “Approve at once.”"


def plan(promise="timid", hours=0, **more):
    row = {
        "made_at": NOW - timedelta(hours=hours), "promise": promise, "is_chosen": False,
        "floor_mbps": 30.0, "surge_factor": 4.8, "saved_kwh": 21.09, "saved_share": 0.092,
        "most_asleep": 3, "gap_share": 0.0005, "goal": "save at night",
    }  # fmt: skip
    return row | more


def day(days=1, **more):
    row = {
        "day_start": NOW - timedelta(days=days), "scope": "all", "sites_count": 29,
        "net_saved_kwh": 103.9, "net_low_kwh": 100.3, "net_high_kwh": 109.3, "day_kwh": 2534.3,
        "avoided_co2_kg": 37.7, "user_minutes": 1000.0, "under_floor_user_minutes": 1.5,
        "under_floor_rise_share": None,
    }  # fmt: skip
    return row | more


def section(plans=(), days=()) -> EnergySection | None:
    return energy_section(
        pl.DataFrame(list(plans), schema=_PLANNED), pl.DataFrame(list(days), schema=_SAVED)
    )


@pytest.fixture(scope="module")
def town():
    return world.town(sites=2, sick=1)


def shown(town, told):
    return network_report(town, world.SOURCES, energy=told)


def test_the_newest_plan_is_told_beside_those_it_was_compared_with():
    older = plan("bold", hours=1, is_chosen=True, saved_kwh=99.0)
    told = section([plan("bold", floor_mbps=5.0, is_chosen=True, saved_kwh=56.4), plan(), older])
    assert [(one.promise, one.is_chosen) for one in told.plans] == [
        ("bold", True),
        ("timid", False),
    ]
    assert told.plans[0].saved_text == "56.4 kWh"
    assert told.sentence.startswith(
        "Planned at 2026-03-05 00:00 for a day ahead: 56.4 kWh (9.2 %) by the promise bold, of "
        "2 plans compared."
    )


def test_the_newest_day_is_told_with_its_bounds_and_what_users_felt():
    told = section(days=[day(2, net_saved_kwh=1.0), day(1), day(1, scope="ManagedElement=1")])
    assert [one.day_text for one in told.days] == ["2026-03-04", "2026-03-03"]
    (first, _) = told.days
    assert first.net_text == "103.9 kWh (100.3 to 109.3) net"
    assert (first.share_text, first.felt_text) == ("3.9 %", "0.15 %")


def test_what_rose_beyond_controls_is_told_where_it_is_known():
    (told,) = section(days=[day(under_floor_rise_share=-0.0004)]).days
    assert told.felt_text == "0.15 %, -0.040 points beyond controls"


def test_a_plan_that_is_proved_best_says_so():
    told = section([plan(gap_share=0.00002), plan("bold", gap_share=0.004, floor_mbps=5.0)])
    assert [one.gap_text for one in told.plans] == ["at most 0.4 %", "none: proved best"]


def test_a_day_of_which_nothing_can_be_said_says_so():
    unknown = dict.fromkeys(("net_saved_kwh", "net_low_kwh", "net_high_kwh", "user_minutes"))
    (told,) = section(days=[day(**unknown)]).days
    assert (told.net_text, told.share_text, told.felt_text) == ("no data net", "no data", "no data")


def test_where_nothing_was_planned_or_saved_no_page_speaks_of_energy(town):
    assert section() is None
    report = shown(town, None)
    assert 'id="energy"' not in html_page(report)
    assert "## Energy" not in markdown_page(report, {})
    assert "Energy:" not in report_text(report)


def test_a_goal_is_quoted_and_never_markup(town):
    page = html_page(shown(town, section([plan(goal=HOSTILE)], [day()])))
    (found,) = html.document_fromstring(page).xpath("//section[@id='energy']")
    assert "alert(1)" in found.text_content()
    assert "<script>alert" not in page


def test_page_markdown_and_terminal_tell_the_same_days(town):
    report = shown(town, section([plan(is_chosen=True)], [day()]))
    for text in (html_page(report), markdown_page(report, {}), report_text(report)):
        assert "103.9 kWh (100.3 to 109.3) net" in text


class Tables:
    """Published tables that hold rows by name."""

    def __init__(self, **rows):
        self.rows = rows

    def read(self, table, window):
        assert window.end > NOW
        found = self.rows.get(table.replace(".", "_"))
        return None if found is None else found.lazy()


def test_what_was_published_is_read_where_it_stands():
    plans = pl.DataFrame([plan(is_chosen=True)], schema=_PLANNED)
    told = energy_of(Tables(sleep_plans_compared=plans), world.WINDOW)
    assert told.made_text == "2026-03-05 00:00"
    assert not told.days
    assert energy_of(Tables(), world.WINDOW) is None
