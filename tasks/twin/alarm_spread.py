"""How a fault shows itself in alarms: which, where, how many steps from the cause, how much later.

The equipment next to the cause notices first; what depends on it follows over the physical ways:
light to link, link to session, session to site, power to battery to site, clock to phase.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.twin.faults import Fault, FaultKind
from tasks.twin.layout import Network, Site
from tasks.twin.transport_network import TransportLink, TransportNetwork

Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Symptom:
    """One alarm that a fault raises.

    Attributes:
        name: the alarm's definition.
        dn: of the object that raises it.
        hops: steps from the cause; 0 is the cause itself.
        after_s: seconds from the fault's onset until it is raised.
        is_held: its way to the collector is cut as long as the fault lasts.
    """

    name: str
    dn: str
    hops: int
    after_s: float
    is_held: bool = False


@dataclass(frozen=True)
class Ground:
    """Where faults strike: the networks and, by period and site, the charge of batteries."""

    network: Network
    transport: TransportNetwork
    battery_share: npt.NDArray[Any] | None = None

    def site(self, element_dn: str) -> Site:
        """Return the site whose managed element this is."""
        return next(it for it in self.network.sites if it.element_dn == element_dn)


def symptoms(fault: Fault, ground: Ground, rng: Rng) -> list[Symptom]:
    """Return the alarms of a fault, each object and alarm once, the cause first.

    A fault that no equipment notices has none, but for new software, whose processes fall over.
    """
    spread = _SPREADS.get(fault.kind)
    if spread is None or not (fault.has_alarm or fault.kind == "software_regression"):
        return []
    found: dict[tuple[str, str], Symptom] = {}
    for symptom in spread(fault, ground, rng):
        found.setdefault((symptom.name, symptom.dn), symptom)
    return sorted(found.values(), key=lambda it: (it.hops, it.after_s, it.dn, it.name))


def lag(rng: Rng, median_s: float, spread: float = 0.5) -> float:
    """Return a delay: lognormal, as detection timers and polls add up."""
    return float(median_s * np.exp(spread * rng.standard_normal()))


def _cells(fault: Fault, ground: Ground) -> list[str]:
    return [ground.network.cells[cell].dn for cell in fault.cells]


def _gnb_part(site: Site, part: str) -> str:
    return f"{site.element_dn},{part}=1"


def _outage(fault: Fault, ground: Ground, rng: Rng) -> Iterator[Symptom]:
    site = ground.network.cells[fault.cells[0]].site
    first, steps = 0.0, 0
    if fault.scope != "cell":
        unit = "baseband_unit_failure" if fault.scope == "site" else "radio_unit_unreachable"
        yield Symptom(unit, site.element_dn, 0, 0.0)
        first, steps = 8.0, 1
    for dn in _cells(fault, ground):
        yield Symptom("cell_service_unavailable", dn, steps, lag(rng, first) if first else 0.0)


def _feeder(fault: Fault, ground: Ground, rng: Rng) -> Iterator[Symptom]:
    for dn in _cells(fault, ground):
        yield Symptom("vswr_over_threshold", dn, 0, 0.0)
        if rng.random() < 0.4:
            yield Symptom("transmitter_output_low", dn, 1, lag(rng, 120.0))


def _mimo(fault: Fault, ground: Ground, rng: Rng) -> Iterator[Symptom]:
    for dn in _cells(fault, ground):
        yield Symptom("rf_branch_degraded", dn, 0, 0.0)
        if rng.random() < 0.3:
            yield Symptom("cell_degraded", dn, 1, lag(rng, 300.0))


def _core_link(fault: Fault, ground: Ground, rng: Rng) -> Iterator[Symptom]:
    dn = _gnb_part(ground.network.cells[fault.cells[0]].site, "GNBCUCPFunction")
    yield Symptom("sctp_association_down", dn, 0, 0.0)
    yield Symptom("ng_link_unstable", dn, 1, lag(rng, 12.0))


def _intermodulation(fault: Fault, ground: Ground, rng: Rng) -> Iterator[Symptom]:
    for dn in _cells(fault, ground):
        yield Symptom("passive_intermodulation_detected", dn, 0, lag(rng, 60.0))
        if rng.random() < 0.5:
            yield Symptom("receiver_diversity_lost", dn, 1, lag(rng, 400.0))


def _link_cut(fault: Fault, ground: Ground, rng: Rng) -> Iterator[Symptom]:
    struck = [ground.transport.link_of[link] for link in fault.objects]
    fibres = [
        link
        for link in ground.transport.links
        if any(link.link_id in one.supported_by for one in struck)
    ]
    common = [one for one in fibres if all(one.link_id in it.supported_by for it in struck)]
    for fibre in common[:1]:
        for dn in (fibre.a_dn, fibre.b_dn):
            yield Symptom("loss_of_signal", dn, 0, 0.0)
            yield Symptom("loss_of_frame", dn, 1, lag(rng, 2.0, 0.2))
    steps = 1 if common else 0
    for link in struck:
        yield from _link_down(link, steps, rng)
    standing = ground.transport.paths_without(fault.objects)
    for index in ground.transport.router_of_site:
        if index not in standing:
            yield from _cut_off(ground, index, steps + 1, rng)
        elif set(ground.transport.path_of(index)) & set(fault.objects) and rng.random() < 0.3:
            dn = _gnb_part(ground.network.sites[index - 1], "GNBCUCPFunction")
            yield Symptom("ng_link_unstable", dn, steps + 2, lag(rng, 25.0))


def _link_down(link: TransportLink, steps: int, rng: Rng) -> Iterator[Symptom]:
    if link.layer == "microwave" and rng.random() < 0.5:
        yield Symptom("microwave_fade", link.a_dn, steps, 0.0)
        steps += 1
    for dn in (link.a_dn, link.b_dn):
        down = lag(rng, 3.0, 0.3) if steps else 0.0
        session = down + lag(rng, 1.5, 0.3)
        yield Symptom("link_down", dn, steps, down)
        yield Symptom("bfd_session_down", dn, steps + 1, session)
        if link.layer == "ip":
            yield Symptom("bgp_session_down", dn, steps + 2, session + lag(rng, 12.0))


def _cut_off(ground: Ground, index: int, steps: int, rng: Rng) -> Iterator[Symptom]:
    """Yield what is told of a site that nothing reaches any more, mostly by others."""
    site = ground.network.sites[index - 1]
    router = ground.transport.router_of_site[index]
    dn = next(node.dn for node in ground.transport.nodes if node.node_id == router)
    yield Symptom("router_unreachable", dn, steps, lag(rng, 70.0, 0.3))
    yield Symptom("heartbeat_lost", site.element_dn, steps + 1, lag(rng, 150.0, 0.3))
    part = _gnb_part(site, "GNBCUCPFunction")
    yield Symptom("sctp_association_down", part, steps + 1, lag(rng, 35.0), is_held=True)
    yield Symptom("ng_link_unstable", part, steps + 2, lag(rng, 45.0), is_held=True)
    for cell in ground.network.cells:
        if cell.site.index == index and rng.random() < 0.5:
            yield Symptom(
                "cell_service_unavailable", cell.dn, steps + 3, lag(rng, 60.0), is_held=True
            )


def _dwdm(fault: Fault, ground: Ground, rng: Rng) -> Iterator[Symptom]:
    fibre = ground.transport.link_of[fault.objects[0]]
    yield Symptom("optical_power_low", fibre.b_dn, 0, 0.0)
    errors = lag(rng, 240.0)
    yield Symptom("bit_error_ratio_high", fibre.b_dn, 1, errors)
    yield Symptom("optical_channel_degraded", fibre.b_dn, 2, errors + lag(rng, 200.0))
    for link in ground.transport.links:
        if fibre.link_id in link.supported_by:
            seen = errors + lag(rng, 300.0)
            yield Symptom("interface_errors_high", link.b_dn, 3, seen)
            if rng.random() < 0.6:
                yield Symptom("packet_loss_high", link.b_dn, 4, seen + lag(rng, 300.0))
    for index in {ground.network.cells[cell].site.index for cell in fault.cells}:
        if rng.random() < 0.25:
            dn = _gnb_part(ground.network.sites[index - 1], "GNBCUCPFunction")
            yield Symptom("ng_link_unstable", dn, 5, errors + lag(rng, 900.0))


def _clock(fault: Fault, ground: Ground, rng: Rng) -> Iterator[Symptom]:
    dn = fault.objects[0]
    lost = lag(rng, 40.0)
    held = lost + lag(rng, 60.0)
    over = held + lag(rng, 5_400.0, 0.3)
    yield Symptom("gnss_reception_lost", dn, 0, 0.0)
    yield Symptom("timing_reference_lost", dn, 1, lost)
    yield Symptom("clock_holdover_entered", dn, 2, held)
    yield Symptom("clock_holdover_exceeded", dn, 3, over)
    off = over + lag(rng, 2_400.0, 0.3)
    yield Symptom("phase_offset_high", dn, 4, off)
    for cell in _cells(fault, ground):
        if rng.random() < 0.35:
            yield Symptom("external_interference_detected", cell, 5, off + lag(rng, 1_200.0))


def _power(fault: Fault, ground: Ground, rng: Rng) -> Iterator[Symptom]:
    dn = fault.objects[0]
    site = ground.site(dn)
    yield Symptom("mains_failure", dn, 0, 0.0)
    yield Symptom("battery_discharging", dn, 1, lag(rng, 20.0))
    low = _charge_falls_to(fault, ground, site, 0.25)
    if low is not None:
        yield Symptom("battery_low", dn, 2, low + lag(rng, 60.0))
    empty = _charge_falls_to(fault, ground, site, 0.0)
    if empty is None:
        return
    yield Symptom("site_power_lost", dn, 3, empty + lag(rng, 90.0, 0.2))
    for cell in _cells(fault, ground):
        yield Symptom("cell_service_unavailable", cell, 4, empty + lag(rng, 120.0, 0.2))
    router = ground.transport.router_of_site[site.index]
    node = next(it for it in ground.transport.nodes if it.node_id == router)
    yield Symptom("router_unreachable", node.dn, 4, empty + lag(rng, 200.0, 0.2))
    yield Symptom("heartbeat_lost", dn, 4, empty + lag(rng, 250.0, 0.2))


def _charge_falls_to(fault: Fault, ground: Ground, site: Site, share: float) -> float | None:
    """Return after how many seconds the batteries hold no more than that; None if they last."""
    if ground.battery_share is None:
        return None
    course = ground.battery_share[fault.first : fault.last, site.index - 1]
    below = np.flatnonzero(course <= share + 1e-6)
    return float(below[0]) * 900.0 if len(below) else None


def _restart(fault: Fault, ground: Ground, rng: Rng) -> Iterator[Symptom]:
    dn = fault.objects[0]
    is_control = dn.rpartition(",")[2].startswith("AMFFunction")
    yield Symptom("network_function_restarted", dn, 0, 0.0)
    if is_control and rng.random() < 0.5:
        yield Symptom("amf_overload", dn, 1, lag(rng, 180.0))
    for index in ground.transport.sites_of_function(dn):
        site = ground.network.sites[index - 1]
        if is_control:
            part = _gnb_part(site, "GNBCUCPFunction")
            down = lag(rng, 15.0)
            yield Symptom("sctp_association_down", part, 1, down)
            if rng.random() < 0.6:
                yield Symptom("ng_link_unstable", part, 2, down + lag(rng, 20.0))
        else:
            yield Symptom("gtp_path_failure", site.element_dn, 1, lag(rng, 40.0))


def _software(fault: Fault, ground: Ground, rng: Rng) -> Iterator[Symptom]:
    if ground.network.sites and rng.random() < 0.6:
        yield Symptom("process_restarted", fault.objects[0], 0, lag(rng, 1_800.0))


_SPREADS: dict[FaultKind, Callable[[Fault, Ground, Rng], Iterator[Symptom]]] = {
    "outage": _outage,
    "feeder_loss": _feeder,
    "mimo_branch_loss": _mimo,
    "core_link_failure": _core_link,
    "passive_intermodulation": _intermodulation,
    "link_cut": _link_cut,
    "dwdm_degradation": _dwdm,
    "clock_loss": _clock,
    "power_failure": _power,
    "core_function_restart": _restart,
    "software_regression": _software,
}


def idle_objects(ground: Ground) -> Sequence[tuple[str, tuple[str, ...]]]:
    """Return objects that raise alarms of no fault, and which ones."""
    links = [dn for link in ground.transport.links for dn in (link.a_dn, link.b_dn)]
    return [
        *((site.element_dn, _AT_SITES) for site in ground.network.sites),
        *((dn, _AT_LINKS) for dn in links if ",Interface=" in dn),
        *((function.dn, _AT_FUNCTIONS) for function in ground.transport.functions),
    ]


_AT_SITES = ("cabinet_door_open", "cabinet_temperature_high", "battery_failure", "fan_failure",
             "timing_reference_lost", "license_will_expire")  # fmt: skip
_AT_LINKS = ("interface_errors_high", "sfp_fault", "interface_utilization_high")
_AT_FUNCTIONS = ("certificate_will_expire", "license_will_expire", "configuration_mismatch")
