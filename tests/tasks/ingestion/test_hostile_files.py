import gzip
import time

import pytest

from tasks.ingestion.delivered_bytes import ReadingLimits, UnreadableFileError
from tests.tasks.ingestion.written import info, meaning, measurement_file, value

LIMITS = ReadingLimits(file_bytes=40 << 20, expansion=2000, piece_bytes=1 << 20)
_LAUGHS = "".join(f'<!ENTITY l{n} "&l{n - 1};&l{n - 1};&l{n - 1};">' for n in range(1, 60))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{_LAUGHS}]><x>&l59;</x>',
            "document type",
            id="billion laughs",
        ),
        pytest.param(
            '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><x>&e;</x>',
            "document type",
            id="external entity",
        ),
        pytest.param(
            '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><x/>', "document type", id="external DTD"
        ),
        pytest.param(
            '<!DOCTYPE x [<!ENTITY % e SYSTEM "file:///etc/hostname"> %e;]><x/>',
            "document type",
            id="parameter entity",
        ),
        pytest.param(
            measurement_file().replace("<measData>", "<measData>" + "<a>" * 10_000_000),
            "nested more than",
            id="ten million deep",
        ),
        pytest.param(
            measurement_file().replace("<measData>", f'<measData x="{"a" * (3 << 20)}">'),
            "longer than",
            id="huge attribute",
        ),
        pytest.param(
            measurement_file().replace("<measData>", f"<measData><!-- {'> ' * (4 << 20)} -->"),
            "longer than",
            id="huge comment",
        ),
        pytest.param(
            measurement_file(info(["a"], value("X=1", [(1, "9" * (3 << 20))]))),
            "longer than",
            id="huge value",
        ),
        pytest.param(
            measurement_file(info([f"c{n}" for n in range(30_000)], "")),
            "more than 20,000 measurement types",
            id="endless types",
        ),
    ],
)
def test_a_file_made_to_hurt_is_refused_at_little_cost(text, reason):
    begun = time.process_time()
    with pytest.raises(UnreadableFileError) as refusal:
        meaning(text, LIMITS)
    assert reason in refusal.value.reason
    assert time.process_time() - begun < 20  # endless otherwise


@pytest.mark.parametrize(
    ("damaged", "reason"),
    [
        pytest.param(lambda packed: packed[:-9], "cut off", id="truncated"),
        pytest.param(lambda packed: packed[:20], "cut off", id="hardly begun"),
        pytest.param(
            lambda packed: packed[:60] + b"\xff\xff\xff\xff" + packed[64:], "damaged", id="damaged"
        ),
        pytest.param(lambda packed: packed[:-8] + b"\0" * 8, "damaged", id="wrong checksum"),
        pytest.param(lambda packed: packed + b"more", "follows the end", id="something behind"),
        pytest.param(lambda packed: packed[:2], "cut off", id="two bytes"),
    ],
)
def test_a_damaged_gzip_file_is_refused_and_says_so(damaged, reason):
    text = measurement_file(info(["a"], value("X=1", [(1, "1")])))
    with pytest.raises(UnreadableFileError) as refusal:
        meaning(damaged(gzip.compress(text.encode())))
    assert reason in refusal.value.reason


def test_padding_behind_a_gzip_stream_is_harmless():
    packed = gzip.compress(measurement_file(info(["a"], value("X=1", [(1, "1")]))).encode())
    assert len(meaning(packed + b"\0" * 512)[1]) == 1


def bomb(megabytes):
    """Return a packed file whose values unpack to so many MB."""
    start, end = measurement_file(info(["a"], "@")).encode().split(b"@")
    values = value("X=1", [(1, "1")] * 1000).encode() * (megabytes * 40)
    return gzip.compress(start + values + end, 6)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        pytest.param(LIMITS, "larger than 41,943,040 bytes when unpacked", id="by size"),
        pytest.param(ReadingLimits(expansion=100), "100 times its size", id="by ratio"),
    ],
)
def test_a_gzip_bomb_is_not_unpacked_to_its_end(limits, reason):
    with pytest.raises(UnreadableFileError, match=reason):
        meaning(bomb(80), limits)


def test_objects_and_types_that_would_fill_memory_as_a_table_come_in_parts():
    types = [f"c{n}" for n in range(15_000)]
    values = "".join(value(f"X={n}", [(n % 15_000 + 1, "1")]) for n in range(3_000))
    _, blocks, findings = meaning(measurement_file(info(types, values)))
    assert max(block.numbers.size for block in blocks) <= 4_000_000
    assert sum(len(block.objects) for block in blocks) == 3_000
    assert findings == []
