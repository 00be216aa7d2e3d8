"""A radio between sshd and netconfd: it tells of each saving function whether its cell saves.

    python tests/ports/netconf_radio.py NETCONF-SUBSYSTEM [OPTION...]

netconfd knows a model and a configuration; what an element tells of itself takes an element. This
one adds `energySavingState` to what `get` tells, and to nothing else. It speaks NETCONF 1.0, of
which a message ends with `]]>]]>`, and imports nothing of ours: sshd starts it once a session.
"""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from threading import Thread

END = b"]]>]]>"
CES = "{urn:3gpp:sa5:_3gpp-nr-nrm-cesmanagementfunction}"
MODE = "{urn:anops:energy-saving}energySavingMode"
ID = re.compile(rb"message-id=[\"']([^\"']+)[\"']")
IS_GET = re.compile(rb"<(?:\w+:)?get[\s/>]")


def messages(file):
    """Give each message that comes, without its end."""
    waiting = b""
    while read := os.read(file, 65536):
        waiting += read
        while END in waiting:
            message, _, waiting = waiting.partition(END)
            yield message


def with_state(reply):
    """Return a reply to `get` in which every saving function tells its state."""
    root = ET.fromstring(reply)  # noqa: S314 - our own netconfd's
    for told in root.iter(f"{CES}attributes"):
        is_told_to = told.findtext(f"{CES}energySavingControl") == "toBeEnergySaving"
        does_save = is_told_to and told.findtext(MODE) != "ACTIVE"
        state = ET.SubElement(told, f"{CES}energySavingState")
        state.text = "isEnergySaving" if does_save else "isNotEnergySaving"
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def main():
    gets = set()
    with subprocess.Popen(
        sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as server:

        def relay():
            for message in messages(0):
                if IS_GET.search(message):
                    gets.add(ID.search(message)[1])
                server.stdin.write(message + END)
            server.stdin.close()

        Thread(target=relay, daemon=True).start()
        for message in messages(server.stdout.fileno()):
            name = ID.search(message[:500])
            is_asked = name is not None and name[1] in gets and CES[1:-1].encode() in message
            sys.stdout.buffer.write((with_state(message) if is_asked else message) + END)
            sys.stdout.buffer.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
