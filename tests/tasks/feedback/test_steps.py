"""Verdicts through the door: what is published, quarantined, weighed, listed; and by whom."""

from datetime import timedelta

import pytest

from data_products.finding_verdicts.derive import verdict_id
from semantic_layer.errors import InputError, TransientError
from tasks.adapters.memory_tables import InMemoryTables
from tasks.feedback import steps
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.tasks.feedback.world import NOW, Clock, cell, finding_id, publish_findings

pytestmark = pytest.mark.slow  # Great Expectations judges

A, B = finding_id(1), finding_id(2)
HEADER = "finding_id,verdict,fault_kind,comment,author,given_at\n"


class BusyTables(InMemoryTables):
    """Another writer comes first as often as is asked."""

    refusals = 0

    def publish(self, *words, **named):
        if self.refusals:
            self.refusals -= 1
            raise TransientError("Another writer came first.")
        return super().publish(*words, **named)


@pytest.fixture
def services(tmp_path):
    services = Services(Settings(home=tmp_path / "home"))
    clock = Clock()
    services.__dict__["clock"] = clock
    services.__dict__["tables"] = BusyTables(clock)
    publish_findings(services.tables)
    with use_services(services):
        yield services


def say(finding=A, verdict="confirm", author="anna", **others):
    words = {"anomaly_id": finding, "verdict": verdict, "author": author, **others}
    return steps.record_verdict.fn(words, "command")


