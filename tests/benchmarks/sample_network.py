"""What it costs to generate a town, its history, its measurement files and its truth."""

import resource
import tempfile
import time
from pathlib import Path

from tasks.twin.sample_network import write_sample_network


def main() -> None:
    """Write a village and a town, and print CPU seconds, rows a second and peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("village", "town"):
            begun = time.process_time()
            manifest = write_sample_network(name, 7, Path(folder))
            spent = time.process_time() - begun
            rows = manifest.counts["measurement_rows"]
            size = sum(p.stat().st_size for p in manifest.folder.rglob("*") if p.is_file())
            cells = manifest.counts["cells"]
            days = manifest.parameters.days
            print(f"bench sample_network: {name} of {cells} cells, {days} days {spent:.1f} CPU-s")
            print(f"bench sample_network: {name} rows {rows / spent:.0f} rows/CPU-s")
            print(f"bench sample_network: {name} on disk {size / 1e6:.1f} MB")
        again = time.process_time()
        write_sample_network("town", 7, Path(folder))
        print(f"bench sample_network: town again {1000 * (time.process_time() - again):.1f} CPU-ms")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"bench sample_network: peak memory {peak:.0f} MiB")


if __name__ == "__main__":
    main()
