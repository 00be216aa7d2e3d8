"""The page of a plan: the same for the same figures, with every value escaped."""

from dataclasses import replace

import pytest

from data_products.sleep_plans.derive import derive
from tasks.energy.pages import PlanStory, pareto_picture, plan_markdown, plan_page
from tasks.energy.plan_rows import PlanFacts, plan_rows
from tasks.energy.plan_story import plan_story
from tests.tasks.energy.planned import BEGIN, PRICES, STARTS, decision_on

HOSTILE = "Save energy </blockquote><script>x()</script> [a](http://x) everywhere"


@pytest.fixture(scope="module")
def story() -> PlanStory:
    """Return the story of a plan of the small network."""
    text = "Save energy everywhere tonight, users keep 6 Mbit/s."
    decision, desk, _ = decision_on(text)
    facts = PlanFacts(BEGIN, STARTS, desk.ground.site_ids, PRICES, text, decision, "run")
    rows = derive(
        plan_rows(desk.problem(decision["promise"]), desk.plans[decision["promise"]], facts)
    )
    return plan_story(desk, facts, rows)


def test_a_page_tells_goal_choice_and_every_plan_beside_it(story):
    page = plan_page(story)
    assert story.text in page
    assert story.understood in page
    for plan in story.plans:
        assert f"<td>{plan.promise}</td><td>{plan.saved_kwh:.1f}</td>" in page
    assert page.count('class="chosen"') == 1
    assert all(hour.start in page for hour in story.hours)


def test_a_picture_shows_dominated_plans_beside_those_worth_a_choice(story):
    worse = replace(story.plans[0], promise="worse", saved_kwh=0.1, floor_mbps=1.0)
    with_worse = replace(story, solved=[*story.solved, worse])
    assert b"worse" in pareto_picture(with_worse)
    assert b"worse" not in pareto_picture(story)


def test_the_same_story_gives_the_same_page(story):
    assert plan_page(story) == plan_page(story)


def test_what_a_person_wrote_stays_text(story):
    told = replace(story, text=HOSTILE, notes=[HOSTILE])
    assert "<script>" not in plan_page(told)
    assert "&lt;script&gt;" in plan_page(told)
    markdown = plan_markdown(told)
    assert "<script>" not in markdown
    assert "\\[a\\]" in markdown


def test_a_plan_in_which_nobody_saves_says_so(story):
    assert "No cell saves in this plan." in plan_page(replace(story, hours=[]))