def sheet(tmp_path, *lines, name="x.csv"):
    path = tmp_path / name
    path.write_text(HEADER + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def rows(services, table="finding_verdicts"):
    return services.tables.read(table).collect()


def test_a_verdict_is_published_with_author_and_moment_and_weighed(services):
    taken = say(comment="water in the jumper", fault_kind="feeder_loss")
    assert taken.says == f"Finding {A} confirmed as feeder_loss by anna."
    row = rows(services).row(0, named=True)
    assert row["verdict_id"] == verdict_id(A, "anna", row["given_at"])
    assert (row["cell_dn"], row["comment"], row["source"]) == (
        cell(1), "water in the jumper", "command",
    )  # fmt: skip
    assert row["given_at"] == row["received_at"] > NOW
    assert "cell_anomalies@" in row["input_snapshots"]
    weighed = rows(services, "finding_verdicts.weighed").row(0, named=True)
    assert (weighed["anomaly_id"], weighed["is_real_probability"]) == (A, 0.8)
    assert f"finding_verdicts@{taken.verdicts.id}" in weighed["input_snapshots"]


def test_saying_it_again_adds_nothing_and_another_opinion_adds_itself(services):
    say()
    assert "had said so" in say().says
    say(author="bo", verdict="reject")
    assert rows(services).height == 2
    assert rows(services, "finding_verdicts.weighed")["is_contradicted"].to_list() == [True]


def test_a_finding_is_named_by_as_much_as_only_it_has(services):
    assert A in say(finding=A).says
    assert finding_id(3) in say(finding=f" {finding_id(3)} ").says
    with pytest.raises(InputError, match="6 findings begin so"):
        say(finding="0000")
    with pytest.raises(InputError, match="none begins so"):
        say(finding="ffff")
    with pytest.raises(InputError, match="none begins so"):
        say(finding="")
    assert rows(services)["anomaly_id"].to_list() == [A, finding_id(3)]


def test_an_answer_that_makes_no_sense_is_told_and_publishes_nothing(services):
    words = {"anomaly_id": A, "verdict": "RELABELED", "author": "anna"}
    assert "none is named" in steps.take_answer.fn(words).problem
    assert rows(services).is_empty()
    assert steps.take_answer.fn({**words, "fault_kind": "event"}).problem == ""
    assert rows(services)["source"].to_list() == ["form"]


def test_a_sheet_adds_its_verdicts_once_and_quarantines_the_rest(services, tmp_path):
    path = sheet(
        tmp_path,
        f"{A},confirm,,,anna,2026-03-05T10:00Z",
        f"{B},reject,,,bo,",
        "ffff,reject,,,bo,",
        f"{B},no,,,bo,",
    )
    taken = steps.import_verdicts.fn(path)
    assert "4 rows read: 2 added, 0 told before" in taken.says
    assert "line 4: No finding 'ffff' is published." in taken.says
    kept = rows(services, "data_quality.quarantine")
    assert kept.select("source_file", "place").rows() == [("x.csv", "line 4"), ("x.csv", "line 5")]
    again = steps.import_verdicts.fn(path)
    assert "0 added, 2 told before" in again.says
    assert rows(services).height == 2
    assert rows(services, "data_quality.quarantine").height == 2


def test_a_sheet_that_came_too_early_is_mended_by_coming_again(services, tmp_path):
    late = finding_id(9)
    path = sheet(tmp_path, f"{A},confirm,,,anna,", f"{late},confirm,,,anna,")
    steps.import_verdicts.fn(path)
    publish_findings(services.tables, 9)
    assert "1 added, 1 told before" in steps.import_verdicts.fn(path).says
    assert sorted(rows(services)["anomaly_id"]) == [A, late]
    assert rows(services)["given_at"].n_unique() == 1
    assert rows(services, "data_quality.quarantine").is_empty()


def test_a_sheet_of_nothing_but_faults_says_so_and_publishes_no_verdict(services, tmp_path):
    path = sheet(tmp_path, "ffff,reject,,,bo,")
    for _ in range(2):
        assert "0 added" in steps.import_verdicts.fn(path).says
    assert rows(services).is_empty()
    assert rows(services, "data_quality.quarantine").height == 1


def test_sheets_and_entries_of_one_day_leave_each_other_alone(services, tmp_path):
    say()
    day = f"{NOW:%Y-%m-%d}"
    steps.import_verdicts.fn(sheet(tmp_path, f"{A},reject,,,bo,{day}", "ffff,reject,,,bo,"))
    steps.import_verdicts.fn(sheet(tmp_path, f"{A},reject,,,cy,{day}", "eeee,reject,,,bo,"))
    say(author="di")
    assert sorted(rows(services)["author"]) == ["anna", "bo", "cy", "di"]
    assert rows(services, "data_quality.quarantine").height == 2
    assert rows(services, "finding_verdicts.weighed")["n_authors"].to_list() == [4]


def test_whoever_comes_second_tries_again(services):
    services.tables.refusals = 3
    assert "confirmed" in say().says
    assert rows(services).height == 1
    services.tables.refusals = 99
    with pytest.raises(TransientError):
        say(author="bo")


def test_a_run_that_died_before_weighing_is_mended_by_the_next(services, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(steps, "_publish_weighed", lambda: None)
        say()
    assert rows(services, "finding_verdicts.weighed").is_empty()
    assert "had said so" in say().says
    assert rows(services, "finding_verdicts.weighed").height == 1


def test_only_days_that_changed_are_weighed_anew(services):
    publish_findings(services.tables, 60)
    say()
    say(finding=finding_id(50))
    first = services.tables.history("finding_verdicts.weighed").row(-1, named=True)
    assert (first["window_end"] - first["window_start"]) == timedelta(days=1)
    assert rows(services, "finding_verdicts.weighed").height == 2


@pytest.mark.usefixtures("services")
def test_questions_are_the_uncertain_ones_that_nobody_judged():
    say()
    asked = steps.find_questions.fn(budget=2)
    assert [question["finding"] for question in asked] == [finding_id(2), finding_id(3)]
    assert asked[0]["cell"] == cell(2)


def test_without_findings_there_is_nothing_to_ask(tmp_path):
    services = Services(Settings(home=tmp_path))
    services.__dict__["tables"] = InMemoryTables(Clock())
    with use_services(services):
        assert steps.find_questions.fn() == []
        assert steps.write_template.fn().count("\n") == 1
        assert "Nobody has judged" in steps.list_verdicts.fn()


def test_a_filled_template_can_be_imported(services, tmp_path):
    lines = steps.write_template.fn(budget=3).splitlines()
    assert "'=HYPERLINK" in lines[1]
    filled = [f"{line[:-5]},reject,event,,anna," for line in lines[1:]]
    path = tmp_path / "filled.csv"
    path.write_text("\n".join([lines[0], *filled]), encoding="utf-8")
    assert "3 added" in steps.import_verdicts.fn(path).says
    assert set(rows(services)["fault_kind"]) == {"event"}


def test_a_list_can_be_imported_where_it_adds_nothing(services, tmp_path):
    say(comment="=1+1")
    told = steps.list_verdicts.fn(as_csv=True)
    assert "'=1+1" in told
    path = tmp_path / "list.csv"
    path.write_text(told, encoding="utf-8")
    assert "0 added, 1 told before" in steps.import_verdicts.fn(path).says
    assert rows(services).height == 1


@pytest.mark.parametrize(("identity", "sees"), [("operator", True), ("agent", False)])
def test_authors_are_listed_only_for_who_may_see_them(services, identity, sees):
    say(author="anna.k")
    services.settings = services.settings.model_copy(update={"identity": identity})
    told = steps.list_verdicts.fn()
    assert ("anna.k" in told) is sees
    assert A in told


def test_a_file_that_is_not_there_is_a_sentence(services, tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        steps.import_verdicts.fn(tmp_path / "none.csv")
    assert rows(services).is_empty()
