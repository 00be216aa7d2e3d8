"""What every `Embedder` does: vectors of length 1, the same for a text, near for near ones."""

import numpy as np
import pytest

from tasks.adapters.hashed_embedder import HashedEmbedder
from tasks.adapters.local_embedder import LocalEmbedder

NOISE = "Noise in the uplink is raised at any load, night included."


@pytest.fixture(
    scope="module",
    params=[pytest.param(HashedEmbedder, id="hashed"), pytest.param(LocalEmbedder, id="local")],
)
def embedder(request):
    return request.param()


def test_vectors_have_length_one_and_one_width(embedder):
    found = embedder.embed([NOISE, "Restart the radio unit.", "rrc_setup_success_rate"])
    assert found.dtype == np.float32
    assert np.allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-5)
    assert embedder.embed([]).shape == (0, found.shape[1])


def test_a_text_has_the_same_vector_whatever_stands_beside_it(embedder):
    alone = embedder.embed([NOISE])[0]
    beside = embedder.embed(["Renew jumper and sealing.", NOISE, "x " * 3000])[1]
    assert np.array_equal(alone, beside)


@pytest.mark.parametrize("text", ["", "   \n", "?! ...", "\u200b"])
def test_a_text_without_a_word_is_a_row_of_zeros(embedder, text):
    assert not embedder.embed([text]).any()


def test_near_texts_are_nearer_than_far_ones(embedder):
    said, near, far = embedder.embed(
        [NOISE, "The noise of the uplink is high at night.", "Order a generator for the grid."]
    )
    assert said @ near > said @ far + 0.1


def test_a_name_tells_the_model_and_its_version(embedder):
    assert embedder.name
    assert embedder.name == type(embedder)().name


def test_the_local_model_knows_meanings_that_share_no_word():
    said, near, far = LocalEmbedder().embed(
        ["the battery is empty", "Akku leer", "Der Zug kommt spät an."]
    )
    assert said @ near > said @ far
