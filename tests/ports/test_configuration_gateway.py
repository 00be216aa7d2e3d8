"""The behaviour that every way into a network owes: compare, then write, wholly, once."""

import signal
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial

import pytest

from semantic_layer.errors import InputError, TransientError
from tasks.action_ports import ForeignChangeError
from tasks.adapters.memory_gateway import MemoryGateway
from tasks.adapters.netconf_calls import target_at
from tasks.adapters.netconf_gateway import NetconfGateway
from tasks.adapters.provisioning_gateway import ProvisioningGateway
from tasks.adapters.sample_files import LiveReport, write_planned, write_report
from tasks.adapters.sample_gateway import SampleGateway
from tasks.execution.executing import carried_out
from tasks.messages.change_sets import Operation
from tests.ports.network_servers import (
    netconf_element,
    netconf_server,
    provisioning_service,
    refill,
)
from tests.tasks.execution.told import (
    ALL_THREE,
    BEAM,
    CELL,
    CU_CELL,
    DU,
    ELEMENT,
    LOCK,
    RELATE,
    RELATED,
    RELATION,
    SAVING,
    TILT,
    UNLOCK,
    approved,
    hands,
    memory_ledger,
    modify,
    network_objects,
)

SERVERS = ["netconf", "provisioning", "provisioning without tags"]


def in_memory():
    return MemoryGateway(network_objects())


def on_sample(folder):
    planned = {one.dn: (one.object_class, dict(one.attributes)) for one in network_objects()}
    lost = {RELATION: ("NRCellRelation", dict(RELATED))}
    (folder / "live").mkdir()
    write_planned(folder, planned | lost)
    write_report(folder, LiveReport(datetime(2025, 6, 5, tzinfo=UTC), 0, {RELATION: None}))
    return SampleGateway(folder)


