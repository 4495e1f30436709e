"""What goes through protobuf comes back the same, and what is hostile stays to be refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from google.protobuf.struct_pb2 import Struct

from learnda import wire
from learnda.cost import Limits
from learnda.declarations import Methods
from learnda.experiment import Experiment
from learnda.fields import LIST_FIELDS, RUN_FIELDS
from learnda.v1 import assimilation_pb2 as pb
from learnda.validation import InvalidRequest, resolve


def test_every_field_of_a_run_is_in_the_proto() -> None:
    carried = {wire.contract_name(field) for field in pb.Experiment.DESCRIPTOR.fields}
    assert carried == {field.name for field in (*RUN_FIELDS, *LIST_FIELDS)}


def test_every_choice_is_an_enum_value_and_back() -> None:
    for field in RUN_FIELDS:
        for choice in field.choices:
            request = wire.request_to_proto({field.name: choice})
            assert wire.request_from_proto(request) == {field.name: choice, "methods": []}


def test_declarations_come_back(methods: Methods) -> None:
    sent = wire.methods_to_proto(methods.values()).SerializeToString()
    received = pb.ListMethodsResponse.FromString(sent)
    assert [method.name for method in received.methods] == sorted(methods)
    assert wire.methods_from_proto(received) == methods
    lag = wire.methods_from_proto(received)["adaptive"].parameter("lag")
    assert lag is not None
    assert type(lag.default) is int


def test_an_empty_message_with_one_method_runs(methods: Methods) -> None:
    request = pb.RunExperimentRequest(methods=[pb.MethodInstance(id="a", name="enkf")])
    experiment = resolve(
        wire.request_from_proto(request), methods, limits=Limits(), draw_seed=lambda: 7
    )
    assert (experiment.ensemble_size, experiment.methods[0].label) == (20, "enkf")


def test_a_resolved_experiment_as_a_message(resolved: Callable[..., Experiment]) -> None:
    message = wire.experiment_to_proto(resolved(initial="perturbed-truth", lorenz96_F=-3))
    assert message.initial == pb.INITIAL_PERTURBED_TRUTH
    assert message.lorenz96_f == -3
    assert (message.m, message.obs_network) == (32, pb.OBS_NETWORK_RANDOM)
    with_sites = wire.experiment_to_proto(resolved(obs_sites=[3, 1]))
    assert list(with_sites.obs_sites) == [3, 1]
    assert not with_sites.HasField("m")


def hostile_params() -> Struct:
    params = Struct()
    params.fields["inf_fact"].number_value = float("nan")
    params.fields["rotate"].list_value.values.add().struct_value.fields["x"].null_value = 0
    params.fields["unset"].SetInParent()
    return params


def test_hostile_messages_are_refused_by_name(methods: Methods) -> None:
    request = pb.RunExperimentRequest(
        experiment=pb.Experiment(
            std_obs=float("nan"), ensemble_size=-(2**63), obs_network=17, model=""
        ),
        methods=[pb.MethodInstance(name="enkf", label="a\0", params=hostile_params())],
    )
    with pytest.raises(InvalidRequest) as caught:
        resolve(wire.request_from_proto(request), methods, limits=Limits(), draw_seed=lambda: 7)
    assert {problem.field for problem in caught.value.problems} == {
        "std_obs",
        "ensemble_size",
        "obs_network",
        "model",
        "methods.0.id",
        "methods.0.label",
        "methods.0.params.inf_fact",
        "methods.0.params.rotate",
        "methods.0.params.unset",
    }


@pytest.mark.parametrize("size", [0, 1, wire.CHECKPOINT_PART, wire.CHECKPOINT_PART * 2 + 7])
def test_a_checkpoint_is_cut_and_joined(size: int) -> None:
    data = bytes(i % 251 for i in range(size))
    parts = list(wire.checkpoint_parts(12, data))
    assert all(len(part.SerializeToString()) <= 1_000_000 for part in parts)
    assert wire.join_checkpoint(parts) == data
    if len(parts) > 1:
        for broken in (parts[1:], parts[:-1], parts[::-1], [parts[0], parts[0], parts[2]]):
            with pytest.raises(wire.BrokenCheckpoint):
                wire.join_checkpoint(broken)
