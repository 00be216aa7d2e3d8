"""Qdrant's REST interface on a loopback port, answered by Qdrant's own engine in memory.

It proves what is said over HTTP and how answers are read; a server's own search is not proved.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from qdrant_client import QdrantClient, models

Body = dict[str, Any]


@contextmanager
def qdrant_server(broken: list[int] | None = None) -> Iterator[str]:
    """Serve, and yield the address; each number in `broken` is the status of one answer to come."""
    engine = QdrantClient(":memory:")
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
            _, _, name, *rest = urlsplit(self.path).path.split("/")
            if broken:
                self.say(broken.pop(0), {"status": {"error": "in trouble"}})
                return
            with lock:
                result = _CALLS[self.command, "/".join(rest)](engine, name, body)
            self.say(200, {"result": result, "status": "ok", "time": 0.0})

        def say(self, status: int, told: Body) -> None:
            content = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = answer  # noqa: N815 - names of the standard library

        def log_message(self, *_words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        engine.close()


def _exists(engine: QdrantClient, name: str, _body: Body) -> Body:
    return {"exists": engine.collection_exists(name)}


def _create(engine: QdrantClient, name: str, body: Body) -> bool:
    told = models.CreateCollection.model_validate(body)
    return engine.create_collection(
        name, vectors_config=told.vectors, sparse_vectors_config=told.sparse_vectors
    )


def _upsert(engine: QdrantClient, name: str, body: Body) -> Body:
    return _plain(engine.upsert(name, models.PointsList.model_validate(body).points))


def _delete(engine: QdrantClient, name: str, body: Body) -> Body:
    return _plain(engine.delete(name, models.PointIdsList.model_validate(body)))


def _scroll(engine: QdrantClient, name: str, body: Body) -> Body:
    told = models.ScrollRequest.model_validate(body)
    points, after = engine.scroll(
        name, limit=told.limit or 10, offset=told.offset, with_payload=told.with_payload or False
    )
    return {"points": [_plain(point) for point in points], "next_page_offset": after}


def _count(engine: QdrantClient, name: str, _body: Body) -> Body:
    return _plain(engine.count(name))


def _query(engine: QdrantClient, name: str, body: Body) -> list[Body]:
    told = models.QueryRequestBatch.model_validate(body)
    return [_plain(one) for one in engine.query_batch_points(name, told.searches)]


def _plain(answer: Any) -> Body:
    plain: Body = answer.model_dump(mode="json")
    return plain


_CALLS: dict[tuple[str, str], Callable[[QdrantClient, str, Body], Any]] = {
    ("GET", "exists"): _exists,
    ("PUT", ""): _create,
    ("PUT", "points"): _upsert,
    ("POST", "points/delete"): _delete,
    ("POST", "points/scroll"): _scroll,
    ("POST", "points/count"): _count,
    ("POST", "points/query/batch"): _query,
}
