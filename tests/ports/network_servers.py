"""Servers that tests of gateways speak to, each a process of its own on this machine.

NETCONF: `netconfd` of yuma123 (Debian package of that name) behind OpenSSH, loaded with test
subsets of 3GPP's YANG modules (yang/). Provisioning over REST: our own, provisioning_server.py.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from semantic_layer.errors import InputError, TransientError
from tasks.adapters.netconf_gateway import NetconfGateway
from tasks.adapters.provisioning_gateway import ProvisioningGateway
from tasks.messages.change_sets import Operation
from tests.ports.provisioning_server import TOKEN
from tests.tasks.execution.told import network_objects

REPOSITORY = Path(__file__).resolve().parents[2]
YANG = Path(__file__).parent / "yang"
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
Subsystem netconf "{subsystem} --ncxserver-sockname={port}@{folder}/ncx.sock"
"""


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def started(*command, **more):
    """Run a program; end it, and only it, afterwards."""
    told = {"cwd": REPOSITORY, "stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **more}
    process = subprocess.Popen(command, **told)
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def refill(gateway):
    """Give a network the objects that every test begins with, through its own gateway."""
    wanted = network_objects()
    found = gateway.read_below("SubNetwork=1,ManagedElement=7", "NRCellRelation")
    for one in found:
        told = dict(one.attributes)
        gateway.write(Operation("DELETE", one.dn, one.object_class, "", told, None))
    standing = gateway.read([one.dn for one in wanted])
    for one in wanted:
        if one.dn not in standing:
            told = dict(one.attributes)
            gateway.write(Operation("CREATE", one.dn, one.object_class, "", None, told))
            continue
        for name, value in one.attributes.items():
            live = standing[one.dn].attributes.get(name)
            if live != value:
                gateway.write(Operation("MODIFY", one.dn, one.object_class, name, live, value))


@contextmanager
def provisioning_service(folder, *options):
    """Yield the gateway to a provisioning service of its own process."""
    secret = folder / "token"
    secret.write_text(f"{TOKEN}\n")
    command = (sys.executable, "-m", "tests.ports.provisioning_server", str(folder), *options)
    with started(*command, stdout=subprocess.PIPE, text=True) as process:
        port = int(process.stdout.readline())
        scheme = "https" if "--tls" in options else "http"
        address = f"provmns+{scheme}://localhost:{port}/3GPPManagement/ProvMnS/v1700"
        yield ProvisioningGateway.at(address, secret), address, secret


@contextmanager
def netconf_server(folder, target="candidate"):
    """Yield the gateway to a netconfd behind sshd; skip where they are not installed.

    Args:
        folder: for keys and sockets.
        target: the datastore that it lets be written, `candidate` or `running`.
    """
    lacking = sorted(name for name, path in PROGRAMS.items() if path is None)
    if lacking:
        pytest.skip(f"needs {', '.join(lacking)}: apt-get install netconfd openssh-server")
    port = free_port()
    for name in ("host", "user"):
        subprocess.run(
            [PROGRAMS["ssh-keygen"], "-q", "-t", "ed25519", "-N", "", "-f", folder / name],
            check=True,
        )
    (folder / "user.hostkey").write_text((folder / "host.pub").read_text())
    config = folder / "sshd.conf"
    told = {"port": port, "folder": folder, "subsystem": PROGRAMS["netconf-subsystem"]}
    config.write_text(_SSHD.format(**told))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where sshd locks itself in
    user = subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout.strip()
    modules = [f"--module={path.stem}" for path in sorted(YANG.glob("*.yang"))]
    netconfd = (
        PROGRAMS["netconfd"], *modules, f"--modpath={YANG}:/usr/share/yuma/modules",
        "--no-startup", f"--target={target}", f"--superuser={user}", "--access-control=off",
        f"--ncxserver-sockname={folder}/ncx.sock", f"--port={port}", f"--home={folder}",
    )  # fmt: skip
    with (
        started(*netconfd, stdout=subprocess.DEVNULL, cwd=folder),  # it leaves files where it runs
        started(PROGRAMS["sshd"], "-D", "-f", str(config), stdout=subprocess.DEVNULL),
    ):
        address = f"netconf://{user}@127.0.0.1:{port}"
        gateway = NetconfGateway.at(address, folder / "user")
        for number in range(40):
            try:
                gateway.read(["SubNetwork=1,ManagedElement=7"])
                break
            except (TransientError, InputError):
                if number == 39:
                    raise
                time.sleep(0.25)
        yield gateway, address, folder / "user"
