"""Several compute servers behind one name: calls go round, one that has gone is left out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import grpc
import numpy as np
import pytest
from compute_process import compute_at_work

from learnda import Client
from learnda.v1 import assimilation_pb2 as pb
from learnda.v1.assimilation_pb2_grpc import AssimilationServiceStub

CALLS = 6
SEEN = {"sites": [0, 2], "variances": 0.5, "method": "etkf", "seed": 1}


class Two:
    """Two servers, each of which may be ended."""

    def __init__(self) -> None:
        self._ends = [ExitStack(), ExitStack()]
        key = {"LEARNDA_STATE_KEY": "a key that both servers are started with"}
        self.addresses = [end.enter_context(compute_at_work(**key)) for end in self._ends]
        self.name = "ipv4:" + ",".join(self.addresses)
        """For gRPC's own resolver, as a name with two addresses would be."""

    def end(self, which: int) -> None:
        self._ends[which].close()

    def analyses(self, which: int) -> int:
        """How many that one has computed."""
        with grpc.insecure_channel(self.addresses[which]) as channel:
            stub = AssimilationServiceStub(channel)  # type: ignore[no-untyped-call]
            return int(stub.GetServerInfo(pb.GetServerInfoRequest()).activity.analysis_count)


@pytest.fixture
def two() -> Iterator[Two]:
    two = Two()
    try:
        yield two
    finally:
        two.end(0)
        two.end(1)


def test_calls_go_round_and_a_session_outlives_its_server(two: Two) -> None:
    ensemble = np.random.default_rng(6).normal(3, 1, (5, 4))
    y = [2.5, 3.5]
    with Client(two.name) as client:
        for _ in range(10 * CALLS):  # until the second connection is there
            client.analyze(ensemble, y, **SEEN)
            counts = [two.analyses(0), two.analyses(1)]
            if min(counts):
                break
        for _ in range(CALLS):
            client.analyze(ensemble, y, **SEEN)
        assert [two.analyses(k) - counts[k] for k in (0, 1)] == [CALLS // 2, CALLS // 2]

        with client.session(5, 4, **{k: SEEN[k] for k in ("method", "seed")}) as session:
            before = two.analyses(0)
            first = session.cycle(ensemble, y, sites=[0, 2], variances=0.5)
            whose = 0 if two.analyses(0) > before else 1
        expected = np.array(client.analyze(first.ensemble, y, cycle=1, **SEEN).ensemble)
        two.end(whose)
        for _ in range(CALLS):
            client.analyze(ensemble, y, **SEEN)
        with client.session(5, 4, method="etkf", state=first.state) as session:
            second = session.cycle(first.ensemble, y, sites=[0, 2], variances=0.5)
        assert second.number == 1
        np.testing.assert_array_equal(second.ensemble, expected)
