"""An embedder that remembers answers as the one behind it does, and asks it once."""

import numpy as np
import pytest

from tasks.adapters.hashed_embedder import HashedEmbedder
from tasks.adapters.remembered_embedder import RememberedEmbedder


class Counting(HashedEmbedder):
    def __init__(self):
        super().__init__()
        self.asked = []

    def embed(self, texts):
        self.asked += texts
        return super().embed(texts)


TEXTS = ["noise in the uplink", "", "restart the unit", "noise in the uplink"]


def test_it_answers_as_the_one_behind_it_and_asks_it_once(tmp_path):
    behind = Counting()
    first = RememberedEmbedder(behind, tmp_path).embed(TEXTS)
    assert np.array_equal(first, HashedEmbedder().embed(TEXTS))
    count = len(behind.asked)
    again = RememberedEmbedder(behind, tmp_path).embed(TEXTS)
    assert np.array_equal(first, again)
    assert len(behind.asked) == count
    assert RememberedEmbedder(behind, tmp_path).embed([]).shape[0] == 0


@pytest.mark.parametrize("content", [b"", b"not a vector", b"\x93NUMPY"])
def test_a_spoilt_file_is_made_anew(tmp_path, content):
    remembered = RememberedEmbedder(HashedEmbedder(), tmp_path)
    said = remembered.embed(["a text"])
    for path in tmp_path.rglob("*.npy"):
        path.write_bytes(content)
    assert np.array_equal(remembered.embed(["a text"]), said)


def test_models_of_other_names_share_nothing(tmp_path):
    class Other(Counting):
        name = "another-model"

    other = Other()
    RememberedEmbedder(HashedEmbedder(), tmp_path).embed(["a text"])
    RememberedEmbedder(other, tmp_path).embed(["a text"])
    assert other.asked == ["a text"]


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert RememberedEmbedder(HashedEmbedder(), blocked).embed(["a text"]).shape[0] == 1
