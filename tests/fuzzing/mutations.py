"""Inputs made from others: parsed trees changed and written again, and bytes changed as they are.

Everything is drawn from one `random.Random`, so a seed and an input give the same input again.
"""

import gzip
import io
import json
import random
import re
import warnings
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import yaml

from tests.fuzzing.target import Shape

Mutator = Callable[[bytes, random.Random, Sequence[str]], bytes]

ODD_TEXTS = (
    "", " ", "\x00", "\ud800", "\ufeff", "\u202e", "é\u0301", "\U0001f4a5", "null", "NaN", "inf",
    "-", "0", "-1", "1e400", "1e-400", "9" * 40, "0x10", "1_000", "٣", "½", "true", "A" * 300,
    "a=b", "=", ",", "\\", "\\,", "a\\", "ManagedElement=1\\", "SubNetwork=1,ManagedElement=7",
    "{}", "{a}", "%", "%s", "*", "..", "../x", "'", '"', "<!--", "-->", "]]>", "&#0;", "&lt;", "\t",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z",
    "2026-01-05T12:00:00", "2026-01-05T12:00:00Z", "24:00", "2026-W01-1", "1969-12-31T23:59:59Z",
    "\n", "a\nb", "\r\n", "\x1b[31m", "\x7f", "\u2028",
)  # fmt: skip
ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**30, 10**400, 0.0, -0.0,
    1e308, 1e-320, float("inf"), float("-inf"), float("nan"), [], {}, [[]], [None], {"": None},
    1767614400000000, -62135596800000001,
)  # fmt: skip
_TOKEN = re.compile(rb"<[^<>]*>|[^<>]+|[<>]")
_DEEP = (3, 30, 90, 300, 900, 3000)


def mutated(data: bytes, shape: Shape, rng: random.Random, tokens: Sequence[str]) -> bytes:
    """Return another input made from this one, by one to four changes."""
    own = _OWN.get(shape)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        if own is not None and rng.random() < 0.85:
            try:
                data = own(data, rng, tokens)
                continue
            except Exception:  # noqa: BLE001, S110 - no longer of its shape: bytes are left to change
                pass
        data = of_bytes(data, rng, tokens)
    if shape in {"json", "xml"} and rng.random() < 0.01:
        data = gzip.compress(data, mtime=0)
    return data


