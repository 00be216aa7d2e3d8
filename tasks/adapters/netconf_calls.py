"""One session with a NETCONF server (RFC 6241 over SSH), its errors told as ours."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from semantic_layer.errors import InputError, TransientError
from tasks.action_ports import ForeignChangeError

_PASSING = frozenset({"lock-denied", "in-use", "resource-denied", "rollback-failed"})
_FOREIGN = frozenset({"data-exists", "data-missing"})
_PIN = "hostkey "
_LONGEST_REPLY = 32 * 1024 * 1024
_TIMEOUT_S = 30.0
_LEAVE_S = 2.0
_LOOK_EVERY_S = 0.005
_REST_S = 10.0
_DEFAULTS, _ALL = ":with-defaults:", "report-all"
Asked = TypeVar("Asked")


class LostSessionError(TransientError):
    """The connection ended, or none could be made: whoever had kept a session may open another."""


@dataclass(frozen=True, slots=True)
class NetconfTarget:
    """A server, and how to log in.

    Attributes:
        models: file of the mapping; None takes the packaged one.
        password: empty where a private key is used.
        key_file: of the private key; None where a password is used.
        host_key: the server's public key as in known_hosts, `ssh-ed25519 AAAA...`; empty looks
            into the account's known_hosts. An unknown server is never spoken to.
    """

    host: str
    port: int
    user: str
    models: Path | None = None
    password: str = field(default="", repr=False)
    key_file: Path | None = None
    host_key: str = ""


def target_at(address: str, secret_file: Path | None) -> NetconfTarget:
    """Return the target of an address.

    Args:
        address: `netconf://user@host:830`, with `?models=FILE` for other YANG models.
        secret_file: a private key, or a password in its first line. After a password, a line
            `hostkey ssh-ed25519 AAAA...` pins the server's key; beside a private key, the file
            `<secret>.hostkey` does.

    Raises:
        InputError: the address or file cannot be used.
    """
    parts = urlsplit(address)
    if parts.scheme != "netconf" or not parts.hostname or not parts.username:
        raise InputError(f"{address!r} is no NETCONF address; it reads netconf://user@host:830.")
    if parts.password:
        raise InputError("A NETCONF address bears no password; it stands in the secret file.")
    named = parse_qs(parts.query).get("models", [])
    where = (parts.hostname, parts.port or 830, unquote(parts.username))
    models = Path(named[0]) if named else None
    if secret_file is None:
        return NetconfTarget(*where, models)
    secret = _text(secret_file)
    if secret.startswith("-----BEGIN"):
        pin = secret_file.with_name(f"{secret_file.name}.hostkey")
        host_key = _text(pin).strip() if pin.exists() else ""
        return NetconfTarget(*where, models, key_file=secret_file, host_key=host_key)
    lines = secret.splitlines() or [""]
    pins = [line[len(_PIN) :].strip() for line in lines[1:] if line.startswith(_PIN)]
    return NetconfTarget(*where, models, password=lines[0], host_key=pins[0] if pins else "")


class NetconfSession:
    """What a session can do; `manager` is the client's."""

    def __init__(self, manager: Any) -> None:  # noqa: ANN401 - the client has no types
        self._manager = manager
        told = {str(one).split("?")[0] for one in manager.server_capabilities}
        self.has_candidate = any("capability:candidate:" in one for one in told)
        self.has_confirmed = any("capability:confirmed-commit:" in one for one in told)
        self.has_validate = any("capability:validate:" in one for one in told)
        self.can_write_running = any("capability:writable-running:" in one for one in told)
        self._more = {"with_defaults": _ALL} if _tells_defaults(manager) else {}

    def told(self, subtree: str) -> str:
        """Return what a filter selects, as XML: configuration that runs, defaults, and state.

        Not the configuration alone: whether a cell saves energy is state, which only `get` tells.

        Raises:
            InputError: the reply is longer than anything that was asked for.
        """
        told = str(self._manager.get(filter=_parsed(subtree), **self._more).data_xml)
        if len(told) > _LONGEST_REPLY:
            raise InputError(f"The NETCONF server told {len(told)} characters; that is refused.")
        return told

    @contextmanager
    def locked(self, *targets: str) -> Iterator[None]:
        """Keep other sessions from writing; after an error the locks end with the session."""
        for target in targets:
            self._manager.lock(target)
        yield
        for target in reversed(targets):
            self._manager.unlock(target)

    def edit(self, target: str, config: str) -> None:
        """Put an edit into a datastore, as a whole or not at all."""
        more = {"test_option": "test-then-set"} if self.has_validate else {}
        self._manager.edit_config(
            target=target, config=_parsed(config), default_operation="merge", **more
        )

    def discard(self) -> None:
        """Begin with a candidate that is as what runs."""
        self._manager.discard_changes()

    def give_up(self) -> None:
        """Discard what stands in the candidate, if the server still answers; then end the session.

        A client whose connection was just lost would wait its whole time for an answer.
        """
        from ncclient import NCClientError

        self._manager.timeout = _LEAVE_S
        with suppress(NCClientError):
            self._manager.discard_changes()

    def commit(self, confirmed_within_s: int | None = None) -> None:
        """Let the candidate run; for a while only, where it is to be confirmed."""
        if confirmed_within_s is None:
            self._manager.commit()
        else:
            self._manager.commit(confirmed=True, timeout=str(confirmed_within_s))


