"""docs/grpc.md: its examples work through reflection, its reasons and limits are the server's."""

from __future__ import annotations

import base64
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compute import failures
from compute.analyses.calls import UNARY_BYTES
from compute.settings import ServerSettings
from learnda.cost import Limits
from learnda.tensors import PART_BYTES

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "grpc.md").read_text(encoding="utf-8")
CALLS = [
    shlex.split(call)
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for call in re.split(r"\n(?=grpcurl)", block.strip())
]


def through_reflection(call: list[str], address: str) -> str:
    """What `buf curl` gets for a call that is written for grpcurl."""
    assert call[:2] == ["grpcurl", "-plaintext"]
    assert call[-2] == "localhost:50051"
    buf = str(Path(sys.executable).parent / "buf")
    common = [buf, "curl", "--protocol", "grpc", "--http2-prior-knowledge"]
    if call[-1] == "list":
        command = [*common, "--list-services", f"http://{address}"]
    else:
        data = ["--data", call[call.index("-d") + 1]] if "-d" in call else []
        command = [*common, "--reflect", *data, f"http://{address}/{call[-1]}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def answers(text: str) -> list[dict[str, Any]]:
    """The JSON documents of an answer, one behind the other."""
    found, at, decoder = [], 0, json.JSONDecoder()
    while at < len(text.rstrip()):
        document, at = decoder.raw_decode(text, at)
        found.append(document)
        at += len(text[at:]) - len(text[at:].lstrip())
    return found


def name_of(call: list[str]) -> str:
    return call[-1].rpartition("/")[2]


@pytest.mark.parametrize("call", CALLS, ids=name_of)
def test_an_example_works_through_reflection(call: list[str], compute_address: str) -> None:
    said = through_reflection(call, compute_address)
    if name_of(call) == "list":
        assert "learnda.v1.AssimilationService" in said.split()
        return
    found = answers(said)
    assert found
    match name_of(call):
        case "GetServerInfo":
            assert found[0]["server"]["versions"]["jax"]
        case "ListMethods":
            assert "letkf" in {method["name"] for method in found[0]["methods"]}
        case "RunExperiment":
            assert "started" in found[0]
            assert "completed" in found[-1]
        case "StreamNature":
            assert found[0]["started"]["stepCount"] == "6"
            assert sum(len(part["span"]["t"]) for part in found[1:]) == 6
        case "Analyze":
            assert found[0]["diagnostics"][0]["spreadAnalysis"] < 0.4
        case "Assimilate":
            assert found[0]["opened"]["setting"]["method"] == "etkf"
            assert found[1]["analysis"]["state"]["data"]
        case "Integrate":
            assert found[0]["started"]["trajectory"]["shape"] == ["2", "4"]
            assert "completed" in found[-1]


def test_every_call_has_an_example() -> None:
    rpcs = set(
        re.findall(r"rpc (\w+)\(", (ROOT / "proto/learnda/v1/assimilation.proto").read_text())
    )
    assert {name_of(call) for call in CALLS} == rpcs - {"AnalyzeInParts"} | {"list"}


def test_the_example_of_an_analysis_is_the_kalman_one() -> None:
    """The numbers in its base64 are those of the text."""
    call = next(call for call in CALLS if name_of(call) == "Analyze")
    request = json.loads(call[call.index("-d") + 1])
    seen = request["observations"]
    for field, value in (("values", 1.5), ("variances", 0.25)):
        assert np.frombuffer(_bytes(seen[field]["data"]), "<f8")[0] == value
    assert len(_bytes(request["ensemble"]["data"])) == 3 * 2 * 8


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)


def test_the_reasons_are_those_of_the_server() -> None:
    listed = dict(re.findall(r"^\| [A-Z_]+ \| `([A-Z_]+)` \| (.+) \|$", PAGE, re.MULTILINE))
    source = Path(failures.__file__).read_text(encoding="utf-8")
    raised = set(re.findall(r'"([A-Z]{4,}(?:_[A-Z]+)*)"', source)) - {"RESOURCE_EXHAUSTED"}
    assert set(listed) == raised
    documented = failures.__doc__ or ""
    assert all(reason in documented for reason in raised)


def test_the_limits_are_those_of_the_server() -> None:
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", PAGE, re.MULTILINE))
    settings, limits = ServerSettings(), Limits()
    assert rows["one message"] == f"{settings.max_message_bytes >> 20} MB"
    assert rows["request and answer of `Analyze`"] == f"{UNARY_BYTES // 10**6} MB"
    assert rows["a part"] == f"{PART_BYTES // 10**6} MB"
    assert rows["memory of one request at its peak"] == f"{limits.max_bytes >> 30} GiB"
    assert limits.max_operations == 1e14
    assert rows["operations of one request"] == "10¹⁴"
    assert limits.max_unbroken == 2e12
    assert rows["operations of one cycle, or of one analysis"] == "2 · 10¹²"
    assert rows["rows of one run"] == f"{limits.max_rows:,}"
    assert rows["sessions at a time"] == str(settings.max_sessions)
    assert rows["silence of an analysis' client"] == f"{settings.session_idle_seconds:g} s"
