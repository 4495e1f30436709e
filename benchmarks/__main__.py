"""Run the benchmarks, each in a process of its own, print their tables, write one JSON file.

    python -m benchmarks                       all of them
    python -m benchmarks peers integration     these

The JSON goes to .cache/bench/. What a part could not do stands in its table; the exit status is 1
when a part failed. A missed target is no failure: it is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import process
from benchmarks.figures import Row, table

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / ".cache" / "bench"
PARTS = ("stack", "peers", "integration", "scaling", "gateway", "calls", "gpu")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="*", help=f"of {', '.join(PARTS)}; none: all")
    parts = parser.parse_args().part or list(PARTS)
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)} (choose from {', '.join(PARTS)})")

    written: dict[str, Any] = {"machine": _machine(), "parts": {}}
    failed = []
    for part in parts:
        print(f"{part} …", file=sys.stderr, flush=True)
        began = time.perf_counter()
        try:
            title, rows = process.run(part)
        except Exception as error:  # the other parts are still of use
            failed.append(part)
            title, rows = "failed", [Row("failed", note=f"{type(error).__name__}: {error}")]
        seconds = time.perf_counter() - began
        print(f"\n{part}: {title} ({seconds:.0f} s)\n{table(rows)}", flush=True)
        written["parts"][part] = {"seconds": seconds, "rows": [row.as_json() for row in rows]}

    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{'bench' if len(parts) == len(PARTS) else '-'.join(parts)}.json"
    path.write_text(json.dumps(written, indent=1, ensure_ascii=False))
    print(f"\nWritten: {path.relative_to(ROOT)}")
    return 1 if failed else 0


def _machine() -> dict[str, Any]:
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
    }


if __name__ == "__main__":
    sys.exit(main())
