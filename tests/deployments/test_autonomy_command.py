"""`anops autonomy`: who may set what, and what is put on record."""

import json
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from typer.testing import CliRunner

from deployments import autonomy_command
from deployments.autonomy_command import autonomy
from tasks.adapters.memory_ledger import MemoryLedger
from tasks.settings import Settings
from tasks.wiring import Services, use_services

NOW = datetime(2025, 6, 4, tzinfo=UTC)
ROLE = {"use_cases": "all", "highest_risk": "high", "description": "Answers for the network."}
PEOPLE = {
    "roles": {"shift_lead": ROLE, "network_operator": ROLE},
    "persons": {
        "anna": {"name": "Anna", "roles": ["shift_lead"]},
        "dora": {"name": "Dora", "roles": ["network_operator"]},
        "kai": {
            "name": "Kai",
            "roles": ["shift_lead"],
            "needs_token": True,
            "token_hashes": [sha256(b"secret").hexdigest()],
        },
    },
}


class Clock:
    def now(self):
        return NOW


@pytest.fixture
def ledger(tmp_path, monkeypatch):
    people = tmp_path / "people.yaml"
    people.write_text(json.dumps(PEOPLE), encoding="utf-8")
    chosen = Settings(home=tmp_path, people_file=people)
    services = Services(chosen)
    services.__dict__ |= {"network_clock": Clock(), "ledger": MemoryLedger(Clock())}
    monkeypatch.setattr(autonomy_command, "apply_profile", lambda _: {})
    monkeypatch.setattr(autonomy_command, "settings", lambda: chosen)
    with use_services(services):
        yield services.ledger


def said(*words, typed=""):
    return CliRunner().invoke(autonomy, list(words), input=typed)


def test_a_level_is_set_by_whom_a_role_entitles(ledger):
    told = said("set", "heal_tilt_slip", "3", "--reason", "Watched.", "--by", "anna")
    assert "from L2 to L3 by anna" in told.output
    assert ledger.entries("heal_tilt_slip")[0].actor == "anna"
    assert "L3" in said("show").output


@pytest.mark.parametrize(
    ("by", "typed", "reason"),
    [
        ("dora", "", "may not set levels"),
        ("nobody", "", "is nobody of people.yaml"),
        ("", "", "say who you are"),
        ("kai", "wrong\n", "is not Kai's"),
    ],
)
def test_others_set_nothing(ledger, by, typed, reason):
    told = said("freeze", "--reason", "A storm.", "--by", by, typed=typed)
    assert reason in str(told.exception)
    assert ledger.entries() == []


def test_the_network_is_frozen_and_thawed_with_a_token(ledger):
    assert "frozen by kai" in said("freeze", "--reason", "A storm.", "--by", "kai",
                                   typed="secret\n").output  # fmt: skip
    assert "thawed by anna" in said("thaw", "--reason", "Over.", "--by", "anna").output
    assert [one.kind for one in ledger.entries("network")] == ["frozen", "thawed"]
