"""What LTE cells count: as measurements.py does for NR cells, from the same state."""

import numpy as np

from tasks.twin.counting import binomial, jitter, poisson
from tasks.twin.measurements import Columns, Stretch
from tasks.twin.traffic import PERIOD_S
from tasks.twin.transport import PACKET_MBIT


def lte_measurements(stretch: Stretch, rng: np.random.Generator) -> Columns:
    """Return each measurement of LTE cells as an array of (periods, cells)."""
    sessions, users = stretch.of("sessions"), stretch.of("users")
    available = stretch.of("available")
    few = 0.25 / np.sqrt(users + 2.0)
    asked = poisson(rng, sessions * 1.04)
    admitted = binomial(rng, asked, 1.0 - stretch.of("access_fail"))
    signalled = binomial(rng, admitted, 0.98)
    connected = binomial(rng, signalled, 1.0 - stretch.of("core_fail"))
    bearers = binomial(rng, connected, 1.0 - stretch.of("bearer_fail"))
    released = binomial(rng, bearers, 0.995)
    again = poisson(rng, 0.8 * stretch.of("drop") * sessions)
    moved = poisson(rng, stretch.of("handovers_inter") + stretch.of("handovers_intra"))
    lost_share = stretch.of("handover_fail_inter")
    prbs = stretch.band("prbs") * available
    down = stretch.of("downlink_mbps") * PERIOD_S
    up = stretch.of("uplink_mbps") * PERIOD_S
    rate = stretch.of("downlink_user_mbps") * jitter(rng, down.shape, 0.03 + 2.0 * few)
    packets_down = poisson(rng, down / PACKET_MBIT)
    packets_up = poisson(rng, up / (0.35 * PACKET_MBIT))
    delay = stretch.of("delay_ms") * 1.8 * jitter(rng, down.shape, 0.05)
    lost_up = binomial(rng, packets_up, stretch.of("loss_uplink") * jitter(rng, down.shape, 0.3))
    columns = {
        "lte_rrc_conn_estab_att": asked,
        "lte_rrc_conn_estab_succ": admitted,
        "lte_rrc_reestab_att": again,
        "lte_rrc_reestab_succ": binomial(rng, again, 0.78),
        "lte_rrc_conn_mean": users * jitter(rng, users.shape, few),
        "lte_s1_conn_estab_att": signalled,
        "lte_s1_conn_estab_succ": connected,
        "lte_erab_estab_att": connected,
        "lte_erab_estab_succ": bearers,
        "lte_erab_rel": released,
        "lte_erab_rel_active": binomial(rng, released, stretch.of("drop")),
        "lte_erab_session_time": users * PERIOD_S * jitter(rng, users.shape, few),
        "lte_ho_out_att": moved,
        "lte_ho_out_succ": binomial(rng, moved, 1.0 - lost_share),
        "lte_prb_used_dl": prbs * stretch.of("load") * jitter(rng, down.shape, 0.01),
        "lte_prb_avail_dl": prbs,
        "lte_pdcp_volume_dl": down,
        "lte_pdcp_volume_ul": up,
        "lte_ip_volume_dl": 860.0 * down,
        "lte_ip_time_dl": 860.0 * down / rate,
        "lte_pdcp_packets_ul": packets_up - lost_up,
        "lte_pdcp_packets_lost_ul": lost_up,
        "lte_dl_delay_sum": packets_down * delay,
        "lte_dl_delay_samples": packets_down,
        "lte_cell_unavailable_time": PERIOD_S * (1.0 - available),
    }
    return {name: np.asarray(values, dtype=np.float64) for name, values in columns.items()}
