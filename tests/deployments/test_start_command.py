"""`anops start` runs any flow by its name and says what came of it."""

import pytest
from typer.testing import CliRunner

from data_products.lineage import Snapshot
from deployments.command import app
from deployments.start_command import flow_names, shown
from semantic_layer.errors import UnknownNameError


def test_every_flow_can_be_started_by_the_name_that_prefect_shows():
    assert {"operate-network", "train-models", "compare-models"} <= set(flow_names())


def test_a_misspelt_flow_is_an_error_that_helps():
    with pytest.raises(UnknownNameError, match="did you mean 'train-models'"):
        CliRunner().invoke(app, ["start", "train-model"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("result", "text"),
    [
        pytest.param(None, "None", id="nothing came"),
        pytest.param([], "nothing", id="no rows"),
        pytest.param({"page": "# A page", "rows": []}, "# A page", id="a page"),
        pytest.param(Snapshot("cell_profiles", 7, 1366), "cell_profiles: 1,366 rows", id="table"),
        pytest.param(
            [{"model": "a", "outcome": "champion"}], "model a; outcome champion", id="rows"
        ),
    ],
)
def test_what_came_of_a_flow_is_told_in_words(result, text):
    assert shown(result) == text
