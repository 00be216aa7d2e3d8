"""The agent as it runs: cited, repeatable, never led by what others wrote, honest where blind."""

import pytest

from semantic_layer.causes import causes, explaining_rules
from semantic_layer.errors import TransientError
from tasks.adapters.scripted_chat import ObedientChat, ScriptedChat
from tasks.agents.replaying import replayed
from tasks.agents.session import SOLVER
from tasks.explaining import agent
from tasks.explaining.agent import explain_finding
from tasks.explaining.deciding import would_decide
from tasks.explaining.hypotheses import hypotheses
from tasks.messages.canonical import canonical_json
from tests.tasks.agents_toolbox.conftest import MINE
from tests.tasks.agents_toolbox.test_toolbox import HOSTILE, LiveNetwork, Shelf, live
from tests.tasks.explaining.world import Desk, fact, facts, kpi


def quiet(told):
    """Take away what happened and stood near: only KPIs are left."""
    return {name: told[name].clear() for name in ("alarms", "change_history", "trouble_tickets")}


@pytest.fixture
def everything_is_close(monkeypatch):
    """Rules by which every lead is a close one."""
    close = explaining_rules().model_copy(update={"close_margin": 0.99})
    monkeypatch.setattr(agent, "explaining_rules", lambda: close)


def test_without_a_model_the_solver_says_what_moved_since_when_why_and_what_decides():
    decision = Desk().run()
    assert decision["decided_by"] == decision["said_by"] == SOLVER
    text = decision["text"]
    for part in (
        MINE, "since 2026-03-08 12:00 UTC", "rrc_setup_success_rate 40.0 % where 99.5 is usual",
        "[CRQ1]", "probability", "Next:", "To ",
    ):  # fmt: skip
        assert part in text, part
    assert "lock every cell" not in text


def test_every_citation_came_from_a_tool_of_the_run():
    desk = Desk(knowledge=Shelf())
    decision = desk.run()
    told = canonical_json([one["result"] for one in desk.contents("tool_called")])
    assert decision["citations"]
    assert all(cited in told for cited in decision["citations"])
    assert "p1" in decision["citations"]


def test_of_a_line_that_reflects_and_a_new_release_the_first_leads_and_both_are_told():
    decision = Desk().run()
    assert (decision["cause"], decision["runner_up"]) == ("feeder_loss", "software_fault")
    assert decision["is_decided"]
    signs = {one["sign"]: one["reference"] for one in decision["contributions"]}
    assert signs["power comes back from the line"] == "A1"
    assert signs["a new release was put in shortly before"] == "CRQ1"


def test_with_nothing_near_a_cell_that_lets_nobody_in_is_asleep():
    decision = Desk(change_frames=quiet).run()
    assert decision["cause"] == "sleeping_cell"
    assert decision["fault_kind"] == "sleeping_cell"
    assert "Nothing stood near it" not in decision["text"]  # cells near it did


def test_a_run_repeated_from_its_transcript_decides_the_same():
    desk = Desk(knowledge=Shelf(), network=live(85))
    decision = desk.run()
    told = replayed(
        desk.transcripts.read("run-1"),
        explain_finding,
        {"code_version": "", "catalogue_version": ""},
    )
    assert told.difference == ""
    assert told.repeated == canonical_json(decision)


def test_a_live_tilt_that_is_not_planned_speaks_for_the_antenna():
    tilted = Desk(change_frames=quiet, network=live(85)).run()
    level = Desk(change_frames=quiet, network=live(40)).run()

    def odds(decision):
        return {one["cause"]: one["log_odds"] for one in decision["hypotheses"]}

    assert odds(tilted)["antenna_misaligned"] > odds(level).get("antenna_misaligned", -9)


def test_a_network_that_does_not_answer_is_named_and_the_plan_is_read_without_it():
    class Silent(LiveNetwork):
        def read(self, dns):
            raise TransientError(f"No answer for {len(dns)} objects.")

    decision = Desk(network=Silent([])).run()
    (failure,) = decision["failures"]
    assert failure.startswith("read_configuration: The live configuration")
    assert "Could not be asked, or only in part: read_configuration." in decision["text"]
    assert decision["cause"] == Desk().run()["cause"]


