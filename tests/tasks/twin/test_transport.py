"""Links, optics, the core: what is sent arrives or is lost; what breaks cuts off what it must."""

import math
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest

from tasks.twin import optics
from tasks.twin.conditions import Cut
from tasks.twin.core_measurements import upf_measurements
from tasks.twin.effects import sound_conditions
from tasks.twin.layout import build_network
from tasks.twin.state import network_state
from tasks.twin.transport_measurements import (
    interface_dns,
    interface_measurements,
    optical_measurements,
    uplink_ends,
)
from tasks.twin.transport_network import build_transport
from tasks.twin.transport_state import other_direction, transport_state


@pytest.fixture(scope="module")
def town():
    return build_transport(build_network(78, 7, is_village=False), 7)


def naive_sites_behind(transport, link_id):
    """Walk from each site, link by link, over whatever still stands."""
    gone = {link_id} | {link.link_id for link in transport.links if link_id in link.supported_by}
    place = {function.dn: function.node_id for function in transport.functions}
    found = []
    for site, router in transport.router_of_site.items():
        reached, waiting = {router}, [router]
        while waiting:
            here = waiting.pop()
            for link in transport.links:
                if link.layer == "optical" or link.link_id in gone or here not in (link.a, link.b):
                    continue
                there = link.b if link.a == here else link.a
                if there not in reached:
                    reached.add(there)
                    waiting.append(there)
        if place[transport.function_of_site(site, "UPFFunction")] not in reached:
            found.append(site)
    return tuple(found)


def test_the_same_seed_lays_the_same_network_and_another_seed_another(town):
    network = build_network(78, 7, is_village=False)
    again = build_transport(network, 7)
    assert (again.nodes, again.links, again.functions) == (town.nodes, town.links, town.functions)
    assert build_transport(network, 8).links != town.links


def test_every_site_has_a_router_a_path_and_functions(town):
    assert sorted(town.router_of_site) == list(range(1, 79))
    for site in town.router_of_site:
        path = town.path_of(site)
        assert path
        here = town.router_of_site[site]
        for link_id in path:
            link = town.link_of[link_id]
            assert here in (link.a, link.b)
            here = link.b if here == link.a else link.a
        of = {function.dn: function for function in town.functions}
        assert of[town.function_of_site(site, "UPFFunction")].node_id == here
        assert of[town.function_of_site(site, "AMFFunction")].object_class == "AMFFunction"


def test_paths_are_the_quickest_that_stand(town):
    graph = nx.Graph()
    for link in town.links:
        if link.layer != "optical":
            old = graph.get_edge_data(link.a, link.b, {"ms": math.inf})["ms"]
            graph.add_edge(link.a, link.b, ms=min(old, link.delay_ms))
    place = {function.dn: function.node_id for function in town.functions}
    for site, router in town.router_of_site.items():
        root = place[town.function_of_site(site, "UPFFunction")]
        took = sum(town.link_of[link_id].delay_ms for link_id in town.path_of(site))
        assert took == pytest.approx(nx.dijkstra_path_length(graph, router, root, weight="ms"))


def test_a_cut_link_isolates_exactly_the_sites_behind_it(town):
    assert any(town.sites_behind(link.link_id) for link in town.links if link.layer == "microwave")
    assert any(town.sites_behind(link.link_id) for link in town.links if link.layer == "optical")
    for link in town.links:
        assert town.sites_behind(link.link_id) == naive_sites_behind(town, link.link_id)


def test_optical_links_lie_under_fibre_and_some_carry_several(town):
    optical = {link.link_id for link in town.links if link.layer == "optical"}
    carried = dict.fromkeys(optical, 0)
    for link in town.links:
        assert set(link.supported_by) <= optical
        assert bool(link.supported_by) == (link.layer == "ip")
        for name in link.supported_by:
            carried[name] += 1
    assert min(carried.values()) >= 1
    dns = [dn for link in town.links for dn in (link.a_dn, link.b_dn)]
    assert len(dns) == len(set(dns))
    assert {link.layer for link in town.links} == {"ip", "optical", "microwave"}


def test_link_flows_equal_a_walk_over_every_path(village_run):
    run, scene, _, _ = village_run
    routes, state = run.world.routes, scene.sound
    rng = np.random.default_rng(1)
    sites = len(scene.network.sites)
    down, up = rng.uniform(1.0, 90.0, (4, sites)), rng.uniform(0.1, 9.0, (4, sites))
    conditions = sound_conditions(run.world)
    _, links = transport_state(routes, conditions, down.astype("f4"), up.astype("f4"))
    wanted = np.zeros((4, 2 * len(routes.links)))
    for site, router in routes.network.router_of_site.items():
        here = router
        for link_id in routes.network.path_of(site):
            link = routes.network.link_of[link_id]
            number = 2 * routes.links.index(link_id)
            away = number if link.a == here else number + 1
            wanted[:, away] += up[:, site - 1] * 1.04
            wanted[:, away ^ 1] += down[:, site - 1] * 1.04
            here = link.b if link.a == here else link.a
    np.testing.assert_allclose(links.offered_mbps[:4], wanted, rtol=1e-4, atol=1e-4)
    assert state.links.offered_mbps.shape[1] == wanted.shape[1]


def test_what_user_planes_send_is_what_cells_carried_and_what_was_lost(village_run):
    run = village_run[0]
    world, state = run.world, run.state
    counted = upf_measurements(world, state, run.conditions, (0, 96), np.random.default_rng(3))
    carried = state.downlink_mbps[:96].sum() * 900.0
    sent = counted["upf_n3_volume_dl"].sum()
    assert sent >= carried * (1.0 - 1e-5)
    assert sent == pytest.approx(carried, rel=0.002)
    assert counted["upf_n3_volume_ul"].sum() == pytest.approx(
        state.uplink_mbps[:96].sum() * 900.0, rel=0.002
    )


