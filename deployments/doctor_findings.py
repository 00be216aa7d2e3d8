"""What `anops doctor` says of one thing that it looked at."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: its name, whether it is well, and a sentence."""

    name: str
    is_well: bool
    says: str


def well(name: str, says: str) -> Finding:
    """Return a finding that needs nothing done."""
    return Finding(name, is_well=True, says=says)


def ill(name: str, says: str) -> Finding:
    """Return a finding that says what would help."""
    return Finding(name, is_well=False, says=says)