class KeptSession:
    """A session that is used again and again, by one thread at a time, and ended when it rests.

    To open one takes longer than to write through it, so that a town could not be woken in time.
    """

    def __init__(self, target: NetconfTarget) -> None:
        self._target = target
        self._alone = threading.RLock()
        self._open: ExitStack | None = None
        self._session: NetconfSession | None = None
        self._rest: threading.Timer | None = None

    def ask(self, work: Callable[[NetconfSession], Asked]) -> Asked:
        """Return what `work` returns of a session; one that went stale meanwhile is opened anew.

        Args:
            work: may be begun a second time, from its start.

        Raises:
            InputError, ForeignChangeError, TransientError: as `netconf_session` does.
        """
        with self._alone:
            was_kept = self._session is not None
            try:
                return self._asked(work)
            except LostSessionError:
                if not was_kept:
                    raise
                return self._asked(work)

    def end(self) -> None:
        """End the session, if one is open; the next call opens another."""
        with self._alone:
            opened, self._open, self._session = self._open, None, None
            if self._rest is not None:
                self._rest.cancel()
            if opened is not None:
                with suppress(TransientError, InputError):
                    opened.close()

    def _asked(self, work: Callable[[NetconfSession], Asked]) -> Asked:
        """Return what `work` returns; after any error the session is not trusted with another."""
        if self._rest is not None:
            self._rest.cancel()
        is_done = False
        try:
            with _told_as_ours(self._target):
                if self._session is None:
                    self._open = ExitStack()
                    self._session = self._open.enter_context(netconf_session(self._target))
                found = work(self._session)
            is_done = True
        finally:
            if not is_done:
                self.end()
        self._rest = threading.Timer(_REST_S, self.end)
        self._rest.daemon = True
        self._rest.start()
        return found


@contextmanager
def netconf_session(target: NetconfTarget) -> Iterator[NetconfSession]:
    """Open a session, and end it.

    Raises:
        InputError: the server is not the one known, does not let us in, or refuses what was asked.
        ForeignChangeError: an object was made or removed meanwhile.
        TransientError: it did not answer, or others hold it.
    """
    from ncclient import manager
    from ncclient.transport import session

    # The client looks so often for something to send; every call waits for that, ten times a write.
    session.TICK = _LOOK_EVERY_S
    with _told_as_ours(target), manager.connect(**_login(target)) as opened:
        try:
            yield NetconfSession(opened)
        finally:
            opened.timeout = _LEAVE_S  # who does not answer any more is not waited for to say so


@contextmanager
def _told_as_ours(target: NetconfTarget) -> Iterator[None]:
    """Tell the client's errors as ours."""
    from ncclient import NCClientError
    from ncclient.operations.rpc import RPCError
    from ncclient.transport.errors import AuthenticationError, SSHUnknownHostError, TransportError
    from paramiko.ssh_exception import SSHException

    where = f"NETCONF server {target.host}:{target.port}"
    try:
        yield
    except (SSHUnknownHostError, AuthenticationError) as error:
        raise InputError(
            f"{where} is not known, or does not let {target.user} in: {_short(error)}; see "
            "ANOPS_GATEWAY_SECRET_FILE."
        ) from error
    except RPCError as error:
        raise _told(error, where) from error
    except (TransportError, SSHException, OSError, EOFError) as error:
        raise LostSessionError(f"{where} did not answer: {_short(error)}.") from error
    except NCClientError as error:
        raise TransientError(f"{where} did not answer: {_short(error)}.") from error


def _login(target: NetconfTarget) -> dict[str, Any]:
    login: dict[str, Any] = {
        "host": target.host,
        "port": target.port,
        "username": target.user,
        "timeout": _TIMEOUT_S,
        "hostkey_verify": True,
        "allow_agent": False,
        "look_for_keys": False,
    }
    if target.password:
        login["password"] = target.password
    if target.key_file is not None:
        login["key_filename"] = str(target.key_file)
    if target.host_key:
        login["hostkey_b64"] = target.host_key.split()[1 if " " in target.host_key else 0]
    return login


def _tells_defaults(manager: Any) -> bool:  # noqa: ANN401 - the client has no types
    """Tell whether a server can name values that stand by default (RFC 6243 4.3)."""
    told = next((str(one) for one in manager.server_capabilities if _DEFAULTS in str(one)), "")
    words = parse_qs(told.partition("?")[2])
    modes = [*words.get("basic-mode", []), *words.get("also-supported", [])]
    return "basic-mode" in words and _ALL in ",".join(modes).split(",")


def _told(error: Any, where: str) -> Exception:  # noqa: ANN401 - the client has no types
    """Return our error for a server's: by its tag, which RFC 6241 appendix A defines."""
    says = f"{where} refused: {error.tag}, {_short(error)}."
    if error.tag in _PASSING:
        return TransientError(says)
    return ForeignChangeError(says) if error.tag in _FOREIGN else InputError(says)


def _parsed(text: str) -> Any:  # noqa: ANN401 - an element of the client's XML library
    from ncclient.xml_ import to_ele

    return to_ele(text)


def _short(error: object) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The secret file {path} cannot be read as text: {error}.") from error
