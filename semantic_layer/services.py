"""Services that users buy, and what each asks of the network; as definitions with a source."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from semantic_layer.errors import DefinitionError, UnknownNameError
from semantic_layer.plain_yaml import read_yaml_file

PACKAGED = Path(__file__).parent / "catalogue" / "services.yaml"


class Service(BaseModel):
    """One service; a session is satisfied when it was set up, held, and kept all four limits.

    Attributes:
        name: ours; unique.
        title: for people.
        five_qi: the 5G QoS identifier it usually runs on (TS 23.501 table 5.7.4-1).
        floor_throughput_dl_mbps, floor_throughput_ul_mbps: lowest rate while data flows.
        ceiling_round_trip_ms: longest round trip.
        ceiling_packet_loss_share: highest share of packets lost, 0 to 1.
        source: where the limits come from.
        description: one sentence.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(pattern="^[a-z][a-z0-9_]*$")
    title: str
    five_qi: int = Field(ge=1, le=255)
    floor_throughput_dl_mbps: float = Field(ge=0)
    floor_throughput_ul_mbps: float = Field(ge=0)
    ceiling_round_trip_ms: float = Field(gt=0)
    ceiling_packet_loss_share: float = Field(ge=0, le=1)
    source: str = Field(min_length=1)
    description: str = Field(min_length=1)


class ServiceCatalogue(BaseModel):
    """Every service, and the smallest group of subscribers that may be told apart."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fewest_subscribers: int = Field(ge=2)
    services: tuple[Service, ...] = Field(min_length=1)

    @property
    def by_name(self) -> Mapping[str, Service]:
        """The services by name."""
        return {service.name: service for service in self.services}

    def service(self, name: str) -> Service:
        """Return a service by name."""
        if name not in self.by_name:
            raise UnknownNameError.of("service", name, self.by_name)
        return self.by_name[name]


@cache
def service_catalogue() -> ServiceCatalogue:
    """Return the packaged services.

    >>> service_catalogue().service("voice").five_qi
    1
    """
    return load_services(PACKAGED)


def load_services(path: Path) -> ServiceCatalogue:
    """Return the services that a file defines.

    Raises:
        DefinitionError: a service lacks a limit or its source, or stands twice.
    """
    try:
        content: Any = read_yaml_file(path)
    except yaml.YAMLError as error:
        raise DefinitionError(f"{path.name} is not YAML: {error}") from error
    try:
        found = ServiceCatalogue.model_validate(content)
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, detail['loc'])) or 'file'}: {detail['msg']}"
            for detail in error.errors()
        )
        raise DefinitionError(f"{path.name} cannot be used: {told}.") from error
    names = [service.name for service in found.services]
    for name in sorted({name for name in names if names.count(name) > 1}):
        raise DefinitionError(f"{path.name} defines the service {name!r} twice.")
    return found
