"""What NR cells count in a stretch of periods: draws from the network's state, never on their own.

Attempts are Poisson around the state's rates; successes are binomial of those attempts; volumes,
times and means are the state's, with the scatter of as many users as there were. Names are the
semantic layer's; the LTE cells and the sites have modules of their own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.twin import link, power, radio
from tasks.twin.conditions import Conditions, Patch
from tasks.twin.counting import Array, Counts, binomial, jitter, poisson
from tasks.twin.coverage import LOAD_GRID, RSRP_BINS
from tasks.twin.quality import at_load
from tasks.twin.state import State
from tasks.twin.traffic import PERIOD_S
from tasks.twin.transport import PACKET_MBIT
from tasks.twin.world import World

Columns = dict[str, npt.NDArray[np.float64]]

_GNB_NOISE_FIGURE_DB = 4.0
_CQI_REPORTS_A_USER_S = 6.0
_ALWAYS_ON = 0.025
_NOTHING = 1e-6  # of a period: what two shares that fill it may lack by rounding


@dataclass(frozen=True, slots=True)
class Stretch:
    """The part of a run that is being counted: periods [first, last) of some cells."""

    world: World
    state: State
    conditions: Conditions
    first: int
    last: int
    cells: npt.NDArray[np.int64]

    def of(self, name: str) -> Array:
        """Return a state array's part."""
        return np.ascontiguousarray(
            getattr(self.state, name)[self.first : self.last][:, self.cells]
        )

    def trait(self, name: str) -> Array:
        """Return a trait of the cells."""
        return np.asarray(getattr(self.world.traits, name)[self.cells])

    def band(self, name: str) -> Array:
        """Return an attribute of the cells' bands."""
        cells = self.world.radio.network.cells
        return np.array([getattr(cells[c].band, name) for c in self.cells], dtype=np.float32)

    def tx_power_dbm(self) -> Array:
        """Return the cells' full power."""
        cells = self.world.radio.network.cells
        return np.array([cells[c].tx_power_dbm for c in self.cells], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Sample:
    """How this period's users differ from the mean: few users scatter more.

    Attributes:
        users: about how many independent users were seen.
        luck: standard deviations by which their mean channel quality lies off.
    """

    users: Array
    luck: Array


def nr_measurements(
    stretch: Stretch, rng: np.random.Generator, *, has_distributions: bool
) -> Columns:
    """Return each measurement of NR cells as an array of (periods, cells), vectors with bins.

    Args:
        stretch: what to count.
        rng: source of chance.
        has_distributions: draw the distributions themselves; without, only their sums, which
            have the same law.

    Returns:
        Arrays by measurement name; NaN where nothing was there to measure.
    """
    seen = 3.0 + 0.6 * stretch.of("sessions")
    sample = Sample(seen, rng.standard_normal(seen.shape, dtype=np.float32))
    columns: Columns = {}
    columns |= _accessibility(stretch, rng)
    columns |= _mobility(stretch, rng)
    columns |= _resources(stretch, rng)
    columns |= _user_plane(stretch, sample, rng)
    columns |= _transport_blocks(stretch, rng)
    columns |= _radio(stretch)
    if has_distributions:
        columns |= _distributions(stretch, sample, rng)
    else:
        columns |= _distribution_sums(stretch, sample)
    return columns | _energy_saving(stretch)


def _accessibility(stretch: Stretch, rng: np.random.Generator) -> Columns:
    sessions, access = stretch.of("sessions"), stretch.of("access_fail")
    core, bearer, drop = stretch.of("core_fail"), stretch.of("bearer_fail"), stretch.of("drop")
    asked = poisson(rng, sessions * 1.04)
    admitted = binomial(rng, asked, 1.0 - access)
    resumed = poisson(rng, sessions * 0.7)
    ng_asked = binomial(rng, admitted, 0.35)
    ng_done = binomial(rng, ng_asked, 1.0 - core)
    pdu_asked = binomial(rng, ng_done, 0.8)
    pdu_done = binomial(rng, pdu_asked, 1.0 - (0.7 * core + 0.3 * bearer))
    drb_asked = binomial(rng, admitted, 0.97)
    drb_done = binomial(rng, drb_asked, 1.0 - bearer)
    flows_asked = drb_done + binomial(rng, drb_done, 0.12)
    flows_done = binomial(rng, flows_asked, 1.0 - 0.6 * bearer)
    released = binomial(rng, flows_done, 0.995)
    torn = binomial(rng, released, drop)
    missed = stretch.of("handovers_inter") * stretch.of("handover_fail_inter")
    missed = missed + stretch.of("handovers_intra") * stretch.of("handover_fail_intra")
    again = poisson(rng, 0.6 * drop * sessions + 0.6 * missed)
    back = np.clip(0.8 - 1.5 * stretch.of("uplink_outage"), 0.2, 1.0)
    users = stretch.of("users")
    few = 0.25 / np.sqrt(users + 2.0)
    connected = users * jitter(rng, users.shape, few)
    time = users * PERIOD_S * jitter(rng, users.shape, few)
    false_alarms = 6.0 * 10.0 ** (stretch.of("rise_db") / 20.0) * stretch.of("available")
    tracking_area = stretch.state.sessions[stretch.first : stretch.last].mean(axis=1)
    paged = poisson(rng, tracking_area[:, None] * 1.5 * stretch.of("available"))
    return _floats(
        rrc_conn_estab_att=asked,
        rrc_conn_estab_succ=admitted,
        rrc_conn_mean=connected,
        rrc_conn_max=np.rint(connected + 3.0 * np.sqrt(connected) + 0.15 * connected),
        rrc_reestab_att=again,
        rrc_reestab_succ=binomial(rng, again, back),
        rrc_resume_att=resumed,
        rrc_resume_succ=binomial(rng, resumed, 1.0 - 0.6 * access),
        ng_conn_estab_att=ng_asked,
        ng_conn_estab_succ=ng_done,
        pdu_session_setup_req=pdu_asked,
        pdu_session_setup_succ=pdu_done,
        pdu_session_setup_fail=pdu_asked - pdu_done,
        drb_estab_att=drb_asked,
        drb_estab_succ=drb_done,
        qos_flow_estab_att=flows_asked,
        qos_flow_estab_succ=flows_done,
        qos_flow_rel=released,
        qos_flow_rel_abnormal=torn,
        qos_flow_session_time=1.1 * time,
        drb_rel_active=binomial(rng, torn, 0.93),
        drb_session_time=time,
        rach_preamble_contention=poisson(rng, asked * 1.2 * (1.0 + 2.0 * access) + false_alarms),
        rach_preamble_dedicated=poisson(rng, stretch.of("handovers_in") * stretch.of("available")),
        paging_received=paged,
        paging_discarded=binomial(rng, paged, 1e-4 + 6e-3 * stretch.of("load") ** 10),
    )


def _mobility(stretch: Stretch, rng: np.random.Generator) -> Columns:
    prepared = poisson(rng, stretch.of("handovers_inter"))
    agreed = binomial(rng, prepared, 1.0 - stretch.of("prepare_fail"))
    begun = binomial(rng, agreed, 0.995)
    done = binomial(rng, begun, 1.0 - stretch.of("handover_fail_inter"))
    inside = poisson(rng, stretch.of("handovers_intra"))
    return _floats(
        ho_prep_inter_att=prepared,
        ho_prep_inter_succ=agreed,
        ho_exe_inter_att=begun,
        ho_exe_inter_succ=done,
        ho_exe_inter_fail=begun - done,
        ho_exe_intra_att=inside,
        ho_exe_intra_succ=binomial(rng, inside, 1.0 - stretch.of("handover_fail_intra")),
    )


def _resources(stretch: Stretch, rng: np.random.Generator) -> Columns:
    available = stretch.of("available")
    prbs = stretch.band("prbs") * available
    down = np.minimum(stretch.of("load") * jitter(rng, prbs.shape, 0.015), 1.0)
    up = np.minimum(stretch.of("uplink_load") * jitter(rng, prbs.shape, 0.02), 1.0)
    tx_power = stretch.tx_power_dbm() + 0.0 * available
    is_on = available > 0.0
    unplanned = 1.0 - available - stretch.of("asleep")
    mean_power = power.mean_tx_power_dbm(down, tx_power)
    return _floats(
        prb_tot_dl=100.0 * available * (_ALWAYS_ON + (1.0 - _ALWAYS_ON) * down),
        prb_tot_ul=100.0 * available * (0.01 + 0.99 * up),
        prb_avail_dl=prbs,
        prb_avail_ul=prbs,
        prb_used_dl=prbs * down,
        prb_used_ul=prbs * up,
        max_tx_power=np.where(is_on, tx_power, np.nan),
        mean_tx_power=np.where(is_on, mean_power, np.nan),
        cell_unavailable_time=PERIOD_S * np.where(unplanned > _NOTHING, unplanned, 0.0),
    )


def _energy_saving(stretch: Stretch) -> Columns:
    return _floats(
        energy_saving_time=PERIOD_S * stretch.of("asleep"),
        energy_saving_on_air_time=PERIOD_S * stretch.of("restrained"),
    )


def _user_plane(stretch: Stretch, sample: Sample, rng: np.random.Generator) -> Columns:
    down = stretch.of("downlink_mbps") * PERIOD_S
    up = stretch.of("uplink_mbps") * PERIOD_S
    scatter = np.exp(0.5 * sample.luck / np.sqrt(sample.users))
    scatter *= jitter(rng, down.shape, 0.03 + 0.5 / np.sqrt(sample.users))
    rate_down = stretch.of("downlink_user_mbps") * scatter
    rate_up = stretch.of("uplink_user_mbps") * jitter(
        rng, down.shape, 0.03 + 0.5 / np.sqrt(sample.users)
    )
    packets_down = poisson(rng, down / PACKET_MBIT)
    packets_up = poisson(rng, up / (0.35 * PACKET_MBIT))
    delayed = packets_down - binomial(rng, packets_down, 0.02)
    delay = stretch.of("delay_ms") * jitter(rng, down.shape, 0.05)
    bursts = 1.0 + 0.0 * down
    # A loss comes in bursts, so that the count scatters more than single losses would.
    lost = stretch.of("loss_downlink") * jitter(rng, down.shape, 0.3)
    time_down, time_up = 0.86 * down / rate_down, 0.86 * up / rate_up
    has_any = (down > 0.0) * bursts
    return _floats(
        scheduled_volume_dl=0.86 * down,
        scheduled_time_dl=time_down,
        scheduled_volume_ul=0.86 * up,
        scheduled_time_ul=time_up,
        ue_throughput_dl=np.where(has_any > 0.0, 1000.0 * rate_down, np.nan),
        ue_throughput_ul=np.where(has_any > 0.0, 1000.0 * rate_up, np.nan),
        active_ues_dl=time_down / PERIOD_S,
        active_ues_ul=time_up / PERIOD_S,
        pdcp_sdu_volume_dl=down,
        pdcp_sdu_volume_ul=up,
        pdcp_packets_dl=packets_down,
        pdcp_packets_lost_dl=binomial(rng, packets_down, lost),
        pdcp_packets_ul=packets_up,
        pdcp_packets_lost_ul=binomial(
            rng, packets_up, stretch.of("loss_uplink") * jitter(rng, down.shape, 0.3)
        ),
        dl_rlc_sdu_delay_sum=delayed * delay,
        dl_rlc_sdu_delay_samples=delayed,
    )


def _transport_blocks(stretch: Stretch, rng: np.random.Generator) -> Columns:
    slots = PERIOD_S * 1000.0 * stretch.band("spacing_khz") / 15.0
    slots = slots * (1.0 - stretch.of("asleep"))
    share = stretch.band("downlink_share")
    up_share = np.where(share < 1.0, 1.0 - share, 1.0)
    down = poisson(rng, slots * share * np.minimum(1.6 * stretch.of("load"), 1.4))
    up = poisson(rng, slots * up_share * np.minimum(1.8 * stretch.of("uplink_load"), 1.4))
    wrong_down, wrong_up = stretch.of("downlink_error"), stretch.of("uplink_error")
    failed_down, failed_up = binomial(rng, down, wrong_down), binomial(rng, up, wrong_up)
    return _floats(
        tb_initial_dl=down,
        tb_initial_err_dl=failed_down,
        tb_initial_ul=up,
        tb_initial_err_ul=failed_up,
        tb_residual_err_dl=binomial(rng, failed_down, 0.004 * (wrong_down / 0.08) ** 1.5),
        tb_residual_err_ul=binomial(rng, failed_up, 0.006 * (wrong_up / 0.08) ** 1.5),
    )


def _radio(stretch: Stretch) -> Columns:
    floor = radio.noise_dbm(stretch.band("prb_hz"), _GNB_NOISE_FIGURE_DB)
    received = 10.0 ** ((floor + stretch.of("rise_db").astype(np.float64)) / 10.0)
    return {"ul_interference_power": np.where(stretch.of("available") > 0.0, received, np.nan)}


def _reports_a_user(stretch: Stretch, sample: Sample) -> Array:
    reports = stretch.of("users") * _CQI_REPORTS_A_USER_S * PERIOD_S
    return np.asarray(np.maximum(np.rint(reports / sample.users), 0.0) * stretch.of("available"))


def _distribution_sums(stretch: Stretch, sample: Sample) -> Columns:
    reports = np.rint(sample.users) * _reports_a_user(stretch, sample)
    mean = stretch.of("cqi_mean")
    spread = np.sqrt(np.maximum(stretch.of("cqi_square") - mean**2, 0.0))
    off = spread * sample.luck / np.sqrt(sample.users)
    codes = np.clip(stretch.of("mcs_mean") + 1.7 * off, 0.0, 27.0)
    return _floats(
        wb_cqi_sum=np.rint(np.clip(mean + off, 0.0, 15.0) * reports),
        wb_cqi_samples=reports,
        pdsch_mcs_sum=np.rint(codes * reports),
        pdsch_mcs_samples=reports,
    )


def _distributions(stretch: Stretch, sample: Sample, rng: np.random.Generator) -> Columns:
    a_user = _reports_a_user(stretch, sample)[..., None]
    qualities = poisson(rng, sample.users[..., None] * cqi_shares(stretch)) * a_user
    levels = poisson(rng, sample.users[..., None] * _rsrp_shares(stretch)) * a_user
    codes = np.rint(qualities @ link.mcs_of_cqi())
    return _floats(wb_cqi_dist=qualities, pdsch_mcs_dist=codes, ss_rsrp_dist=levels)


def _patches(stretch: Stretch) -> Iterator[tuple[Patch, slice, slice, list[int], list[int]]]:
    """Yield patches that reach into the stretch: with periods here and there, cells here, there."""
    column = {int(cell): place for place, cell in enumerate(stretch.cells)}
    for patch in stretch.conditions.patches:
        first, last = max(patch.first, stretch.first), min(patch.last, stretch.last)
        rows = [row for row, cell in enumerate(patch.cells) if int(cell) in column]
        if first < last and rows:
            yield (
                patch,
                slice(first - stretch.first, last - stretch.first),
                slice(first - patch.first, last - patch.first),
                [column[int(patch.cells[row])] for row in rows],
                rows,
            )


def cqi_shares(stretch: Stretch) -> Array:
    """Return the share of users at each CQI, by (periods, cells, CQI)."""
    around = stretch.of("around")
    shares = _each_bin(stretch.world.tables.cqi[stretch.cells], around)
    for patch, here, there, columns, rows in _patches(stretch):
        where = np.ix_(range(here.start, here.stop), columns)
        changed = _each_bin(patch.tables.cqi[rows], around[where])
        shares[where] += patch.severity[there][:, None, None] * (changed - shares[where])
    return shares


def _each_bin(table: Array, load: Array) -> Array:
    bins = range(table.shape[2])
    return np.stack([at_load(table[:, : len(LOAD_GRID), n], load) for n in bins], axis=2)


def _rsrp_shares(stretch: Stretch) -> Array:
    periods = stretch.last - stretch.first
    built = stretch.world.tables.rsrp[stretch.cells]
    shares = np.broadcast_to(built, (periods, len(stretch.cells), RSRP_BINS)).copy()
    for patch, here, there, columns, rows in _patches(stretch):
        where = np.ix_(range(here.start, here.stop), columns)
        changed = patch.tables.rsrp[rows][None]
        shares[where] += patch.severity[there][:, None, None] * (changed - shares[where])
    return shares


def _floats(**columns: Array | Counts) -> Columns:
    return {name: np.asarray(values, dtype=np.float64) for name, values in columns.items()}
