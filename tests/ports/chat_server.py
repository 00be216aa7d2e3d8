"""A server on loopback that speaks OpenAI's words, and misbehaves as it is told."""

import json
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def answered(text, prompt_tokens=11, completion_tokens=7, model="served-model"):
    """Return the body of an answer."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": text},
            }
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


@dataclass
class Behavior:
    """What the server does once.

    Attributes:
        body: JSON, or bytes sent as they are.
        wait_s: before it answers.
        trickle_s: between single bytes of the answer; 0 sends it whole.
    """

    status: int = 200
    body: object = field(default_factory=lambda: answered("fine"))
    wait_s: float = 0.0
    trickle_s: float = 0.0
    headers: dict = field(default_factory=dict)


class ChatServer:
    """Does what `behaviors` say, in order; the last one stays."""

    def __init__(self, *behaviors: Behavior):
        self.behaviors = list(behaviors) or [Behavior()]
        self.requests, self.keys, self.most_at_once = [], [], 0
        self._at_once = 0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with outer._counted():
                    behavior = outer._next(json.loads(body), self.headers)
                    with suppress(BrokenPipeError, ConnectionResetError):
                        outer._behave(self, behavior)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def _counted(self):
        outer = self

        class Counted:
            def __enter__(self):
                with outer._lock:
                    outer._at_once += 1
                    outer.most_at_once = max(outer.most_at_once, outer._at_once)

            def __exit__(self, *_):
                with outer._lock:
                    outer._at_once -= 1

        return Counted()

    def _next(self, body, headers):
        with self._lock:
            self.requests.append(body)
            self.keys.append(headers.get("Authorization"))
            return self.behaviors.pop(0) if len(self.behaviors) > 1 else self.behaviors[0]

    def _behave(self, handler, behavior):
        self._stopping.wait(behavior.wait_s)
        body = behavior.body
        told = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(behavior.status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(told)))
        for name, value in behavior.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        if not behavior.trickle_s:
            handler.wfile.write(told)
            return
        for one in told:
            handler.wfile.write(bytes([one]))
            handler.wfile.flush()
            if self._stopping.is_set():
                return
            time.sleep(behavior.trickle_s)

    def stop(self):
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def servers():
    """Give a function that starts servers, and stop them all at the end."""
    running = []

    def start(*behaviors):
        running.append(ChatServer(*behaviors))
        return running[-1]

    yield start
    for server in running:
        server.stop()
