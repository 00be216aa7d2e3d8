"""Run every benchmark, or those named: `python -m tests.benchmarks [name ...]`."""

import importlib
import sys
from pathlib import Path


def main() -> None:
    """Import each benchmark module and call its `main`."""
    known = sorted(
        path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_")
    )
    chosen = _named(sys.argv[1:]) or known
    unknown = sorted(set(chosen) - set(known))
    if unknown:
        sys.exit(f"No benchmark {', '.join(unknown)}; known are {', '.join(known)}.")
    for name in chosen:
        importlib.import_module(f"tests.benchmarks.{name}").main()


def _named(words: list[str]) -> list[str]:
    """Return the words before the first option: options belong to the benchmark named last."""
    options = (place for place, word in enumerate(words) if word.startswith("-"))
    return words[: next(options, len(words))]


if __name__ == "__main__":
    main()