def test_what_one_end_sends_the_other_receives_or_counts_as_lost(village_run):
    run = village_run[0]
    rng = np.random.default_rng(2)
    rows = interface_measurements(run.world, run.state, (0, 96), rng)
    sent, seen = rows["interface_packets_out"], rows["interface_packets_in"]
    lost = rows["interface_discarded_packets_out"]
    broken = other_direction(rows["interface_errored_packets_in"])
    np.testing.assert_array_equal(sent, other_direction(seen) + lost + broken)
    assert (
        rows["interface_volume_in"] <= other_direction(rows["interface_volume_out"]) + 1e-3
    ).all()
    capacity = rows["interface_speed"] * 900.0
    assert (rows["interface_volume_out"] <= capacity).all()
    assert len(interface_dns(run.world.routes)) == sent.shape[1]


def test_a_cut_reroutes_or_isolates_and_the_counters_say_which(village_run):
    run, scene, _, _ = village_run
    network = run.world.routes.network
    lone = next(link for link in network.links if network.sites_behind(link.link_id))
    site = network.sites_behind(lone.link_id)[0]
    conditions = replace(sound_conditions(run.world), cuts=(Cut(10, 20, (lone.link_id,)),))
    state = network_state(run.world, conditions)
    assert (state.paths.loss_downlink[10:20, site - 1] == 1.0).all()
    assert (state.paths.loss_downlink[20:30, site - 1] < 1e-3).all()
    rows = interface_measurements(run.world, state, (0, 30), np.random.default_rng(2))
    end = uplink_ends(run.world.routes)[site - 1]
    assert np.isnan(rows["path_round_trip_delay"][10:20, end]).all()
    assert (rows["path_packets_lost"][10:20, end] == 9_000).all()
    assert (rows["interface_down_time"][10:20, end] == 900.0).all()
    assert rows["interface_down_time"][20:].sum() == 0.0
    looped = next(
        link
        for link in network.links
        if link.layer == "optical" and not network.sites_behind(link.link_id)
        and network.failing_with((link.link_id,)) & set(network.path_of(1))
    )  # fmt: skip
    around = replace(sound_conditions(run.world), cuts=(Cut(10, 20, (looped.link_id,)),))
    detoured = network_state(run.world, around).paths
    assert (detoured.detour_ms[10:20, 0] > 0.0).all()
    assert (detoured.delay_ms[10:20, 0] > scene.sound.paths.delay_ms[10:20, 0]).all()


def test_a_full_link_delays_drops_and_slows(village_run):
    run = village_run[0]
    conditions = sound_conditions(run.world)
    sites = len(run.world.backhaul_mbps)
    quiet = np.full((2, sites), 1.0, dtype=np.float32)
    heavy = np.full((2, sites), 2_000.0, dtype=np.float32)
    few, _ = transport_state(run.world.routes, conditions, quiet, 0.1 * quiet)
    many, links = transport_state(run.world.routes, conditions, heavy, 0.1 * heavy)
    assert (many.queue_ms > few.queue_ms).all()
    assert (many.loss_downlink > few.loss_downlink).all()
    assert (many.through < few.through).all()
    assert (many.user_mbps < few.user_mbps).all()
    assert links.use.max() == 1.0


def test_bit_errors_before_correction_make_errored_seconds_monotonously():
    ratio = np.logspace(-7, -2, 60)
    errored = optics.errored_second_chance(ratio)
    severe = optics.severely_errored_second_chance(ratio)
    loss = optics.packet_loss(ratio)
    for values in (errored, severe, loss):
        assert (np.diff(values) >= -1e-12).all()
        assert values[0] < 1e-9
        assert values[-1] > 0.9
    assert (severe <= errored + 1e-12).all()


def test_correction_saves_eight_wrong_bytes_of_a_word_and_no_ninth():
    ratio = 5e-4
    wrong = 1.0 - (1.0 - ratio) ** 8
    naive = 1.0 - sum(math.comb(255, n) * wrong**n * (1.0 - wrong) ** (255 - n) for n in range(9))
    assert optics.word_error_ratio(np.array(ratio)) == pytest.approx(naive, rel=1e-4)


def test_an_optical_link_that_degrades_counts_errors_before_traffic_suffers(fault_of, village_run):
    fault, _, state, sound = fault_of("dwdm_degradation")
    run = village_run[0]
    column = run.world.routes.optical.index(fault.objects[0])
    conditions = sound_conditions(run.world)
    course = fault.size * fault.severity()
    conditions.osnr_loss_db[fault.first : fault.last, column] = course
    span = (fault.first, fault.last)
    rows = optical_measurements(run.world, state, conditions, span, np.random.default_rng(5))
    ratio, errored = rows["pre_fec_bit_error_ratio"][:, 2 * column], rows["errored_seconds"]
    assert np.corrcoef(course, np.log(ratio))[0, 1] > 0.95
    assert errored[-1, 2 * column] == 900.0
    others = [n for n in range(errored.shape[1]) if n // 2 != column]
    assert errored[:, others].sum() == 0.0
    late = slice(fault.first + fault.ramp, fault.last)
    struck = [n for n, under in enumerate(run.world.routes.carried_by) if column in under]
    assert state.links.link_error[late, struck].min() > 0.0
    assert sound.links.link_error.max() == 0.0
