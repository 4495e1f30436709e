"""What an example of another language is held to: its two programs, on a real server."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from learnda.tensors import PART_BYTES
from learnda.v1 import assimilation_pb2 as pb
from learnda.v1.assimilation_pb2_grpc import AssimilationServiceStub

SERIES = ("rmse_background", "rmse_analysis")
CYCLES, MEMBERS, SEED = 40, 15, 5
PARAMS = {"r": 3, "inf_fact": 1.04}
OPTIONS = {
    "cycles": CYCLES,
    "members": MEMBERS,
    "seed": SEED,
    "radius": PARAMS["r"],
    "inf-fact": PARAMS["inf_fact"],
}
ROUNDING = 1e-9
"""Relative. Two programs of one model differ in the last bit of a step. While the errors fall from
4 to 0.004 that grows a thousandfold, relative to them. Then it stays at some 1e-12: a filter that
follows its observations forgets differences. A free run would double them every four cycles."""


def series_of_the_service(address: str) -> dict[str, list[float]]:
    """Of the same experiment, as `RunExperiment` tells them."""
    method = pb.MethodInstance(id="letkf", name="letkf")
    method.params.update(PARAMS)
    setting = pb.Experiment(
        ensemble_size=MEMBERS, seed=SEED, obs_freq=0.1, end_time=(CYCLES - 1) * 0.1
    )
    request = pb.RunExperimentRequest(experiment=setting, methods=[method])
    told: dict[str, list[float]] = {name: [] for name in SERIES}
    with grpc.insecure_channel(address) as channel:
        for event in AssimilationServiceStub(channel).RunExperiment(request):
            for name in SERIES:
                told[name] += getattr(event.progress.replicates, name)
    assert len(told["rmse_analysis"]) == CYCLES
    return told


class Programs:
    """The two programs of an example."""

    def __init__(self, command: Sequence[str], suffix: str) -> None:
        """``{command} {name}{suffix}`` runs one."""
        self._command = [str(part) for part in command]
        self._suffix = suffix

    def start(
        self, name: str, address: str, options: dict[str, Any], **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run one to its end."""
        last = self._command[-1] + name + self._suffix
        given = [f"--{key}={value}" for key, value in options.items()]
        return subprocess.run(
            [*self._command[:-1], last, *given],
            env={**os.environ, "LEARNDA_COMPUTE_ADDRESS": address, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def lines(self, name: str, address: str, **options: Any) -> list[dict[str, Any]]:
        """What one that must succeed prints, a line a cycle."""
        ended = self.start(name, address, {**OPTIONS, **options})
        assert ended.returncode == 0, ended.stderr
        return [json.loads(line) for line in ended.stdout.splitlines()]


class ExampleTests:
    """The tests; a class of a test module names the programs."""

    programs: Programs

    def test_an_experiment_prints_what_the_service_tells(self, compute_address: str) -> None:
        lines = self.programs.lines("experiment", compute_address)
        expected = series_of_the_service(compute_address)
        assert [line["cycle"] for line in lines] == list(range(CYCLES))
        np.testing.assert_allclose([line["t"] for line in lines], np.arange(CYCLES) * 0.1)
        for name in SERIES:
            assert [line[name] for line in lines] == expected[name]

    def test_a_model_of_ones_own_meets_the_same_errors(self, compute_address: str) -> None:
        lines = self.programs.lines("assimilate", compute_address)
        expected = series_of_the_service(compute_address)
        assert [line["cycle"] for line in lines] == list(range(CYCLES))
        for name in SERIES:
            told = [line[name] for line in lines]
            np.testing.assert_allclose(told, expected[name], rtol=ROUNDING)
        assert lines[-1]["rmse_analysis"] < 0.01 < lines[0]["rmse_analysis"]

    def test_a_large_ensemble_comes_and_goes_in_parts(self, compute_address: str) -> None:
        large = {"members": 4000, "cycles": 2}
        assert large["members"] * 40 * 8 > PART_BYTES
        own = self.programs.lines("assimilate", compute_address, **large)
        theirs = self.programs.lines("experiment", compute_address, **large)
        for name in SERIES:
            told, expected = ([line[name] for line in lines] for lines in (own, theirs))
            np.testing.assert_allclose(told, expected, rtol=ROUNDING)

    def test_a_session_goes_on_where_it_was_stopped(
        self, compute_address: str, tmp_path: Path
    ) -> None:
        whole = self.programs.lines("assimilate", compute_address)
        kept = tmp_path / "answer"
        first = self.programs.lines("assimilate", compute_address, until=12, save=kept)
        second = self.programs.lines("assimilate", compute_address, resume=kept)
        assert [line["cycle"] for line in first] == list(range(12))
        assert first + second == whole

    @pytest.mark.parametrize(
        ("program", "field"),
        [("experiment", "methods.0.params.r"), ("assimilate", "setting.params.r")],
    )
    def test_a_refusal_names_the_field(
        self, program: str, field: str, compute_address: str
    ) -> None:
        ended = self.programs.start(program, compute_address, {"radius": 99})
        assert ended.returncode == 1
        assert ended.stdout == ""
        assert f"\n  {field}: must be at most 19" in ended.stderr

    def test_a_guarded_server_is_reached_with_token_and_certificate(
        self, guarded: str, token: str, authority: Path
    ) -> None:
        options = {"cycles": 2, "tls": authority}
        ended = self.programs.start("assimilate", guarded, options, LEARNDA_TOKEN=token)
        assert ended.returncode == 0, ended.stderr
        assert len(ended.stdout.splitlines()) == 2
        stranger = self.programs.start("assimilate", guarded, options)
        assert stranger.returncode == 1
        assert "a token is needed" in stranger.stderr
