"""One cycle of each scheme against plain NumPy and SciPy, and identities with filters."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from compute import lorenz96, observing
from compute.climatology import Climatology, climatology
from compute.experiment import make_world
from compute.filters import REGISTRY as FILTERS
from compute.localization import RingLocalization
from compute.observing import ObservationError
from compute.randomness import Purpose, draw_key, replicate_keys
from compute.registry import METHODS
from compute.schemes import Moment, Outcome, World
from compute.shape import Setting, Shape

N, FORCING, DT, NOISE = 8, 8.0, 0.05, 0.3


class Case:
    """A world, a moment and observations of some sites, drawn afresh."""

    def __init__(
        self, random: np.random.Generator, operator: str = "identity", substeps: int = 2
    ) -> None:
        self.random = random
        shape = Shape(N, 10, 5, 1, 1, "float64", "explicit", "climatology", operator)
        self.setting = Setting(
            jnp.zeros(2, jnp.uint32), jnp.zeros(1, jnp.uint32),
            *(jnp.asarray(v) for v in (FORCING, FORCING, DT, substeps)),
            jnp.ones(N), *(jnp.asarray(v) for v in (5.0, 0.0, 0.0, NOISE, 0.2, 0)),
        )  # fmt: skip
        lags = 4.0 * 0.5 ** np.minimum(np.arange(N), N - np.arange(N))
        self.climatology = Climatology(jnp.asarray(2.3), jnp.asarray(lags))
        self.world: World = make_world(shape, self.setting, self.climatology)
        self.B = np.array([[lags[(j - i) % N] for j in range(N)] for i in range(N)])
        self.sites = np.sort(random.permutation(N)[:5]).astype(np.int32)
        self.std = random.uniform(0.3, 1.0, 5)
        self.truth = random.normal(2, 3, N)
        self.y = np.asarray(observing.observe(operator, self.truth, self.sites))
        self.y = self.y + self.std * random.normal(0, 1, 5)
        key = replicate_keys(jnp.asarray([3, 4], jnp.uint32), jnp.zeros(1, jnp.uint32))[0]
        self.moment = Moment(
            step=jnp.asarray(3),
            key=lambda purpose: draw_key(key, purpose, 3),
            substeps=jnp.asarray(substeps),
            interval=jnp.asarray(substeps * DT),
            y=jnp.asarray(self.y),
            error=ObservationError(jnp.asarray(self.std)),
            localization=RingLocalization("none", jnp.ones(()), 0, N, jnp.asarray(self.sites)),
            truth=jnp.asarray(self.truth),
        )

    def ensemble(self, spread: float, members: int = 10) -> jax.Array:
        return jnp.asarray(self.truth + spread * self.random.normal(0, 1, (members, N)))

    def cycle(self, name: str, state: Any, **params: Any) -> Outcome:
        values = {k: v if isinstance(v, bool | str) else jnp.asarray(v) for k, v in params.items()}
        return jax.jit(lambda s: METHODS[name].cycle(self.world, self.moment, s, values))(state)

    def forecast(self, state: np.ndarray) -> np.ndarray:
        return np.asarray(self.world.forecast(jnp.asarray(state), self.moment.substeps))

    def kalman(self, background: np.ndarray, P: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        H = np.eye(N)[self.sites]
        K = P @ H.T @ np.linalg.inv(H @ P @ H.T + np.diag(self.std**2))
        return background + K @ (self.y - H @ background), (np.eye(N) - K @ H) @ P


@pytest.fixture
def case(random: np.random.Generator) -> Case:
    return Case(random)


def test_optimal_interpolation_is_the_kalman_update_of_the_climatology(case: Case) -> None:
    found = case.cycle("optimal-interpolation", ())
    mean, covariance = case.kalman(np.full(N, 2.3), case.B)
    np.testing.assert_allclose(found.background.mean, 2.3)
    np.testing.assert_allclose(found.background.variance, 4.0)
    np.testing.assert_allclose(found.analysis.mean, mean)
    np.testing.assert_allclose(found.analysis.variance, np.diag(covariance))
    d = case.y - 2.3
    S = case.B[np.ix_(case.sites, case.sites)] + np.diag(case.std**2)
    assert found.info["innovation_consistency"] == pytest.approx(d @ np.linalg.solve(S, d) / 5)
    left = case.y - mean[case.sites]
    assert found.info["desroziers_error"] == pytest.approx((left * d / case.std**2).mean())


def test_3dvar_corrects_its_own_forecast(case: Case) -> None:
    before = case.random.normal(2, 3, N)
    found = case.cycle("3dvar", jnp.asarray(before), b_scale=0.3)
    background = case.forecast(before)
    mean, covariance = case.kalman(background, 0.3 * case.B)
    np.testing.assert_allclose(found.background.mean, background)
    np.testing.assert_allclose(found.analysis.mean, mean)
    np.testing.assert_allclose(found.state, mean)
    np.testing.assert_allclose(found.analysis.variance, np.diag(covariance))


def test_a_nonlinear_operator_is_linearised_at_the_background(random: np.random.Generator) -> None:
    case = Case(random, "square", substeps=0)
    before = case.random.normal(2, 3, N)
    found = case.cycle("3dvar", jnp.asarray(before), b_scale=0.3)
    H = np.zeros((5, N))
    H[np.arange(5), case.sites] = 2 * before[case.sites]
    B = 0.3 * case.B
    K = B @ H.T @ np.linalg.inv(H @ B @ H.T + np.diag(case.std**2))
    np.testing.assert_allclose(found.analysis.mean, before + K @ (case.y - before[case.sites] ** 2))


def test_extkf_carries_its_covariance_with_the_model(case: Case) -> None:
    before = case.random.normal(2, 3, N)
    root = case.random.normal(0, 0.3, (N, N))
    P = root @ root.T + 0.1 * np.eye(N)
    scheme = METHODS["extkf"]
    state = jax.tree.map(lambda a: a[0], scheme.start(case.world, jnp.asarray(before)[None, None]))
    np.testing.assert_array_equal(state.covariance, np.eye(N))
    found = case.cycle("extkf", state._replace(covariance=jnp.asarray(P)), inflation_per_time=6.0)
    h, x = 1e-6, before
    for _ in range(2):
        one = lambda s: np.asarray(lorenz96.step(jnp.asarray(s), FORCING, DT))  # noqa: E731
        M = np.array([(one(x + h * e) - one(x - h * e)) / (2 * h) for e in np.eye(N)]).T
        P, x = M @ P @ M.T + NOISE**2 * DT * np.eye(N), one(x)
    P = P * 6.0 ** (2 * DT)
    mean, covariance = case.kalman(x, P)
    np.testing.assert_allclose(found.background.mean, x, rtol=1e-10)
    np.testing.assert_allclose(found.background.variance, np.diag(P), rtol=1e-6)
    np.testing.assert_allclose(found.state.mean, mean, rtol=1e-6)
    np.testing.assert_allclose(found.state.covariance, covariance, atol=1e-7)


@pytest.mark.parametrize("operator", ["identity", "saturating"])
def test_4dvar_finds_the_minimum_of_its_cost(random: np.random.Generator, operator: str) -> None:
    case = Case(random, operator)
    before = case.truth + case.random.normal(0, 0.5, N)
    inverse = np.linalg.inv(0.1 * case.B)
    # the observations are of a truth that the model has reached
    case.moment = _observing(case, case.forecast(case.truth))

    @jax.jit
    @jax.value_and_grad
    def cost(x: jax.Array) -> jax.Array:
        ahead = case.world.observe(case.world.forecast(x, 2), case.moment.sites)
        misfit = (case.moment.y - ahead) / case.moment.error.std
        return (x - before) @ inverse @ (x - before) / 2 + misfit @ misfit / 2

    def plain(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = cost(x)
        return float(value), np.asarray(slope)

    best = minimize(plain, before, jac=True, method="BFGS", options={"gtol": 1e-9})
    found = case.cycle("4dvar", jnp.asarray(before), b_scale=0.1, iterations=20)
    np.testing.assert_allclose(found.analysis.mean, case.forecast(best.x), atol=1e-5)
    np.testing.assert_allclose(found.background.mean, case.forecast(before))


def _observing(case: Case, truth: np.ndarray) -> Moment:
    y = np.asarray(observing.observe(case.world.operator, truth, case.sites))
    noise = case.std * case.random.normal(0, 1, len(y))
    return Moment(**{**vars(case.moment), "y": jnp.asarray(y + noise)})


def test_persistence_says_what_was_true_before(case: Case) -> None:
    before = case.random.normal(2, 3, N)
    found = case.cycle("persistence", jnp.asarray(before))
    np.testing.assert_array_equal(found.analysis.mean, before)
    np.testing.assert_array_equal(found.state, case.truth)
    assert not np.asarray(found.analysis.variance).any()


def test_ienks_of_lag_0_and_one_iteration_is_the_etkf(case: Case) -> None:
    ensemble = case.ensemble(1.0)
    params = {"inf_fact": 1.0, "inflation": "analysis", "rotate": False, "lag": 0, "iterations": 1}
    found = case.cycle("ienks", ensemble, **params)
    background = case.world.forecast(ensemble, case.moment.substeps)
    expected, _ = FILTERS["etkf"].analyse(
        case.moment.key(Purpose.ANALYSIS),
        background,
        background[:, case.sites],
        case.moment.y,
        case.moment.error,
        case.moment.localization,
        {},
    )
    np.testing.assert_allclose(found.background.members, background)
    np.testing.assert_allclose(found.analysis.members, expected, atol=1e-10)
    # a linear problem is solved by one step: more change nothing
    more = case.cycle("ienks", ensemble, **{**params, "iterations": 10})
    np.testing.assert_allclose(more.analysis.members, expected, atol=1e-10)


def test_ienks_of_lag_1_is_the_etkf_where_the_model_is_linear(case: Case) -> None:
    """A small ensemble does not feel the model's curvature."""
    case.moment = Moment(
        **{**vars(case.moment), "y": jnp.asarray(case.forecast(case.truth)[case.sites] + 1e-6)}
    )
    case.moment = Moment(
        **{**vars(case.moment), "error": ObservationError(jnp.asarray(1e-5 * case.std))}
    )
    ensemble = case.ensemble(1e-5)
    common = {"inf_fact": 1.0, "inflation": "analysis", "rotate": False, "iterations": 10}
    lag1 = case.cycle("ienks", ensemble, lag=1, **common)
    lag0 = case.cycle("ienks", ensemble, lag=0, **common)
    moved = np.abs(lag0.analysis.members - lag0.background.members).max()
    np.testing.assert_allclose(
        lag1.analysis.members, lag0.analysis.members, rtol=0, atol=1e-3 * moved
    )


