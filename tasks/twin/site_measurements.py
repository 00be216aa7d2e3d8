"""What sites count: energy, backhaul, the supply and its batteries, the clock."""

import numpy as np

from tasks.twin import power, supply
from tasks.twin.conditions import Conditions
from tasks.twin.counting import Array, binomial, jitter, poisson
from tasks.twin.measurements import Columns
from tasks.twin.state import State
from tasks.twin.traffic import PERIOD_S
from tasks.twin.transport import PACKET_MBIT
from tasks.twin.world import World

_LOCKED_ERROR_NS = 45.0


def site_measurements(
    world: World,
    state: State,
    conditions: Conditions,
    periods: tuple[int, int],
    temperature_degc: np.ndarray,
    rng: np.random.Generator,
    *,
    equipment_w: Array | None = None,
) -> Columns:
    """Return each measurement of managed elements as an array of (periods, sites).

    Args:
        world: the run's world.
        state: its state.
        conditions: what acts on supplies and clocks.
        periods: first and past-the-last period.
        temperature_degc: outside, by period of the stretch.
        rng: source of chance.
        equipment_w: of the stretch by (periods, sites), see `Run`; from the state when None.
    """
    first, last = periods
    time = slice(first, last)
    network = world.radio.network
    equipment = equipment_w
    if equipment is None:
        equipment = supply.equipment_w(
            network, state.load[time], state.available[time], conditions.saving_mode[time]
        )
    inside = temperature_degc[:, None] + 6.0 + 0.4 * rng.standard_normal(equipment.shape)
    cooled = power.site_input_w(equipment - power.SITE_W, inside.astype(np.float32))
    is_on_mains = conditions.mains[time] > 0.0
    watts = np.where(is_on_mains, cooled, equipment) * conditions.powered[time]
    watts = watts * jitter(rng, watts.shape, 0.01)
    carried = state.site_carried_mbps[time] * PERIOD_S * 1.04
    packets = poisson(rng, carried / PACKET_MBIT)
    share = state.site_discarded[time] * jitter(rng, watts.shape, 0.3)
    discarded = binomial(rng, packets, share)
    columns = {
        "pee_energy": watts * PERIOD_S / 3.6e6,
        "pee_avg_power": watts,
        "pee_max_power": watts * (1.05 + 0.03 * np.abs(rng.standard_normal(watts.shape))),
        "pee_avg_temperature": inside,
        "backhaul_volume_dl": carried,
        "backhaul_packets": packets,
        "backhaul_discarded_packets": discarded,
    }
    found = {name: np.asarray(values, dtype=np.float64) for name, values in columns.items()}
    return found | _supply(world, conditions, time, watts)


def _supply(world: World, conditions: Conditions, time: slice, watts: Array) -> Columns:
    """Return what the power controller and the clock count; chance is that of the period alone."""
    rng = np.random.default_rng([int(world.radio.network.sites[0].spacing_m), 25, time.start])
    mains = conditions.mains[time]
    share = conditions.battery_share[time]
    charging = np.where(share < 1.0, supply.CHARGING_SHARE_A_PERIOD * 1000.0 / supply.PERIOD_H, 0.0)
    given = mains * (watts + charging * world.battery_kwh)
    locked = _LOCKED_ERROR_NS * jitter(rng, watts.shape, 0.2)
    columns = {
        "mains_unavailable_time": PERIOD_S * (1.0 - mains),
        "battery_charge": 100.0 * share,
        "battery_energy_discharged": conditions.battery_w[time] * supply.PERIOD_H / 1000.0,
        "rectifier_output_power": given,
        "clock_time_error": conditions.clock_error_ns[time] + locked,
        "clock_holdover_time": conditions.holdover_s[time],
    }
    return {name: np.asarray(values, dtype=np.float64) for name, values in columns.items()}