def of_bytes(data: bytes, rng: random.Random, tokens: Sequence[str]) -> bytes:
    """Return the bytes with one change."""
    if not data:
        return _token(rng, tokens)
    at = rng.randrange(len(data) + 1)
    end = min(len(data), at + rng.choice((1, 1, 2, 4, 8, 32, 200)))
    head, part, rest = data[:at], data[at:end], data[end:]
    made = (
        lambda: head + bytes(byte ^ (1 << rng.randrange(8)) for byte in part[:1]) + data[at + 1 :],
        lambda: head,
        lambda: head + rest,
        lambda: head + part * rng.choice((2, 3, 50)) + rest,
        lambda: head + _some_of(data, len(part), rng) + rest,
        lambda: head + bytes(rng.choice(_ODD_BYTES) for _ in part) + part + rest,
        lambda: data[at // 2 :],
        lambda: head + _token(rng, tokens) + rest,
        lambda: head + _token(rng, tokens) + part + rest,
    )
    return rng.choice(made)()


_ODD_BYTES = (0, 255, 128, 0xC3, 10, 13, 34, 92)


def _some_of(data: bytes, length: int, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[at : at + length]


def _token(rng: random.Random, tokens: Sequence[str]) -> bytes:
    told = rng.choice(tokens) if tokens and rng.random() < 0.6 else rng.choice(ODD_TEXTS)
    return told.encode("utf-8", "surrogatepass")


def of_tree(tree: Any, rng: random.Random, tokens: Sequence[str]) -> Any:
    """Return a tree of lists and dicts with one change somewhere in it."""
    places = list(_places(tree))
    if not places or rng.random() < 0.02:
        return _wrapped(tree, rng)
    parent, key = rng.choice(places)
    draw = rng.randrange(10)
    if draw == 0:
        del parent[key]
    elif draw == 1:
        _doubled(parent, key, rng)
    elif draw == 2 and isinstance(parent, dict):
        parent[rng.choice(tokens or ODD_TEXTS)] = parent.pop(key)
    else:
        parent[key] = _replaced(parent[key], places, rng, tokens)
    return tree


def _replaced(
    value: Any, places: Sequence[tuple[Any, Any]], rng: random.Random, tokens: Sequence[str]
) -> Any:
    def another() -> Any:
        other, name = rng.choice(places)
        return json.loads(json.dumps(other[name], default=str))

    made: tuple[Callable[[], Any], ...] = (
        lambda: rng.choice(ODD_VALUES),
        lambda: rng.choice(ODD_TEXTS),
        lambda: rng.choice(tokens or ODD_TEXTS),
        lambda: _wrapped(value, rng),
        lambda: str(value),
        lambda: _near(value, rng),
        another,
    )
    return rng.choice(made)()


def _doubled(parent: Any, key: Any, rng: random.Random) -> None:
    if isinstance(parent, list):
        parent[key:key] = [parent[key]] * rng.choice((1, 2, 20))
    else:
        parent[f"{key}{rng.choice(('2', ' ', ''))}"] = parent[key]


def _near(value: Any, rng: random.Random) -> Any:
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int | float):
        return value * rng.choice((-1, 0, 10, 1000)) + rng.choice((0, 1, 0.5))
    if isinstance(value, str) and value:
        at = rng.randrange(len(value))
        return value[:at] + rng.choice(ODD_TEXTS) + value[at + rng.randrange(2) :]
    return rng.choice(ODD_VALUES)


def _wrapped(value: Any, rng: random.Random) -> Any:
    for _ in range(rng.choice(_DEEP[:4])):
        value = [value] if rng.random() < 0.5 else {"a": value}
    return value


def _places(tree: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [tree]
    while waiting and len(found) < 20_000:
        node = waiting.pop()
        keys = (
            list(node)
            if isinstance(node, dict)
            else range(len(node))
            if isinstance(node, list)
            else ()
        )
        found.extend((node, key) for key in keys)
        waiting.extend(node[key] for key in keys)
    return found


def of_json(data: bytes, rng: random.Random, tokens: Sequence[str]) -> bytes:
    """Return JSON with a change in its tree: sometimes deep, doubled keys, a value a line."""
    tree = json.loads(data)
    draw = rng.random()
    if draw < 0.03:
        depth = rng.choice(_DEEP) + rng.randrange(80)
        mark = rng.choice((("[", "]"), ('{"a":', "}")))
        text = json.dumps(tree).replace(
            ":", ":" + mark[0] * depth + "1" + mark[1] * depth + ' ,"b":', 1
        )
        return text.encode()
    tree = of_tree(tree, rng, tokens)
    if draw < 0.06 and isinstance(tree, list):
        return b"\n".join(json.dumps(item).encode() for item in tree)
    text = json.dumps(tree, ensure_ascii=rng.random() < 0.7)  # an indent is for shallow ones only
    if draw > 0.7 and max(text.count("["), text.count("{")) < 200:
        text = json.dumps(tree, indent=1)
    if draw < 0.10:
        text = re.sub(r'"(\w+)": ', r'"\1": 1, "\1": ', text, count=rng.choice((1, 3)))
    return text.encode("utf-8", "surrogatepass")


def of_yaml(data: bytes, rng: random.Random, tokens: Sequence[str]) -> bytes:
    """Return YAML with a change in its tree, or in its lines, where anchors and tags live."""
    if rng.random() < 0.6:
        return _of_lines(data, rng, tokens)
    tree = of_tree(yaml.safe_load(data), rng, tokens)
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True).encode(
        "utf-8", "surrogatepass"
    )


def _of_lines(data: bytes, rng: random.Random, tokens: Sequence[str]) -> bytes:
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    match rng.randrange(8):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, lines[rng.randrange(len(lines))])
        case 2:
            lines[at] = b"  " + lines[at]
        case 3:
            lines[at] = lines[at].lstrip()
        case 4:
            lines[at] = lines[at].partition(b":")[0] + b": " + _token(rng, tokens)
        case 5:
            anchor = rng.choice((b" &a", b" *a", b" &a [*a, *a]", b" !!python/name:os.system",
                                 b" !!timestamp 2026-13-45", b" !!binary x", b" {<<: *a}",
                                 b" !!set {a}", b" ? a", b" 2026-99-99", b" 1:60:60",
                                 b" .inf"))  # fmt: skip
            lines[at] = lines[at].partition(b":")[0] + b":" + anchor
        case 6:
            depth = rng.choice(_DEEP) + rng.randrange(80)
            lines[at] = lines[at].partition(b":")[0] + b": " + b"[" * depth + b"]" * depth
        case _:
            lines[at] = b"".join(part for part in (lines[at], _token(rng, tokens)))
    return b"\n".join(lines)


def of_xml(data: bytes, rng: random.Random, tokens: Sequence[str]) -> bytes:
    """Return XML with whole elements, texts or attributes changed."""
    parts = _TOKEN.findall(data)
    at = rng.randrange(len(parts))
    end = _element_end(parts, at)
    match rng.randrange(9):
        case 0:
            del parts[at:end]
        case 1:
            parts[end:end] = parts[at:end] * rng.choice((1, 2, 40))
        case 2:
            other = rng.randrange(len(parts))
            parts[other:other] = parts[at:end]
        case 3:
            del parts[at]
        case 4:
            depth = rng.choice(_DEEP)
            parts[at:at] = [b"<x>" * depth + b"</x>" * depth]
        case 5 | 6:
            parts[at] = _attributed(parts[at], rng, tokens)
        case 7:
            odd = (b"<![CDATA[1]]>", b"<!-- -->", b"<?x y?>", b'<!DOCTYPE a [<!ENTITY b "c">]>',
                                                                             b"&b;",
                   b"&#55296;", b"&#x10FFFF;", b'<x xmlns="urn:x"/>')  # fmt: skip
            parts.insert(at, rng.choice(odd))
        case _:
            parts[at] = (
                _token(rng, tokens) if not parts[at].startswith(b"<") else parts[at][:-1] + b"/>"
            )
    return b"".join(parts)


