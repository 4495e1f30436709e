"""Any JSON becomes an experiment or a proper refusal; an experiment repeats itself."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from learnda import wire
from learnda.cost import Limits
from learnda.declarations import Methods
from learnda.experiment import Experiment
from learnda.fields import LIST_FIELDS, RUN_FIELDS
from learnda.validation import RequestError, resolve

LIMITS = Limits()

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.integers(-3, 60),
    st.floats(allow_nan=True),
    st.floats(0, 50),
    st.sampled_from([10**400, 1e308, 5e-324, -0.0, 2**53, 2**31, float("inf")]),
    st.text(max_size=12),
    st.sampled_from(["box", "none", "random", "float32", "enkf", "letkf", "perturbed-truth"]),
)
junk = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)
names = [f.name for f in RUN_FIELDS] + [f.name for f in LIST_FIELDS]
params = junk | st.dictionaries(
    st.sampled_from(["r", "taper", "inf_fact", "rotate", "lag", "x"]), junk, max_size=4
)
instances = junk | st.fixed_dictionaries(
    {
        "id": scalars | st.text(min_size=1, max_size=5),
        "name": st.sampled_from(["enkf", "letkf", "adaptive", "free-run", "other"]) | scalars,
    },
    optional={"label": scalars, "params": params},
)
bodies = junk | st.fixed_dictionaries(
    {"methods": junk | st.lists(instances, max_size=3)},
    optional=dict.fromkeys([*names, "other"], junk),
)

positive = st.floats(1e-6, 1e3)
valid_params = {
    "enkf": st.fixed_dictionaries({}, optional={"inf_fact": positive, "rotate": st.booleans()}),
    "letkf": st.fixed_dictionaries({}, optional={"inf_fact": positive, "r": st.integers(1, 1)})
    | st.fixed_dictionaries(
        {"taper": st.sampled_from(["gaspari-cohn", "gaussian"]), "r": st.floats(0.01, 4)}
    )
    | st.just({"taper": "none"}),
    "adaptive": st.fixed_dictionaries({}, optional={"lag": st.integers(0, 8)}),
    "free-run": st.just({}),
}


@st.composite
def valid_bodies(draw: st.DrawFn) -> dict[str, Any]:
    n = draw(st.integers(4, 60))
    body: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "ensemble_size": st.integers(2, 50),
                "std_obs": positive,
                "end_time": positive,
                "inf_fact": positive,
                "lorenz96_F": st.floats(-1000, 1000),
                "seed": st.integers(0, 2**53 - 1),
                "replicates": st.integers(1, 20),
                "initial": st.just("climatology"),
                "obs_operator": st.sampled_from(["identity", "square", "absolute", "log"]),
                "truth_noise": st.floats(0, 10),
                "forecast_F": st.floats(-1000, 1000),
                "forecast_leads": st.integers(0, 5),
                "record_states": st.booleans(),
                "burn_in": st.floats(0, 1e3),
                "precision": st.sampled_from(["float64", "float32"]),
            },
        )
    )
    body["lorenz96_n"] = n
    if draw(st.booleans()):
        body |= {"initial": "perturbed-truth", "initial_std": draw(positive)}
    if draw(st.booleans()):
        body |= {"obs_error": "student", "obs_error_dof": draw(st.floats(2.1, 50))}
    elif draw(st.booleans()):
        body["obs_error_correlation"] = draw(st.floats(0, 10))
    if draw(st.booleans()):
        body.pop("std_obs", None)
        body["std_obs_sites"] = draw(st.lists(positive, min_size=n, max_size=n))
    body["obs_freq"] = draw(st.floats(1e-2, 10))
    if draw(st.booleans()):
        body["dt"] = body["obs_freq"] / draw(st.integers(1, 1000))
    if draw(st.booleans()):
        body["obs_sites"] = draw(st.lists(st.integers(0, n - 1), min_size=1, unique=True))
    elif draw(st.booleans()):
        body["m"] = draw(st.integers(1, n))
        body["obs_network"] = draw(st.sampled_from(["random", "fixed", "regular"]))
    able = set(valid_params)
    if body.get("obs_error_correlation") or body.get("obs_operator", "identity") != "identity":
        able.remove("adaptive")  # which refuses them
    chosen = draw(st.lists(st.sampled_from(sorted(able)), min_size=1, max_size=3))
    body["methods"] = [
        {"id": str(i), "name": name, "label": "L", "params": draw(valid_params[name])}
        for i, name in enumerate(chosen)
    ]
    return body


def resolve_again(body: object, methods: Methods) -> Experiment:
    """Nothing may be drawn: what was resolved holds its seed."""
    return resolve(body, methods, limits=LIMITS, draw_seed=lambda: 1 // 0)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(body=bodies)
def test_any_json_is_resolved_or_refused(methods: Methods, body: object) -> None:
    try:
        outcome: Experiment | RequestError = resolve(
            body, methods, limits=LIMITS, draw_seed=lambda: 7
        )
    except RequestError as refusal:
        outcome = refusal
    if isinstance(outcome, RequestError):
        assert outcome.problems
        assert all(p.field and p.message for p in outcome.problems)
        assert json.dumps([p.field + p.message for p in outcome.problems]).isascii()
    else:
        assert resolve_again(outcome.request(), methods) == outcome


@settings(max_examples=200, deadline=None, derandomize=True)
@given(body=valid_bodies())
def test_an_experiment_repeats_itself_in_json_and_in_protobuf(
    methods: Methods, body: dict[str, Any]
) -> None:
    experiment = resolve(body, methods, limits=LIMITS, draw_seed=lambda: 7)
    request = experiment.request()
    assert resolve_again(request, methods) == experiment
    assert resolve_again(json.loads(json.dumps(request)), methods) == experiment
    sent = wire.request_to_proto(request).SerializeToString()
    received = wire.pb.RunExperimentRequest.FromString(sent)
    assert resolve_again(wire.request_from_proto(received), methods) == experiment
    unresolved = wire.request_from_proto(wire.request_to_proto(body))
    assert resolve(unresolved, methods, limits=LIMITS, draw_seed=lambda: 7) == experiment