def test_ienks_minimises_its_cost_with_observations_that_are_not_linear(
    random: np.random.Generator,
) -> None:
    case = Case(random, "square", substeps=0)
    ensemble = np.asarray(case.ensemble(0.5))
    mean, A = ensemble.mean(0), ensemble - ensemble.mean(0)

    def cost(w: np.ndarray) -> float:
        misfit = (case.y - (mean + w @ A)[case.sites] ** 2) / case.std
        return float(misfit @ misfit / 2 + (len(A) - 1) * w @ w / 2)

    best = minimize(cost, np.zeros(len(A)), method="BFGS", options={"gtol": 1e-7})
    found = case.cycle(
        "ienks",
        jnp.asarray(ensemble),
        lag=0,
        iterations=50,
        inflation="analysis",
        inf_fact=1.0,
        rotate=False,
    )
    reached = cost(np.linalg.lstsq(A.T, np.asarray(found.analysis.mean) - mean, rcond=None)[0])
    # the ensemble's linearisation is not the tangent: close to the minimum, and far below the start
    assert reached - best.fun < 0.05 * (cost(np.zeros(len(A))) - best.fun)


def test_hybrid_mixes_two_covariances(case: Case) -> None:
    ensemble = case.ensemble(1.0)
    found = case.cycle(
        "hybrid",
        ensemble,
        static_weight=0.4,
        b_scale=0.2,
        inflation="analysis",
        inf_fact=1.0,
        rotate=False,
    )
    background = np.asarray(case.world.forecast(ensemble, 2))
    B = 0.6 * np.cov(background.T) + 0.4 * 0.2 * case.B
    mean, _ = case.kalman(background.mean(0), B)
    np.testing.assert_allclose(found.analysis.mean, mean)  # the perturbations are centred
    enkf = case.cycle(
        "hybrid",
        ensemble,
        static_weight=0.0,
        b_scale=0.2,
        inflation="analysis",
        inf_fact=1.0,
        rotate=False,
    )
    expected, _ = FILTERS["enkf"].analyse(
        case.moment.key(Purpose.ANALYSIS),
        jnp.asarray(background),
        jnp.asarray(background[:, case.sites]),
        case.moment.y,
        case.moment.error,
        case.moment.localization,
        {},
    )
    np.testing.assert_allclose(enkf.analysis.members, expected, atol=1e-10)


