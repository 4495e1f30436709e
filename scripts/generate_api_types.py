"""Generate web/src/api/schema.ts from the API's document, or with --check say whether it is stale.

The document is the application's own; nothing is started for it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from gateway.app import create_app
from gateway.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
GENERATED = ROOT / "web" / "src" / "api" / "schema.ts"
GENERATOR = (
    ROOT / "scripts" / "node.sh",
    "node_modules/.bin/openapi-typescript",
    "--default-non-nullable=false",  # what has a default may be left out
)


def generate() -> str:
    """The types of everything that the document declares."""
    document = create_app(Settings(database_url="")).openapi()
    made = subprocess.run(
        GENERATOR, input=json.dumps(document), stdout=subprocess.PIPE, text=True, check=True
    )
    return made.stdout


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when stale")
    check = parser.parse_args().check
    types = generate()
    if not check:
        GENERATED.write_text(types)
        return 0
    if GENERATED.exists() and GENERATED.read_text() == types:
        return 0
    print(f"stale: {GENERATED.relative_to(ROOT)}; run `make types`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
