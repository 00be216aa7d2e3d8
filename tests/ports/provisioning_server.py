"""A provisioning service (3GPP TS 28.532 12.1.1) over HTTP, as small as the clause lets it be.

    python -m tests.ports.provisioning_server FOLDER PORT [OPTION...]

It is ours, written for tests: no free service of that clause was found. It keeps its objects in
FOLDER/objects, where it finds them again when it died, and writes each request that changed one
into FOLDER/journal. A saving function tells its state, which nobody else may set.

    --without-tags   tells no ETag
    --tls            speaks TLS with FOLDER/server.pem
    --hostile-KIND   answers nonsense
    --single         tells a lone object as such, as TS 28.541's OpenAPI has some, not in a list
    --standard       knows no attribute beside the standard's
    --few-modes      knows modes off the air alone
"""

import json
import ssl
import sys
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import RLock
from typing import ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from semantic_layer.identity import format_dn, parent, parse_dn
from tests.tasks.execution.told import network_objects

ROOT = "/3GPPManagement/ProvMnS/v1700/"
TOKEN = "let-me-in"  # noqa: S105 - a test's own
WORDS = {
    "energySavingControl": ("toBeEnergySaving", "toBeNotEnergySaving"),
    "energySavingMode": (
        "ACTIVE", "MICRO_SLEEP", "MIMO_MUTED", "POWER_REDUCED", "LIGHT_SLEEP", "DEEP_SLEEP",
    ),
}  # fmt: skip
FEW = ("ACTIVE", "LIGHT_SLEEP", "DEEP_SLEEP")