def test_climatology_is_that_of_a_long_run() -> None:
    """Mean, variance and covariance with neighbours, against a plain NumPy run of its own."""
    found = climatology(40, jnp.float64, jnp.asarray(8.0))
    x = np.random.default_rng(7).normal(8, 0.5, (200, 40))

    def tendency(x: np.ndarray) -> np.ndarray:
        return (np.roll(x, -1, 1) - np.roll(x, 2, 1)) * np.roll(x, 1, 1) - x + 8.0

    samples = []
    for i in range(1500):
        k1 = tendency(x)
        k2 = tendency(x + DT / 2 * k1)
        k3 = tendency(x + DT / 2 * k2)
        x = x + DT / 6 * (k1 + 2 * k2 + 2 * k3 + tendency(x + DT * k3))
        if i >= 500 and i % 20 == 0:
            samples.append(x)
    sample = np.concatenate(samples)
    anomalies = sample - sample.mean()
    expected = [(anomalies * np.roll(anomalies, -k, 1)).mean() for k in range(4)]
    assert float(found.mean) == pytest.approx(sample.mean(), abs=0.03)
    np.testing.assert_allclose(found.covariance[:4], expected, atol=0.2)
    matrix = np.asarray(found.matrix())
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-12)
    assert np.linalg.eigvalsh(matrix).min() > 0
