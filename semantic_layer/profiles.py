"""Profiles: kinds of place whose thresholds differ."""

from pydantic import BaseModel, ConfigDict


class Profile(BaseModel):
    """A kind of place with thresholds of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str
