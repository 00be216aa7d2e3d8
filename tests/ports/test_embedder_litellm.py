"""Vectors by LiteLLM: of length 1, in order, and never a vector where there is none."""

import numpy as np
import pytest

from semantic_layer.errors import TransientError
from tasks.adapters.litellm_embedder import LiteLlmEmbedder
from tests.ports.chat_server import Behavior, servers


def vectors(*rows, shuffled=False):
    told = [
        {"object": "embedding", "index": number, "embedding": row}
        for number, row in enumerate(rows)
    ]
    return {
        "object": "list",
        "data": told[::-1] if shuffled else told,
        "model": "served",
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }


@pytest.fixture
def serve():
    with servers() as start:
        yield start


def embedder(server, **changes):
    return LiteLlmEmbedder("openai/embedding-model", server.url, **changes)


def test_rows_have_length_1_and_stand_in_the_order_of_texts(serve):
    server = serve(Behavior(body=vectors([3.0, 4.0], [0.0, 2.0], shuffled=True)))
    found = embedder(server).embed(["a cell sleeps", "a cell wakes"])
    assert found.dtype == np.float32
    assert np.allclose(found, [[0.6, 0.8], [0.0, 1.0]])
    assert server.requests[0]["input"] == ["a cell sleeps", "a cell wakes"]


def test_a_text_without_a_word_is_a_row_of_zeros_and_is_not_sent(serve):
    server = serve(Behavior(body=vectors([1.0, 0.0])))
    found = embedder(server).embed([" ", "tilt", ""])
    assert found.tolist() == [[0, 0], [1, 0], [0, 0]]
    assert server.requests[0]["input"] == ["tilt"]


def test_rows_of_zeros_alone_are_as_wide_as_the_models_vectors(serve):
    server = serve(Behavior(body=vectors([1.0, 0.0, 0.0])))
    assert embedder(server).embed(["", " "]).shape == (2, 3)
    assert embedder(server).embed([]).shape == (0, 3)


def test_many_texts_go_out_in_parts(serve):
    server = serve(
        Behavior(body=vectors(*[[1.0, float(n)] for n in range(64)])),
        Behavior(body=vectors([0.0, 5.0])),
    )
    found = embedder(server).embed([f"text {n}" for n in range(65)])
    assert [len(sent["input"]) for sent in server.requests] == [64, 1]
    assert found.shape == (65, 2)
    assert found[64].tolist() == [0.0, 1.0]


def test_the_name_tells_the_model_so_that_vectors_never_mix(serve):
    server = serve()
    assert embedder(server).name == "litellm/openai/embedding-model"


@pytest.mark.parametrize(
    "behavior",
    [
        pytest.param(Behavior(status=500, body={}), id="broken"),
        pytest.param(Behavior(status=401, body={}), id="wrong key"),
        pytest.param(Behavior(body=b"<html>"), id="a page"),
        pytest.param(Behavior(body=vectors([1.0, 2.0])), id="too few"),
        pytest.param(Behavior(body=vectors([1.0], [1.0, 2.0])), id="of two widths"),
        pytest.param(Behavior(body=vectors([1.0, float("nan")], [1.0, 2.0])), id="not a number"),
        pytest.param(Behavior(wait_s=30), id="hangs"),
    ],
)
def test_what_is_no_vector_a_text_is_an_error_that_may_be_tried_again(serve, behavior):
    with pytest.raises(TransientError, match="embedding-model"):
        embedder(serve(behavior), timeout_s=0.5).embed(["one", "two"])


def test_a_model_that_changes_its_width_is_not_believed(serve):
    server = serve(Behavior(body=vectors([1.0, 2.0])), Behavior(body=vectors([1.0, 2.0, 3.0])))
    made = embedder(server)
    made.embed(["one"])
    with pytest.raises(TransientError, match="as wide as before"):
        made.embed(["two"])
