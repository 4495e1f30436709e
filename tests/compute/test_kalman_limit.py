"""With a linear model and ever more members the filters become the Kalman filter, as N^-1/2."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import QUICK, defaults

from compute.climatology import Climatology
from compute.filters import REGISTRY
from compute.localization import RingLocalization
from compute.observing import ObservationError
from compute.registry import METHODS
from compute.schemes import Moment, World

N_SITES, CYCLES, REPLICATES = 5, 4, 6
SITES = jnp.array([0, 2, 3])
STD = np.array([0.5, 0.8, 1.2])
TYPES = ["enkf", "ensrf", "eakf", "etkf", "enkf-n", "enkf-lw", "enkf-rblw", "estkf", "denkf"]
ITERATIVE = {"ienks, lag 0": 0, "ienks, lag 1": 1}


class Linear:
    """x' = M x without noise, observed at some sites for some cycles."""

    def __init__(self, random: np.random.Generator) -> None:
        M = random.normal(0, 1, (N_SITES, N_SITES))
        self.M = M / np.abs(np.linalg.eigvals(M)).max()
        root = random.normal(0, 1, (N_SITES, N_SITES)) + np.eye(N_SITES)
        self.mean, self.root = random.normal(1, 2, N_SITES), root
        self.ys = random.normal(1, 1.5, (CYCLES, len(SITES)))

    def kalman(self, *, half_gain: bool = False) -> tuple[np.ndarray, np.ndarray]:
        mean, P = self.mean, self.root @ self.root.T
        H = np.eye(N_SITES)[np.asarray(SITES)]
        for y in self.ys:
            mean, P = self.M @ mean, self.M @ P @ self.M.T
            K = P @ H.T @ np.linalg.inv(H @ P @ H.T + np.diag(STD**2))
            mean = mean + K @ (y - H @ mean)
            excess = K @ H @ P @ H.T @ K.T / 4 if half_gain else 0
            P = P - K @ H @ P + excess
        return mean, P

    def filtered(self, name: str, members: int, random: np.random.Generator) -> np.ndarray:
        """The ensembles [REPLICATES, N, n] after the last analysis."""
        drawn = random.normal(0, 1, (REPLICATES, members, N_SITES))
        if name in ITERATIVE:
            return self.smoothed(ITERATIVE[name], jnp.asarray(self.mean + drawn @ self.root.T))
        parameters = {**defaults(name), "taper": "none"}
        ring = RingLocalization("none", jnp.asarray(1.0), 0, N_SITES, SITES)
        error = ObservationError(jnp.asarray(STD))

        def cycled(ensemble: jax.Array, key: jax.Array) -> jax.Array:
            for i, y in enumerate(self.ys):
                ensemble = ensemble @ self.M.T
                at = jax.random.fold_in(key, i)
                arguments = (at, ensemble, ensemble[:, SITES], jnp.asarray(y), error, ring)
                ensemble, _ = REGISTRY[name].analyse(*arguments, parameters)
            return ensemble

        keys = jax.random.split(jax.random.key(members), REPLICATES)
        run = jax.jit(jax.vmap(cycled), compiler_options=QUICK)
        return np.asarray(run(jnp.asarray(self.mean + drawn @ self.root.T), keys))

    def smoothed(self, lag: int, ensembles: jax.Array) -> np.ndarray:
        """The same by the iterative smoother, which forecasts itself."""

        def forecast(states: jax.Array, steps: jax.Array, key: object = None) -> jax.Array:
            return jnp.where(steps > 0, states @ self.M.T, states)

        nothing = Climatology(jnp.zeros(()), jnp.zeros(N_SITES))
        world = World(
            *(N_SITES, nothing, forecast, forecast, lambda x: x, jnp.zeros(())),
            observe=lambda states, sites: states[..., sites],
            operator="identity",
        )
        parameters = {"lag": jnp.asarray(lag), "iterations": jnp.asarray(3), "rotate": False}
        parameters |= {"inflation": "analysis", "inf_fact": jnp.asarray(1.0)}

        def cycled(ensemble: jax.Array) -> jax.Array:
            for y in self.ys:
                ring = RingLocalization("none", jnp.ones(()), 0, N_SITES, SITES)
                error = ObservationError(jnp.asarray(STD))
                one = jnp.ones((), jnp.int32)
                moment = Moment(
                    one, jax.random.key, one, jnp.ones(()), jnp.asarray(y), error, ring, y
                )
                ensemble = METHODS["ienks"].cycle(world, moment, ensemble, parameters).state
            return ensemble

        return np.asarray(jax.jit(jax.vmap(cycled), compiler_options=QUICK)(ensembles))


@pytest.mark.parametrize("name", [*TYPES, *ITERATIVE])
def test_it_converges_to_the_kalman_filter(random, name):
    linear = Linear(random)
    mean, P = linear.kalman(half_gain=name == "denkf")
    sizes = (20, 80, 320) if name in ITERATIVE else (50, 500, 5000)  # it decomposes N x N
    errors = []
    for members in sizes:
        ensembles = linear.filtered(name, members, random)
        off = ((ensembles.mean(axis=1) - mean) ** 2).sum(axis=-1) / np.trace(P)
        covariances = np.stack([np.cov(ensemble.T) for ensemble in ensembles])
        wrong = ((covariances - P) ** 2).sum(axis=(1, 2)) / (P**2).sum()
        errors.append([np.sqrt(off.mean()), np.sqrt(wrong.mean())])
    for each in np.array(errors).T:
        # the expected slope is -1/2; with the first size not yet asymptotic and few replicates
        slope = np.polyfit(np.log(sizes), np.log(each), 1)[0]
        assert -0.85 < slope < -0.3
        assert (np.diff(each) < 0).all()
        assert each[-1] < 4 / np.sqrt(sizes[-1])