def test_what_nobody_foresaw_is_no_answer_and_ends_the_run():
    class Broken(LiveNetwork):
        def read(self, dns):
            raise RuntimeError(f"{len(dns)} objects: a mistake in the code")

    desk = Desk(network=Broken([]))
    with pytest.raises(RuntimeError, match="a mistake in the code"):
        desk.run()
    assert desk.contents("decided") == []
    assert "a mistake in the code" in desk.contents("run_failed")[0]["error"]


@pytest.mark.usefixtures("everything_is_close")
def test_where_the_best_are_close_a_model_votes_among_them_and_changes_no_probability():
    def vote(request):
        return {"option_id": "sleeping_cell"} if request.answer_schema else "Nobody knows."

    alone = Desk().run()
    assert alone["decided_by"] == SOLVER
    assert alone["why_solver"]
    voted = Desk(chat=ScriptedChat(vote)).run()
    assert (voted["cause"], voted["decided_by"]) == ("sleeping_cell", "scripted")
    assert not voted["is_decided"]
    odds = {one["cause"]: one["probability"] for one in alone["hypotheses"]}
    assert voted["probability"] == odds["sleeping_cell"]


@pytest.mark.parametrize("tilt", [pytest.param(40, id="as planned"), pytest.param(85, id="off")])
def test_what_code_writes_passes_the_check_that_a_models_text_must_pass(tilt):
    told = Desk(network=live(tilt), knowledge=Shelf()).run()["text"]
    echo = Desk(chat=ScriptedChat(lambda _: told), network=live(tilt), knowledge=Shelf())
    decision = echo.run()
    assert echo.contents("written")[0]["fabricated"] == []
    assert decision["said_by"] == "scripted"


def test_where_the_first_leads_clearly_nobody_is_asked_to_choose():
    chat = ScriptedChat(lambda _: "It strays.")
    assert Desk(chat=chat).run()["why_solver"] == "The first cause leads clearly."
    assert [request.role for request in chat.requests] == ["explainer"]


def test_text_of_a_model_that_names_what_no_tool_gave_is_not_taken():
    invented = ScriptedChat(lambda _: "SubNetwork=1,ManagedElement=999 lost 73.25 % [TT-9].")
    decision = Desk(chat=invented).run()
    assert decision["said_by"] == SOLVER
    assert "73.25" not in decision["text"]


def test_a_model_that_obeys_the_attacker_moves_no_cause_and_writes_nothing_anywhere():
    network = live(40)
    obedient = Desk(chat=ObedientChat(), knowledge=Shelf(), network=network).run()
    alone = Desk(knowledge=Shelf(), network=live(40)).run()
    assert network.writes == []
    assert obedient["probability"] <= 1.0
    assert obedient["cause"] in {one["cause"] for one in alone["hypotheses"]}
    assert {one["cause"]: one["log_odds"] for one in obedient["hypotheses"]} == {
        one["cause"]: one["log_odds"] for one in alone["hypotheses"]
    }


@pytest.mark.usefixtures("everything_is_close")
def test_texts_by_others_never_reach_a_choice():
    def vote(request):
        return {"option_id": "sleeping_cell"} if request.answer_schema else "Nobody knows."

    chat = ScriptedChat(vote)
    Desk(chat=chat, knowledge=Shelf()).run()
    choices = [one for one in chat.requests if one.answer_schema]
    assert choices
    for asked in choices:
        told = "".join(message.text for message in asked.messages)
        assert HOSTILE not in told
        assert "lock every cell" not in told


def test_what_would_decide_tells_the_first_two_apart():
    seen = facts(
        kpi("cell_availability", 0.0), kpi("mean_active_users", -4.0),
        kpi("rrc_setup_success_rate", 0.0), kpi("mean_cqi", -1.5), fact("alone_at_site", 1.0),
    )  # fmt: skip
    ranked = hypotheses(seen, causes(), explaining_rules())
    first, second = [one for one in ranked if one.cause != "unknown"][:2]
    told = would_decide(ranked, causes(), is_sure=False)
    looks = {
        f"{one.look.rstrip('.')} ({one.source})"
        for name in (first.cause, second.cause)
        for one in causes()[name].deciders
    }
    assert told in looks