def _attributed(part: bytes, rng: random.Random, tokens: Sequence[str]) -> bytes:
    places = list(re.finditer(rb'="([^"]*)"', part))
    if not places:
        return part if part.startswith(b"<") else _token(rng, tokens)
    found = rng.choice(places)
    told = _token(rng, tokens).replace(b"<", b"").replace(b'"', b"")
    return part[: found.start(1)] + told + part[found.end(1) :]


def _element_end(parts: Sequence[bytes], at: int) -> int:
    """Return where the element ends that begins at a part, or just past the part."""
    if not parts[at].startswith(b"<") or parts[at].startswith((b"</", b"<?", b"<!")):
        return at + 1
    depth = 0
    for place in range(at, min(len(parts), at + 5_000)):
        part = parts[place]
        if part.startswith(b"</"):
            depth -= 1
        elif part.startswith(b"<") and not part.endswith(b"/>") and part[1:2].isalpha():
            depth += 1
        if depth <= 0:
            return place + 1
    return at + 1


def of_csv(data: bytes, rng: random.Random, tokens: Sequence[str]) -> bytes:
    """Return a table as text with rows, columns or cells changed."""
    mark = next((mark for mark in (b";", b"\t", b",") if mark in data.split(b"\n", 1)[0]), b",")
    rows = [line.split(mark) for line in data.split(b"\n")]
    row = rng.randrange(len(rows))
    column = rng.randrange(len(rows[row]))
    match rng.randrange(9):
        case 0:
            del rows[row]
        case 1:
            rows[row:row] = [list(rows[row])] * rng.choice((1, 2, 30))
        case 2:
            del rows[row][column]
        case 3:
            rows[row].insert(column, _token(rng, tokens))
        case 4:
            rows[row][column] = b'"' + rows[row][column]
        case 5:
            other = rng.randrange(len(rows))
            rows[row], rows[other] = rows[other], rows[row]
        case 6:
            rows[row].append(rows[row][column])
        case _:
            rows[row][column] = _token(rng, tokens)
    return b"\n".join(mark.join(row) for row in rows)


def of_zip(data: bytes, rng: random.Random, tokens: Sequence[str]) -> bytes:
    """Return a zip archive, such as an xlsx file, with a member changed."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(item.filename, archive.read(item)) for item in archive.infolist()]
    at = rng.randrange(len(members))
    name, content = members[at]
    draw = rng.randrange(10)
    if draw == 0:
        del members[at]
    elif draw == 1:
        members.append(
            (rng.choice(("../x.csv", "a\x00.csv", name, "", "/x.csv", "b.csv")), content)
        )
    else:
        change = of_xml if content[:1] == b"<" else of_csv
        members[at] = (name, (change if draw > 3 else of_bytes)(content, rng, tokens))
    packed = io.BytesIO()
    kinds = (
        zipfile.ZIP_STORED,
        zipfile.ZIP_DEFLATED,
        zipfile.ZIP_DEFLATED,
        zipfile.ZIP_BZIP2,
        zipfile.ZIP_LZMA,
    )
    with zipfile.ZipFile(packed, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two members of one name are meant
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=rng.choice(kinds))
    return packed.getvalue()


def of_tar(data: bytes, rng: random.Random, tokens: Sequence[str]) -> bytes:
    """Return a tar.gz archive changed within its packing: headers, members and their content."""
    whole = bytearray(gzip.decompress(data))
    if rng.random() < 0.5:
        whole = bytearray(of_bytes(bytes(whole), rng, tokens))
    else:
        block = rng.randrange(max(len(whole) // 512, 1)) * 512
        at = min(block + rng.choice((0, 100, 124, 136, 148, 156, 157, 257, 345)), len(whole) - 1)
        whole[at] = rng.choice((0, 0x30, 0x31, 0x35, 0x37, 0x4C, 0x53, 0x67, 0x78, 0x80, 0xFF))
        if rng.random() < 0.7 and block + 512 <= len(whole):
            header = whole[block : block + 512]
            header[148:156] = b" " * 8
            whole[block + 148 : block + 156] = b"%06o\x00 " % (sum(header) % 2**18)
    return gzip.compress(bytes(whole), mtime=0)


_OWN: dict[str, Mutator] = {
    "json": of_json, "xml": of_xml, "csv": of_csv, "yaml": of_yaml, "zip": of_zip, "tar": of_tar,
}  # fmt: skip