@pytest.fixture(
    params=["memory", "sample", *(pytest.param(name, marks=pytest.mark.slow) for name in SERVERS)],
    ids=str,
)
def gateway(request, tmp_path):
    if request.param == "memory":
        return in_memory()
    if request.param == "sample":
        return on_sample(tmp_path)
    made = request.getfixturevalue("servers")(request.param)
    refill(made)
    return made


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Return a function that starts each kind of server once."""
    opened = {
        "netconf": netconf_server,
        "netconf running": partial(netconf_server, target="running"),
        "provisioning": provisioning_service,
        "provisioning without tags": lambda folder: provisioning_service(folder, "--without-tags"),
    }
    made = {}
    with ExitStack() as stack:

        def of(kind):
            if kind not in made:
                folder = tmp_path_factory.mktemp("server")
                made[kind] = stack.enter_context(opened[kind](folder))[0]
            return made[kind]

        yield of


def tilt_of(gateway):
    return gateway.read([BEAM])[BEAM].attributes["digitalTilt"]


def test_objects_that_exist_are_read_with_their_attributes(gateway):
    found = gateway.read([CELL, BEAM, RELATION, f"{ELEMENT},GNBDUFunction=9"])
    assert set(found) == {CELL, BEAM}
    assert found[BEAM].object_class == "CommonBeamformingFunction"
    assert found[BEAM].attributes["digitalTilt"] == 90
    assert found[CELL].attributes["administrativeState"] == "UNLOCKED"


def test_contained_objects_are_found_at_any_depth(gateway):
    assert [one.dn for one in gateway.read_below(ELEMENT, "NRCellDU")] == [CELL]
    beams = gateway.read_below(ELEMENT, "CommonBeamformingFunction")
    assert [one.dn for one in beams] == [BEAM]
    assert beams[0].attributes["digitalTilt"] == 90
    assert gateway.read_below(CELL, "NRCellDU") == []
    assert gateway.read_below("SubNetwork=1,ManagedElement=99", "NRCellDU") == []


def test_the_whole_network_is_asked_by_the_root_that_its_objects_share(gateway):
    assert [one.dn for one in gateway.read_below("SubNetwork=1", "NRCellDU")] == [CELL]
    (told,) = gateway.read_below("SubNetwork=1", "CESManagementFunction")
    assert told.dn == SAVING
    assert told.attributes["energySavingMode"] == "ACTIVE"
    assert gateway.read_below("SubNetwork=1", "EUtranCellFDD") == []


def test_an_object_and_what_it_contains_are_read_at_once(gateway):
    wanted = {one.dn: one.attributes for one in network_objects()}
    found = {dn: one.attributes for dn, one in gateway.read(list(wanted)).items()}
    assert set(found) == set(wanted)
    for dn, attributes in wanted.items():
        assert attributes.items() <= found[dn].items(), "networks tell defaults and states as well"


def test_nothing_asked_is_nothing_found(gateway):
    assert gateway.read([]) == {}


def test_a_write_that_comes_again_finds_its_work_done(gateway):
    gateway.write(TILT)
    gateway.write(TILT)
    assert tilt_of(gateway) == 60


def test_a_cell_is_locked_and_unlocked(gateway):
    gateway.write(LOCK)
    assert gateway.read([CELL])[CELL].attributes["administrativeState"] == "LOCKED"
    gateway.write(UNLOCK)
    assert gateway.read([CELL])[CELL].attributes["administrativeState"] == "UNLOCKED"


def test_what_others_set_is_not_overwritten(gateway):
    gateway.write(modify(BEAM, TILT.object_class, "digitalTilt", 90, 75))
    with pytest.raises(ForeignChangeError, match="75"):
        gateway.write(TILT)
    assert tilt_of(gateway) == 75


def test_an_object_is_created_once_and_deleted_once(gateway):
    for _ in range(2):
        gateway.write(RELATE)
        assert gateway.read([RELATION])[RELATION].attributes["isHOAllowed"] is True
    for _ in range(2):
        gateway.write(RELATE.inverse())
        assert gateway.read([RELATION]) == {}


def test_an_object_that_others_created_otherwise_is_neither_ours_nor_nothing(gateway):
    gateway.write(RELATE)
    other = {**RELATED, "isHOAllowed": False}
    with pytest.raises(ForeignChangeError):
        gateway.write(Operation("CREATE", RELATION, "NRCellRelation", "", None, other))
    with pytest.raises(ForeignChangeError):
        gateway.write(Operation("DELETE", RELATION, "NRCellRelation", "", other, None))
    assert gateway.read([RELATION])[RELATION].attributes["isHOAllowed"] is True


def test_an_object_that_does_not_exist_cannot_be_changed(gateway):
    nowhere = f"{DU},NRCellDU=9"
    with pytest.raises((ForeignChangeError, InputError)):
        gateway.write(modify(nowhere, "NRCellDU", "administrativeState", "UNLOCKED", "LOCKED"))
    assert gateway.read([nowhere]) == {}


def test_a_whole_change_is_executed_and_taken_back_on_record(gateway):
    ledger = memory_ledger()
    assert carried_out(approved(ledger, ALL_THREE), hands(ledger, gateway)).stage == "APPLIED"
    assert tilt_of(gateway) == 60
    assert set(gateway.read([RELATION])) == {RELATION}
    for operation in ALL_THREE.rollback().operations:
        gateway.write(operation)
    found = gateway.read([CELL, BEAM, RELATION])
    assert found[BEAM].attributes["digitalTilt"] == 90
    assert RELATION not in found


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*SERVERS, "netconf running"])
def test_a_server_that_refuses_a_value_is_told_as_such_and_nothing_stands(servers, kind):
    gateway = servers(kind)
    refill(gateway)
    with pytest.raises(InputError, match=r"refused|answered 400"):
        gateway.write(modify(BEAM, TILT.object_class, "digitalTilt", 90, 9000))
    assert tilt_of(gateway) == 90
    gateway.write(TILT)
    assert tilt_of(gateway) == 60, "nothing of the refused write hinders the next"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["netconf", "netconf running"])
def test_who_holds_the_configuration_is_waited_for(servers, kind):
    from tasks.adapters.netconf_calls import netconf_session

    gateway = servers(kind)
    refill(gateway)
    with (
        netconf_session(gateway._target) as other,
        other.locked("running"),
        pytest.raises(TransientError, match=r"lock-denied|in-use"),
    ):
        gateway.write(TILT)
    gateway.write(TILT)
    assert tilt_of(gateway) == 60


@pytest.mark.slow
def test_a_session_serves_call_after_call_until_it_rests(tmp_path, monkeypatch):
    from tasks.adapters import netconf_calls

    def standing():
        session = gateway._kept._session
        return None if session is None else session._manager.session_id

    with netconf_element(tmp_path) as element:
        gateway = element.gateway
        refill(gateway)
        first = standing()
        gateway.write(TILT)
        assert tilt_of(gateway) == 60
        assert standing() == first is not None
        with pytest.raises(ForeignChangeError):
            gateway.write(modify(BEAM, TILT.object_class, "digitalTilt", 90, 75))
        assert standing() is None, "after an error nobody trusts it any more"
        monkeypatch.setattr(netconf_calls, "_REST_S", 0.2)
        assert tilt_of(gateway) == 60
        second = standing()
        assert second not in (first, None)
        gateway._kept._rest.join(20)
        assert standing() is None
        assert tilt_of(gateway) == 60


@pytest.mark.slow
def test_a_server_that_hangs_is_transient_and_is_asked_anew_when_it_goes_on(tmp_path, monkeypatch):
    from tasks.adapters import netconf_calls

    with netconf_element(tmp_path) as element:
        refill(element.gateway)
        monkeypatch.setattr(netconf_calls, "_TIMEOUT_S", 1.0)
        monkeypatch.setattr(netconf_calls, "_LEAVE_S", 0.2)
        element.gateway._kept.end()
        assert tilt_of(element.gateway) == 90
        element.program.process.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(TransientError, match=r"did not answer: .*timed out"):
                element.gateway.write(TILT)
        finally:
            element.program.process.send_signal(signal.SIGCONT)
        element.answers()
        element.gateway.write(TILT)
        assert tilt_of(element.gateway) == 60


@pytest.mark.slow
def test_an_unknown_host_key_is_not_spoken_to(tmp_path):
    with netconf_server(tmp_path) as (_, address, secret):
        other = tmp_path / "other"
        other.write_text(secret.read_text())
        other.chmod(0o600)
        pin = secret.with_name("user.hostkey").read_text().split()
        wrong = f"{pin[0]} {pin[1][:-8]}AAAAAAAA"
        other.with_name("other.hostkey").write_text(wrong)
        with pytest.raises(InputError, match="not known"):
            NetconfGateway.at(address, other).read([CELL])


def test_a_silent_server_is_transient(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("word\nhostkey ssh-ed25519 AAAA\n")
    with pytest.raises(TransientError, match="did not answer"):
        NetconfGateway.at("netconf://anops@127.0.0.1:9", secret).read([CELL])
    address = "provmns+http://127.0.0.1:9/3GPPManagement/ProvMnS/v1700"
    with pytest.raises(TransientError, match="did not answer"):
        ProvisioningGateway.at(address, secret).read([CELL])


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("netconf://host:830", "no NETCONF address"),
        ("netconf://anops:word@host:830", "no password"),
    ],
)
def test_a_netconf_address_names_a_user_and_no_secret(address, says):
    with pytest.raises(InputError, match=says):
        target_at(address, None)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("provmns+http://elsewhere/3GPPManagement/ProvMnS/v1700", "not encrypted"),
        ("provmns+https://host/other", "no address"),
        ("https://host/3GPPManagement/ProvMnS/v1700", "no address"),
        ("provmns+https://a:b@host/3GPPManagement/ProvMnS/v1700", "no secret"),
    ],
)
def test_a_provisioning_address_is_encrypted_and_bears_no_secret(address, says):
    with pytest.raises(InputError, match=says):
        ProvisioningGateway.at(address, None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "error", "says"),
    [
        ("busy", TransientError, "answered 503"),
        ("redirect", InputError, "answered 302"),
        ("text", InputError, "no JSON"),
        ("deep", InputError, "no JSON"),
        ("other", InputError, "something else"),
        ("list", InputError, "without attributes"),
    ],
)
def test_a_hostile_provisioning_service_is_not_believed(tmp_path, kind, error, says):
    with (
        provisioning_service(tmp_path, f"--hostile-{kind}") as (gateway, _, _),
        pytest.raises(error, match=says),
    ):
        gateway.write(LOCK)


@pytest.mark.slow
def test_a_provisioning_service_without_trusted_certificate_is_not_spoken_to(tmp_path):
    make_certificate(tmp_path)
    with provisioning_service(tmp_path, "--tls") as (gateway, address, secret):
        with pytest.raises(InputError, match="not trusted"):
            gateway.read([CELL])
        secret.with_name("token.pem").write_bytes((tmp_path / "server.pem").read_bytes())
        trusting = ProvisioningGateway.at(address, secret)
        assert set(trusting.read([CELL])) == {CELL}
        secret.write_text("wrong")
        with pytest.raises(InputError, match="no valid token"):
            ProvisioningGateway.at(address, secret).read([CU_CELL])


def make_certificate(folder):
    """Write a certificate of localhost that signs itself, with its key."""
    from datetime import timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    from tasks.adapters.system_clock import SystemClock

    key, now = ec.generate_private_key(ec.SECP256R1()), SystemClock().now()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "server.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
