"""What every filter of the registry must be: a new file in `compute/filters` is tested here."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import QUICK, Problem, defaults

from compute import filters
from compute.diagnosis import SERIES
from compute.filters import REGISTRY, Filter, enkf
from compute.inflation import rotate
from compute.localization import Localization, RingLocalization
from compute.observing import ObservationError
from compute.registry import declarations
from learnda.cost import Limits
from learnda.validation import InvalidRequest, UnknownMethod, resolve

Numbers = tuple[jax.Array, ...]
"""A key, an ensemble, sites, observations and standard deviations."""


def tapers(entry: Filter) -> tuple[str, ...]:
    """The tapers a filter can have; without any, "box" where it has a radius, or else "none"."""
    taper = entry.declaration.parameter("taper")
    if taper is not None:
        return taper.choices
    return ("box",) if entry.declaration.parameter("r") else ("none",)


CASES = [(name, taper) for name, entry in REGISTRY.items() for taper in tapers(entry)]
BRANCHES = [case for case in CASES if case[1] in ("none", tapers(REGISTRY[case[0]])[0])]
"""Every filter with one of its tapers, and without where it can go without."""
over_all = pytest.mark.parametrize(("name", "taper"), CASES)
over_branches = pytest.mark.parametrize(("name", "taper"), BRANCHES)
over_names = pytest.mark.parametrize("name", REGISTRY)
RADIUS = 2


def numbers(problem: Problem, dtype: str = "float64") -> Numbers:
    values = (problem.ensemble, problem.sites, problem.y, problem.std)
    kinds = (dtype, "int32", dtype, dtype)
    return (problem.key, *(jnp.asarray(v, k) for v, k in zip(values, kinds, strict=True)))


def analysis_of(name: str, taper: str, n: int) -> Callable[..., tuple[jax.Array, dict[str, Any]]]:
    """The pure function of the numbers."""
    window = Problem.window(taper, RADIUS, n)

    def analyse(key: Any, ensemble: Any, sites: Any, y: Any, std: Any) -> Any:
        ring = RingLocalization(taper, jnp.asarray(RADIUS, std.dtype), window, n, sites)
        parameters = {
            k: jnp.asarray(v, std.dtype) if type(v) in (int, float) else v
            for k, v in {**defaults(name), "taper": taper, "inf_fact": 1.0}.items()
        }
        error = ObservationError(std)
        return REGISTRY[name].analyse(key, ensemble, ensemble[:, sites], y, error, ring, parameters)

    return analyse


@cache
def program(name: str, taper: str, n: int) -> Callable[..., tuple[jax.Array, dict[str, Any]]]:
    """The same, compiled; most tests have one shape and share a program."""
    return jax.jit(analysis_of(name, taper, n), compiler_options=QUICK)


def analyse(name: str, taper: str, problem: Problem) -> np.ndarray:
    return np.asarray(program(name, taper, problem.n)(*numbers(problem))[0])


@pytest.fixture
def problem(random: np.random.Generator) -> Problem:
    """Eight members, twelve sites, nine of them observed."""
    return Problem(random, 8, 12, 9)


# ---------------------------------------------------------------- the file


@over_names
def test_its_file_is_of_the_one_shape(name: str) -> None:
    module = importlib.import_module(REGISTRY[name].analyse.__module__)
    assert name == module.METHOD.name == module.__name__.split(".")[-1].replace("_", "-")
    arguments = inspect.signature(module.analyse).parameters
    assert list(arguments) == [
        *("key", "ensemble", "observed", "y", "error", "localization", "parameters"),
    ]
    assert module.SYMMETRIES.issubset({"shift", "permutation"})
    assert module.__doc__
    assert "Shapes: ensemble [N, n], observed [N, m], y [m]" in (module.analyse.__doc__ or "")
    path = Path(module.__file__ or "")
    assert path.parent == Path(filters.__file__).parent
    assert len(path.read_text("utf-8").splitlines()) <= 130


@over_names
def test_it_says_what_it_is_and_who_wrote_it(name: str) -> None:
    method = REGISTRY[name].declaration
    assert re.search(r"\((19|20)\d\d[ab]?\)", method.reference)
    assert method.help.endswith((".", ")"))
    for parameter in method.parameters:
        assert parameter.label
        assert parameter.help
        condition = parameter.only_with
        if condition is not None:
            governing = method.parameter(condition.name)
            assert governing is not None
            assert set(condition.values) < set(governing.choices)


class Narrow:
    """What a `Localization` must have, of a ring, and nothing else of it."""

    def __init__(self, ring: RingLocalization) -> None:
        asked = (name for name in vars(Localization) if not name.startswith("_"))
        vars(self).update({name: getattr(ring, name) for name in asked})


@over_branches
def test_it_needs_a_ring_only_where_it_says_so(name: str, taper: str, problem: Problem) -> None:
    """Any other localisation will do for the rest, whatever else it may have."""
    entry = REGISTRY[name]
    ring = Narrow(problem.ring(taper, RADIUS))
    key, ensemble, sites, y, std = numbers(problem)
    arguments = (key, ensemble, ensemble[:, sites], y, ObservationError(std), ring)

    def analysis() -> jax.Array:
        return entry.analyse(*arguments, {**defaults(name), "taper": taper})[0]

    if not entry.needs_ring:
        assert jax.eval_shape(analysis).shape == ensemble.shape
        return
    with pytest.raises(AttributeError, match="'Narrow'"):
        jax.eval_shape(analysis)


# ---------------------------------------------------------------- what may be asked of it


def ask(name: str, params: dict[str, Any]) -> None:
    body = {"methods": [{"id": "a", "name": name, "params": params}]}
    resolve(body, declarations(), limits=Limits(), draw_seed=lambda: 7)


@over_names
def test_it_refuses_what_is_wrong(name: str) -> None:
    bad: list[tuple[str, dict[str, Any]]] = [("unknown", {"unknown": 1})]
    for p in REGISTRY[name].declaration.parameters:
        governed = {} if p.only_with is None else {p.only_with.name: p.only_with.values[0]}
        wrong: list[Any] = [None, [1], {}]
        wrong += ["none of them", 1, True] if p.type == "str" else ["1"]
        wrong += [1, 0.5] if p.type == "bool" else []
        if p.type in ("int", "float"):
            wrong += [True, float("nan"), float("inf")]
        if p.min is not None:
            wrong += [p.min - 1, *([p.min] if p.exclusive_min else [])]
        if p.max is not None:
            wrong.append(p.max + 1)
        bad += [(p.name, {**governed, p.name: value}) for value in wrong]
        if p.only_with is not None:
            governing = REGISTRY[name].declaration.parameter(p.only_with.name)
            assert governing is not None
            idle = next(c for c in governing.choices if c not in p.only_with.values)
            value = 1.5 if p.default is None else float(p.default) / 2
            bad.append((p.name, {governing.name: idle, p.name: value}))
    for field, params in bad:
        with pytest.raises(InvalidRequest) as refused:
            ask(name, params)
        assert f"methods.0.params.{field}" in {problem.field for problem in refused.value.problems}
    with pytest.raises(UnknownMethod):
        ask(f"{name}-x", {})


# ---------------------------------------------------------------- its numbers


@over_all
def test_the_analysis_has_the_ensembles_shape_and_is_finite(problem, name, taper):
    check(program(name, taper, 12)(*numbers(problem)), "float64")


@over_branches
def test_single_precision_stays_single(problem, name, taper):
    check(program(name, taper, 12)(*numbers(problem, "float32")), "float32")


def check(found: tuple[jax.Array, dict[str, jax.Array]], dtype: str) -> None:
    analysis, info = found
    assert (analysis.shape, analysis.dtype) == ((8, 12), jnp.dtype(dtype))
    assert np.isfinite(analysis).all()
    assert set(info) <= set(SERIES)
    for value in info.values():
        assert (value.shape, value.dtype) == ((), jnp.dtype(dtype))
        assert np.isfinite(value)


@over_branches
@pytest.mark.parametrize(("members", "n", "m"), [(2, 4, 3), (30, 6, 1), (8, 500, 500)], ids=str)
def test_it_is_finite_with_few_and_many_of_everything(random, name, taper, members, n, m):
    assert np.isfinite(analyse(name, taper, Problem(random, members, n, m))).all()


@over_branches
def test_many_replicates_at_once_are_each_alone(random, name, taper):
    """128 of them, on fewer threads than there are batches of matrices to decompose."""
    problems = [Problem(random, 8, 12, 9) for _ in range(128)]
    batch = [jnp.stack(part) for part in zip(*map(numbers, problems), strict=True)]
    together, _ = jax.jit(jax.vmap(analysis_of(name, taper, 12)), compiler_options=QUICK)(*batch)
    for i in (0, 77, 127):
        np.testing.assert_allclose(together[i], analyse(name, taper, problems[i]), atol=1e-6)


@over_branches
def test_a_rotation_after_it_keeps_mean_and_covariance(problem, name, taper):
    analysis = analyse(name, taper, problem)
    rotated = np.asarray(rotate(jax.random.key(1), jnp.asarray(analysis)))
    np.testing.assert_allclose(rotated.mean(0), analysis.mean(0), atol=1e-10)
    np.testing.assert_allclose(np.cov(rotated.T), np.cov(analysis.T), atol=1e-9)
    assert np.abs(rotated - analysis).max() > 1e-3


# ---------------------------------------------------------------- its symmetries


def with_symmetry(symmetry: str) -> list[tuple[str, str]]:
    return [case for case in CASES if symmetry in REGISTRY[case[0]].symmetries]


@pytest.mark.parametrize(("name", "taper"), with_symmetry("shift"))
def test_on_a_turned_ring_the_analysis_is_turned(problem, name, taper):
    """The draws belong to members and observations, and go with them."""
    expected = np.roll(analyse(name, taper, problem), 5, axis=1)
    problem.ensemble = np.roll(problem.ensemble, 5, axis=1)
    problem.sites = (problem.sites + 5) % 12
    np.testing.assert_allclose(analyse(name, taper, problem), expected, atol=1e-6)


@pytest.mark.parametrize(("name", "taper"), with_symmetry("permutation"))
def test_members_in_another_order_get_the_same_analysis(random, monkeypatch, problem, name, taper):
    """The draws go with the members: what enkf.perturbations gives, wherever it is used."""
    expected = analyse(name, taper, problem)
    order = random.permutation(8)
    problem.ensemble = problem.ensemble[order]
    draw, used = enkf.perturbations, []

    def moved(*args: Any) -> jax.Array:
        used.append(args)
        return draw(*args)[order]

    for module in list(vars(filters).values()):
        if getattr(module, "perturbations", None) is draw:
            monkeypatch.setattr(module, "perturbations", moved)
    anew = analysis_of(name, taper, 12)
    jax.eval_shape(anew, *numbers(problem))
    once = jax.jit(anew, compiler_options=QUICK) if used else program(name, taper, 12)
    np.testing.assert_allclose(once(*numbers(problem))[0], expected[order], atol=1e-6)


@pytest.mark.parametrize(
    "name", [n for n, e in REGISTRY.items() if "permutation" not in e.symmetries]
)
def test_over_many_draws_the_order_of_the_members_is_forgotten(random, problem, name):
    """For a filter that draws by the order of the members: the same in distribution."""
    problem.std = problem.std * 6
    order = random.permutation(8)
    keys = jax.random.split(jax.random.key(1), 4000)
    many = jax.jit(jax.vmap(analysis_of(name, "none", 12), (0, None, None, None, None)))
    _, *rest = numbers(problem)
    drawn = np.asarray(many(keys, *rest)[0]).mean(axis=1)
    problem.ensemble = problem.ensemble[order]
    _, *rest = numbers(problem)
    again = np.asarray(many(keys, *rest)[0]).mean(axis=1)
    error = np.sqrt((drawn.var(axis=0) + again.var(axis=0)) / 4000)
    assert (np.abs(drawn.mean(axis=0) - again.mean(axis=0)) < 5 * error).all()


# ---------------------------------------------------------------- what it does with observations


# pf draws members anew whatever their weights
@pytest.mark.parametrize(("name", "taper"), [case for case in BRANCHES if case[0] != "pf"])
def test_useless_observations_change_almost_nothing(problem, name, taper):
    problem.std = np.full(9, 1e6)
    moved = np.abs(analyse(name, taper, problem) - problem.ensemble).max()
    # a stochastic filter adds noise of 1e6 with a gain of 1e-12 P
    assert moved < 1e-4 * problem.ensemble.var(0).max()


@pytest.mark.parametrize(
    ("name", "taper"), [case for case in CASES if not REGISTRY[case[0]].declaration.baseline]
)
def test_accurate_observations_draw_the_mean(random, problem, name, taper):
    problem.std = np.full(9, 1.0 if name in ("pf", "netf", "lnetf") else 0.05)
    problem.ensemble = random.normal(2, 1.5, (8, 12))
    prior = problem.ensemble.mean(0)[problem.sites]
    problem.y = problem.ensemble[0][problem.sites]  # within reach of an ensemble that is small
    posterior = analyse(name, taper, problem).mean(0)[problem.sites]
    before, after = (np.sqrt(((x - problem.y) ** 2).mean()) for x in (prior, posterior))
    assert after < 0.5 * before
