"""StreamNature as an exchange: what one replicate of an experiment is made of. Pure."""

from __future__ import annotations

from typing import cast

import numpy as np
import xarray as xr
from google.protobuf.message import Message

from learnda import metadata, wire
from learnda.client.arrays import Incoming
from learnda.client.dataset import attributes, variable
from learnda.client.events import server_of
from learnda.client.exchange import Exchange
from learnda.experiment import Experiment
from learnda.v1 import assimilation_pb2 as pb

TITLE = "Truth, observations and first ensemble of a twin experiment on Lorenz-96"
_OF_SPAN = {
    "truth": (("time", "site"), "truth"),
    "sites": (("time", "observation"), "sites that are observed"),
    "values": (("time", "observation"), "what is observed at the sites"),
}


def nature(experiment: Experiment, replicate: int) -> Exchange[xr.Dataset]:
    """The call."""
    request = pb.StreamNatureRequest(
        experiment=wire.experiment_to_proto(experiment), replicate=replicate
    )
    return Exchange("StreamNature", [request], _Reader(replicate))


class _Reader:
    def __init__(self, replicate: int) -> None:
        self._replicate = replicate
        self._started = pb.NatureStarted()
        self._times: list[float] = []
        self._gathered: list[Incoming] = []
        """First that of `started`, then that of each span."""

    def take(self, message: Message) -> None:
        answer = cast(pb.StreamNatureResponse, message)
        match answer.WhichOneof("event"):
            case "started":
                self._started = answer.started
                self._gathered.append(Incoming(answer.started))
            case "span":
                self._times.extend(answer.span.t)
                self._gathered.append(Incoming(answer.span))
            case "part":
                self._gathered[-1].take(answer.part)
            case _:
                pass

    def result(self) -> xr.Dataset:
        first, *spans = (gathered.arrays() for gathered in self._gathered)
        request = wire.request_from_proto(
            pb.RunExperimentRequest(experiment=self._started.experiment)
        )
        del request["methods"]
        data = {
            name: variable(dimensions, np.concatenate([span[name] for span in spans]), long_name)
            for name, (dimensions, long_name) in _OF_SPAN.items()
        }
        data["ensemble"] = variable(
            ("member", "site"), first["ensemble"], "first ensemble: the background of step 0"
        )
        dataset = xr.Dataset(
            data,
            coords={"time": variable("time", np.array(self._times), metadata.TIME)},
            attrs=attributes(TITLE, request, server_of(self._started.server)),
        )
        return dataset.rename({"values": "observations"}).assign_attrs(replicate=self._replicate)
