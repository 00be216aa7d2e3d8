"""`anops sample` as a person types it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from deployments import sample_command
from deployments.sample_command import sample
from semantic_layer.errors import InputError
from tasks.adapters.sample_gateway import SampleGateway
from tasks.messages.change_sets import Operation
from tasks.settings import Settings
from tasks.twin.sample_network import write_sample_network


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    chosen = Settings(home=tmp_path, sample_network="village", sample_seed=7)
    monkeypatch.setattr(sample_command, "apply_profile", lambda _: {})
    monkeypatch.setattr(sample_command, "settings", lambda: chosen)
    return chosen.sample_folder


@pytest.fixture
def village(folder: Path) -> Path:
    return write_sample_network("village", 7, folder.parent).folder


def said(*words: str) -> str:
    result = CliRunner().invoke(sample, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.usefixtures("folder")
def test_without_a_network_it_is_said_how_to_get_one():
    with pytest.raises(InputError, match="anops run"):
        said("now")


def test_time_passes_and_is_told(village):
    assert "It is 2025-06-05T00:00Z in village-7; it goes on until 2025-06-12T00:00Z" in said("now")
    before = set((village / "delivered/pm").iterdir())
    assert "2 periods were delivered" in said("advance", "--hours", "0.5")
    assert "It is 2025-06-05T00:30Z" in said("now")
    assert len(set((village / "delivered/pm").iterdir()) - before) == 2 * 4
    assert "It is 2025-06-05T00:45Z" in said("advance", "--until", "2025-06-05T00:45:00")


def test_time_passes_by_the_minute_and_quarters_are_counted_when_they_end(village):
    before = set((village / "delivered/pm").iterdir())
    assert "It is 2025-06-05T00:03Z in village-7: 0 periods" in said("advance", "--minutes", "3")
    told = said("now")
    assert "It is 2025-06-05T00:03Z" in told
    assert "counted until 2025-06-05T00:00Z" in told
    assert set((village / "delivered/pm").iterdir()) == before
    assert len(list((village / "stream").iterdir())) == 3
    assert "1 periods were delivered" in said("advance", "--until", "2025-06-05T00:16:00")
    assert len(list((village / "stream").iterdir())) == 16
    assert len(set((village / "delivered/pm").iterdir()) - before) == 4


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--until", "2025-06-12T00:15:00"), "goes on for 7 days"),
        (("--until", "2025-06-05T00:00:00"), "only goes forward"),
        (("--hours", "0.26"), "whole minutes, UTC; got 2025-06-05T00:15:36"),
        (("--until", "2025-06-05T00:01:30"), "whole minutes"),
        (("--minutes", "0"), "only goes forward"),
        (("--minutes", "-3"), "only goes forward"),
        (("--hours", "nan"), "No time passes for nan"),
        (("--hours", "1e300"), "No time passes"),
        (("--minutes", "3", "--hours", "1"), "once: --hours, --minutes or --until"),
    ],
)
def test_a_moment_that_cannot_be_reached_is_refused(village, words, reason):
    with pytest.raises(InputError, match=reason):
        said("advance", *words)
    assert village.is_dir()


def test_writes_are_listed_and_only_those_stand_that_nobody_took_back(village):
    assert "Nothing was written" in said("writes")
    gateway = SampleGateway(village)
    cells = [one.dn for one in gateway.read_below("SubNetwork=1", "NRCellDU")][:2]
    for dn in cells:
        gateway.write(
            Operation("MODIFY", dn, "NRCellDU", "administrativeState", "UNLOCKED", "LOCKED")
        )
    back = Operation("MODIFY", cells[0], "NRCellDU", "administrativeState", "LOCKED", "UNLOCKED")
    gateway.write(back)
    told = said("writes")
    assert told.count("administrativeState") == 3
    assert "UNLOCKED -> LOCKED" in told
    told = said("now")
    assert "1 of 3 writes stand" in told
    assert cells[1] in told
    assert cells[0] not in told