class Service(BaseHTTPRequestHandler):
    objects: ClassVar = {"SubNetwork=1": ("SubNetwork", {})} | {
        one.dn: (one.object_class, dict(one.attributes)) for one in network_objects()
    }
    lock = RLock()
    folder = Path()
    options = ()

    def log_message(self, *_words):
        pass

    def handle_one(self):
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length) or b"null")
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.fail(401, "no valid token")
        hostile = [word for word in self.options if word.startswith("--hostile-")]
        if hostile:
            return self.be_hostile(hostile[0].removeprefix("--"))
        if not parts.path.startswith(ROOT):
            return self.fail(404, "no such root")
        steps = [step.split("=", 1) for step in parts.path[len(ROOT) :].split("/")]
        dn = format_dn((name, unquote(value)) for name, value in steps)
        with self.lock:
            return getattr(self, f"answer_{self.command}")(dn, body, parse_qs(parts.query))

    do_GET = do_PUT = do_PATCH = do_DELETE = handle_one  # noqa: N815 - the server's names

    def answer_GET(self, dn, _body, query):  # noqa: N802
        if dn not in self.objects:
            return self.fail(404, "no such object")
        everything = query.get("scopeType") == ["BASE_ALL"]
        return self.say(200, self.resource(dn, everything=everything), self.tag(dn))

    def answer_PUT(self, dn, body, _query):  # noqa: N802
        if self.headers.get("If-None-Match") == "*" and dn in self.objects:
            return self.fail(412, "it exists")
        if parent(dn) not in self.objects:
            return self.fail(409, "nothing contains it")
        refusal = self.refused(body["objectClass"], body["attributes"])
        if refusal:
            return self.fail(400, refusal)
        self.objects[dn] = (body["objectClass"], body["attributes"])
        self.note("CREATE", dn)
        return self.say(201, self.resource(dn), self.tag(dn))

    def answer_PATCH(self, dn, body, _query):  # noqa: N802
        if dn not in self.objects:
            return self.fail(404, "no such object")
        if self.headers["Content-Type"] != "application/merge-patch+json":
            return self.fail(415, "no patch that is known")
        if self.headers.get("If-Match") not in (None, self.tag(dn)):
            return self.fail(412, "it changed")
        name, attributes = self.objects[dn]
        refusal = self.refused(name, body["attributes"])
        if refusal:
            return self.fail(400, refusal)
        merged = {**attributes, **body["attributes"]}
        self.objects[dn] = (name, {key: each for key, each in merged.items() if each is not None})
        self.note("MODIFY", dn)
        return self.say(204, None, self.tag(dn))

    def answer_DELETE(self, dn, _body, _query):  # noqa: N802
        if dn not in self.objects:
            return self.fail(404, "no such object")
        if self.headers.get("If-Match") not in (None, self.tag(dn)):
            return self.fail(412, "it changed")
        if any(name.startswith(f"{dn},") for name in self.objects):
            return self.fail(400, "it contains objects")
        del self.objects[dn]
        self.note("DELETE", dn)
        return self.say(200, None, None)

    def refused(self, name, attributes):
        if "energySavingState" in attributes:
            return "energySavingState is told by the element and cannot be set"
        if "energySavingMode" in attributes and "--standard" in self.options:
            return f"{name} has no attribute energySavingMode"
        words = WORDS | ({"energySavingMode": FEW} if "--few-modes" in self.options else {})
        for key, allowed in words.items():
            if attributes.get(key, allowed[0]) not in allowed:
                return f"{key} is one of {', '.join(allowed)}"
        tilt = attributes.get("digitalTilt", 0)
        return None if -900 <= tilt <= 900 else "digitalTilt is outside -900 to 900"

    def resource(self, dn, *, everything=False):
        name, attributes = self.objects[dn]
        step = parse_dn(dn)[-1]
        told = {"id": step.value, "objectClass": name, "attributes": with_state(name, attributes)}
        for other in self.below(dn) if everything else ():
            told.setdefault(other.rpartition(",")[2].partition("=")[0], []).append(
                self.resource(other, everything=True)
            )
        if "--single" in self.options:
            told = {key: lone(each) for key, each in told.items()}
        return told

    def below(self, dn):
        """Return the objects that an object contains; no DN here has a comma in a value."""
        return [other for other in self.objects if other.rpartition(",")[0] == dn]

    def tag(self, dn):
        if "--without-tags" in self.options:
            return None
        return f'"{sha256(json.dumps(self.objects[dn]).encode()).hexdigest()[:16]}"'

    def note(self, kind, dn):
        with (self.folder / "journal").open("a", encoding="utf-8") as file:
            file.write(f"{kind} {dn}\n")
        whole = self.folder / "objects.new"
        whole.write_text(json.dumps(self.objects))
        whole.rename(self.folder / "objects")

    def fail(self, status, says):
        self.say(status, {"error": {"errorInfo": says}}, None)

    def say(self, status, body, tag):
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        if tag:
            self.send_header("ETag", tag)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def be_hostile(self, kind):
        if kind == "hostile-busy":
            return self.fail(503, "later")
        if kind == "hostile-redirect":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        told = {
            "hostile-text": b"<html>Welcome</html>",
            "hostile-deep": b"[" * 200_000,
            "hostile-other": b'{"id": "99", "attributes": {"administrativeState": "UNLOCKED"}}',
            "hostile-list": b'{"id": "1", "attributes": ["administrativeState"]}',
        }[kind]
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        return self.wfile.write(told)


def with_state(name, attributes):
    """Return what an object tells of itself."""
    if name != "CESManagementFunction":
        return attributes
    is_told_to = attributes.get("energySavingControl") == "toBeEnergySaving"
    does_save = is_told_to and attributes.get("energySavingMode") != "ACTIVE"
    return {
        **attributes,
        "energySavingState": "isEnergySaving" if does_save else "isNotEnergySaving",
    }


def lone(each):
    return each[0] if isinstance(each, list) and len(each) == 1 else each


def main():
    Service.folder, Service.options = Path(sys.argv[1]), tuple(sys.argv[3:])
    known = Service.folder / "objects"
    if known.exists():
        Service.objects.clear()
        Service.objects |= {dn: tuple(told) for dn, told in json.loads(known.read_text()).items()}
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Service)
    if "--tls" in Service.options:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(Service.folder / "server.pem", Service.folder / "server.key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
