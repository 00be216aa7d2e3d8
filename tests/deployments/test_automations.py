"""The declared automations are Prefect's, run what is deployed, and never set themselves off."""

from uuid import uuid4

import networkx as nx
import pytest
import yaml
from prefect.events.schemas.automations import EventTrigger

from deployments.automations import declared_automations
from deployments.reference_page import deployments, flows
from deployments.serve import AUTOMATIONS_FILE
from tasks import step

DECLARED = yaml.safe_load(AUTOMATIONS_FILE.read_text(encoding="utf-8"))["automations"]
RUNS = [
    pytest.param(each, action, id=each["name"])
    for each in DECLARED
    for action in each["actions"]
    if action["type"] == "run-deployment"
]


def test_prefect_takes_every_automation():
    asked = []
    found = declared_automations(AUTOMATIONS_FILE, lambda name: asked.append(name) or uuid4())
    assert [each.name for each in found] == [each["name"] for each in DECLARED]
    assert all(isinstance(each.trigger, EventTrigger) for each in found)
    assert len(asked) == len(RUNS)


def test_every_automation_says_what_it_is_for():
    assert all(each["description"].endswith(".") for each in DECLARED)


@pytest.mark.parametrize(("declared", "action"), RUNS)
def test_an_automation_runs_a_deployment_with_parameters_that_its_flow_has(declared, action):
    flow_name, _, name = action["deployment"].partition("/")
    flow = next(each for each in flows() if each.name == flow_name)
    function = flow.fn.__name__
    deployed = {(one["entrypoint"].split(":")[1], one["name"]) for one in deployments()}
    assert (function, name) in deployed
    assert set(action["parameters"]) <= set(flow.parameters.properties)
    assert declared["trigger"]["within"] == 0


def test_an_automation_waits_only_for_events_that_steps_tell():
    told = {step.PRODUCT_PUBLISHED, step.PRODUCT_REFUSED, step.CONTRACT_BROKEN, step.FILE_LATE}
    awaited = {
        event
        for each in DECLARED
        for event in each["trigger"]["expect"]
        if event.startswith("anops.")
    }
    assert awaited == told


def test_no_chain_of_automations_comes_back_to_where_it_began():
    chain = nx.DiGraph()
    for each in DECLARED:
        began = each["trigger"]["match"].get("anops.flow")
        for action in each["actions"]:
            if began and action["type"] == "run-deployment":
                assert each["trigger"]["match"]["anops.started"] == "by itself"
                chain.add_edge(began, action["deployment"].partition("/")[0])
    assert list(chain.edges) == [
        ("ingest-network-data", "curate-data-products"),
        ("curate-data-products", "score-cells"),
    ]
    assert nx.is_directed_acyclic_graph(chain)
