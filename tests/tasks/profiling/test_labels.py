"""Labels last while patterns do, and are never given twice."""

import numpy as np
import pytest

from tasks.profiling.labels import matched_labels


@pytest.mark.parametrize(
    ("likenesses", "previous", "ever", "labels"),
    [
        pytest.param(
            np.zeros((2, 0)), [], [], ["profile-01", "profile-02"], id="nothing was before"
        ),
        pytest.param(
            [[0.2, 0.99], [0.98, 0.3]],
            ["profile-01", "profile-02"],
            [],
            ["profile-02", "profile-01"],
            id="patterns came in another order",
        ),
        pytest.param(
            [[0.96, 0.95], [0.97, 0.1]],
            ["profile-01", "profile-02"],
            [],
            ["profile-02", "profile-01"],
            id="the best for both, not for the first",
        ),
        pytest.param(
            [[0.99], [0.5]],
            ["profile-02"],
            ["profile-01", "profile-07"],
            ["profile-02", "profile-08"],
            id="a new one gets a number that nobody had",
        ),
        pytest.param([[0.89]], ["profile-01"], [], ["profile-02"], id="alike is not like enough"),
    ],
)
def test_labels(likenesses, previous, ever, labels):
    assert matched_labels(np.array(likenesses), previous, ever, 0.9) == labels
