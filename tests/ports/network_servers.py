"""Servers that tests of gateways speak to, each a process of its own on this machine.

NETCONF: `netconfd` of yuma123 (Debian package of that name) behind OpenSSH, loaded with test
subsets of 3GPP's YANG modules (yang/) and with our own module for saving modes; where a test wants
an element that tells its state, netconf_radio.py stands between the two. Provisioning over REST:
our own, provisioning_server.py.

Tests that speak NETCONF are skipped where `netconfd`, `sshd` or what belongs to them is not
installed: apt-get install netconfd openssh-server.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from semantic_layer.errors import InputError, TransientError
from semantic_layer.identity import parent, parse_dn
from tasks.adapters.netconf_gateway import NetconfGateway
from tasks.adapters.netconf_xml import BASE, PACKAGED_MODELS, as_text, load_models
from tasks.adapters.provisioning_gateway import ProvisioningGateway
from tasks.messages.change_sets import Operation
from tests.ports.provisioning_server import TOKEN
from tests.tasks.execution.told import network_objects

REPOSITORY = Path(__file__).resolve().parents[2]
YANG = Path(__file__).parent / "yang"
OURS = PACKAGED_MODELS.parent
CES, MODES = "_3gpp-nr-nrm-cesmanagementfunction", "anops-energy-saving"
PROGRAMS = {
    name: shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    for name in ("netconfd", "netconf-subsystem", "sshd", "ssh-keygen")
}
_SSHD = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile {folder}/sshd.pid
UsePAM no
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
Subsystem netconf "{radio} {subsystem} --ncxserver-sockname={port}@{folder}/ncx.sock"
"""


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Program:
    """A program that can die like `kill -9`, and be started again as it was."""

    def __init__(self, *command, **more):
        self.command = command
        self.more = {"cwd": REPOSITORY, "stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.more |= more
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.command, **self.more)
        return self.process

    def die(self):
        self.process.kill()
        self.end()

    def end(self):
        """End it, and only it."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextmanager
def started(*command, **more):
    """Run a program; end it afterwards."""
    program = Program(*command, **more)
    program.start()
    try:
        yield program
    finally:
        program.end()


@dataclass
class Element:
    """A server of a network, how to speak to it, and the program that can die.

    Attributes:
        leftovers: files that the program would stumble over when it comes back.
    """

    gateway: object
    address: str
    secret: Path
    program: Program
    leftovers: tuple = ()

    def comes_back(self):
        """Start the program again after it died, and wait until it answers."""
        for path in self.leftovers:
            path.unlink(missing_ok=True)
        self.program.start()
        self.answers()

    def answers(self):
        """Wait until it answers."""
        for number in range(40):
            try:
                return self.gateway.read(["SubNetwork=1,ManagedElement=7"])
            except (TransientError, InputError):
                if number == 39:
                    raise
                time.sleep(0.25)
        return None


TOLD_BY_NETWORK = ("energySavingState",)


def refill(gateway, wanted=()):
    """Give a network the objects that a test begins with, through its own gateway."""
    wanted = wanted or network_objects()
    found = gateway.read_below("SubNetwork=1,ManagedElement=7", "NRCellRelation")
    for one in found:
        told = dict(one.attributes)
        gateway.write(Operation("DELETE", one.dn, one.object_class, "", told, None))
    standing = gateway.read([one.dn for one in wanted])
    for one in wanted:
        told = {name: each for name, each in one.attributes.items() if name not in TOLD_BY_NETWORK}
        if one.dn not in standing:
            gateway.write(Operation("CREATE", one.dn, one.object_class, "", None, told))
            continue
        for name, value in told.items():
            live = standing[one.dn].attributes.get(name)
            if live != value:
                gateway.write(Operation("MODIFY", one.dn, one.object_class, name, live, value))


@contextmanager
def provisioning_element(folder, *options, objects=()):
    """Yield a provisioning service of its own process.

    Args:
        folder: for its secrets, and for its objects, which outlive it.
        options: see provisioning_server.py.
        objects: that it begins with; none for those of every test.
    """
    secret, port = folder / "token", free_port()
    secret.write_text(f"{TOKEN}\n")
    if objects:
        told = {one.dn: (one.object_class, dict(one.attributes)) for one in objects}
        (folder / "objects").write_text(json.dumps({"SubNetwork=1": ("SubNetwork", {})} | told))
    command = (sys.executable, "-m", "tests.ports.provisioning_server", str(folder), str(port))
    with started(*command, *options) as program:
        scheme = "https" if "--tls" in options else "http"
        address = f"provmns+{scheme}://localhost:{port}/3GPPManagement/ProvMnS/v1700"
        listens_at(port)
        yield Element(ProvisioningGateway.at(address, secret), address, secret, program)


def listens_at(port):
    """Wait until a program listens at a port."""
    for _ in range(80):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)


@contextmanager
def provisioning_service(folder, *options):
    """Yield gateway, address and secret of a provisioning service."""
    with provisioning_element(folder, *options) as element:
        yield element.gateway, element.address, element.secret


@contextmanager
def netconf_server(folder, target="candidate"):
    """Yield gateway, address and secret of a netconfd behind sshd."""
    with netconf_element(folder, target) as element:
        yield element.gateway, element.address, element.secret


@contextmanager
def netconf_element(
    folder, target="candidate", *, without=(), knows=(), has_radio=False, objects=()
):
    """Yield a netconfd behind sshd; skip where they are not installed.

    Args:
        folder: for keys, sockets, and the configuration that outlives the server.
        target: the datastore that it lets be written, `candidate` or `running`.
        without: YANG modules that it does not know.
        knows: the only saving modes that it knows; none for all.
        has_radio: whether it tells the state of its saving functions.
        objects: that it begins with, besides those above them.
    """
    lacking = sorted(name for name, path in PROGRAMS.items() if path is None)
    if lacking:
        pytest.skip(f"needs {', '.join(lacking)}: apt-get install netconfd openssh-server")
    port, user = free_port(), _account()
    _write_keys(folder)
    radio = f"{sys.executable} {Path(__file__).with_name('netconf_radio.py')}" if has_radio else ""
    config = folder / "sshd.conf"
    told = {"port": port, "folder": folder, "subsystem": PROGRAMS["netconf-subsystem"]}
    config.write_text(_SSHD.format(**told, radio=radio))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where sshd locks itself in
    (folder / "startup.xml").write_text(configuration(objects))
    path = f"{_with_modes(folder, knows) if knows else OURS}:{YANG}:/usr/share/yuma/modules"
    names = [path.stem for path in sorted([*YANG.glob("*.yang"), *OURS.glob("*.yang")])]
    netconfd = (
        PROGRAMS["netconfd"], *(f"--module={name}" for name in names if name not in without),
        f"--modpath={path}", f"--startup={folder}/startup.xml",
        f"--target={target}", f"--superuser={user}", "--access-control=off",
        f"--ncxserver-sockname={folder}/ncx.sock", f"--port={port}", f"--home={folder}",
        *(["--protocols=netconf1.0"] if has_radio else []),
    )  # fmt: skip
    with (
        started(*netconfd, stdout=subprocess.DEVNULL, cwd=folder) as program,  # leaves files there
        started(PROGRAMS["sshd"], "-D", "-f", str(config), stdout=subprocess.DEVNULL),
    ):
        address = f"netconf://{user}@127.0.0.1:{port}"
        gateway = NetconfGateway.at(address, folder / "user")
        element = Element(gateway, address, folder / "user", program, (folder / "ncx.sock",))
        element.answers()
        yield element


def configuration(objects):
    """Return objects as the configuration of a NETCONF server, without what it tells itself."""
    models = load_models(PACKAGED_MODELS)
    root, made = ET.Element(f"{{{BASE}}}config"), {}
    for one in sorted(objects, key=lambda one: len(parse_dn(one.dn))):
        above, (name, key) = made.get(parent(one.dn), root), parse_dn(one.dn)[-1]
        namespace = models.namespaces[name]
        made[one.dn] = own = ET.SubElement(above, f"{{{namespace}}}{name}")
        ET.SubElement(own, f"{{{namespace}}}id").text = key
        holder = ET.SubElement(own, f"{{{namespace}}}attributes")
        for attribute, value in one.attributes.items():
            if attribute not in TOLD_BY_NETWORK:
                added_by = models.namespace_of(name, attribute) or namespace
                ET.SubElement(holder, f"{{{added_by}}}{attribute}").text = as_text(value)
    return ET.tostring(root, encoding="unicode")


def _with_modes(folder, modes):
    """Return a folder with our module as an element has it that knows some modes alone."""
    text = (OURS / f"{MODES}.yang").read_text()
    few = re.sub(rf"enum (?!(?:{'|'.join(modes)}) )\w+ {{.*?}}\n", "", text)
    (folder / f"{MODES}.yang").write_text(few)
    return folder


def _account():
    told = subprocess.run(["id", "-un"], check=True, capture_output=True, text=True)
    return told.stdout.strip()


def _write_keys(folder):
    for name in ("host", "user"):
        subprocess.run(
            [PROGRAMS["ssh-keygen"], "-q", "-t", "ed25519", "-N", "", "-f", folder / name],
            check=True,
        )
    (folder / "user.hostkey").write_text((folder / "host.pub").read_text())
