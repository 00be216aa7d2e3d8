"""Every declared deployment resolves, and the reference page says what the code says."""

import inspect

import pytest
from cronsim import CronSim

from deployments.reference_page import PAGE, deployments, flows, reference_page
from deployments.serve import REPOSITORY, WORK_POOL
from semantic_layer.errors import InputError
from tasks.settings import profile_variables


def named(declared: dict) -> str:
    return f"{declared['entrypoint']}/{declared['name']}"


@pytest.mark.parametrize("declared", deployments(), ids=named)
class TestADeclaredDeployment:
    def test_names_a_flow_that_exists(self, declared: dict):
        path, function = declared["entrypoint"].split(":")
        assert (REPOSITORY / path).is_file()
        assert function in {flow.fn.__name__ for flow in flows()}

    def test_gives_parameters_that_its_flow_accepts(self, declared: dict):
        function = declared["entrypoint"].split(":")[1]
        flow = next(each for each in flows() if each.fn.__name__ == function)
        inspect.signature(flow.fn).bind_partial(**declared.get("parameters", {}))
        flow.validate_parameters(declared.get("parameters", {}))

    def test_runs_alone_on_the_machine_s_pool_and_says_what_it_is(self, declared: dict):
        is_each_minute = any(one["cron"] == "* * * * *" for one in declared.get("schedules", []))
        strategy = "CANCEL_NEW" if is_each_minute else "ENQUEUE"
        assert declared["concurrency_limit"] == {"limit": 1, "collision_strategy": strategy}
        assert declared["work_pool"]["name"] == WORK_POOL
        assert declared["tags"]
        assert declared["description"].endswith(".")

    def test_has_only_schedules_that_are_cron_in_utc(self, declared: dict):
        for schedule in declared.get("schedules", []):
            assert schedule["timezone"] == "UTC"
            CronSim(schedule["cron"], dt=_a_moment())


def _a_moment():
    from datetime import UTC, datetime

    return datetime(2026, 3, 1, tzinfo=UTC)


def test_every_flow_has_a_deployment():
    deployed = {declared["entrypoint"].split(":")[1] for declared in deployments()}
    assert deployed == {flow.fn.__name__ for flow in flows()}


def test_the_reference_page_is_not_stale():
    assert PAGE.read_text(encoding="utf-8") == reference_page(), "run `make catalogue`"


def test_a_profile_is_names_and_values_without_secrets():
    variables = profile_variables(REPOSITORY / "deployments/profiles/local.env")
    assert variables["GX_ANALYTICS_ENABLED"] == "false"
    assert not [name for name in variables if any(w in name for w in ("KEY", "SECRET", "PASSWORD"))]


def test_a_window_needs_both_ends():
    from datetime import datetime

    from deployments.command_words import named_window

    assert named_window(None, None) is None
    with pytest.raises(InputError, match="both --from and --to"):
        named_window(datetime(2026, 3, 1), None)
    both = named_window(datetime(2026, 3, 1), datetime(2026, 3, 2))
    assert str(both) == "2026-03-01T00:00Z/2026-03-02T00:00Z"
