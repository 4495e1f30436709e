"""Generate learnda/v1/*_pb2* from proto/, or with --check say whether they are stale.

The package of a .proto file is the path of its Python module, so no import is rewritten.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
GENERATED = ("*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py")


def generate(target: Path) -> None:
    """Write the modules of every .proto file below ``target``."""
    well_known = resources.files("grpc_tools") / "_proto"
    sources = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
    code = protoc.main(
        [
            "protoc",
            f"--proto_path={PROTO}",
            f"--proto_path={well_known}",
            f"--python_out={target}",
            f"--pyi_out={target}",
            f"--grpc_python_out={target}",
            *sources,
        ]
    )
    if code:
        raise SystemExit(code)


def contents(base: Path) -> dict[str, bytes]:
    """Every generated file below ``base/learnda``, by its path."""
    return {
        str(path.relative_to(base)): path.read_bytes()
        for pattern in GENERATED
        for path in (base / "learnda").rglob(pattern)
    }


def stale() -> list[str]:
    """Committed files that differ from what the sources give: changed, missing or left over."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        fresh = contents(Path(folder))
    committed = contents(ROOT)
    return sorted(
        name for name in fresh.keys() | committed.keys() if fresh.get(name) != committed.get(name)
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when stale")
    if not parser.parse_args().check:
        for name in set(contents(ROOT)):
            (ROOT / name).unlink()
        generate(ROOT)
        return 0
    differing = stale()
    for name in differing:
        print(f"stale: {name}; run `make proto`", file=sys.stderr)
    return 1 if differing else 0


if __name__ == "__main__":
    raise SystemExit(main())
