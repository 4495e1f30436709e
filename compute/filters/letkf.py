"""The local ensemble transform Kalman filter: an ETKF for each site, from what is near it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.scipy.linalg import solve_triangular

from compute.filters import etkf
from compute.filters._local import over_sites, padded
from compute.filters._parameters import ALL_TAPERS, localization, spreading
from compute.inflation import split
from compute.localization import Localization
from compute.observing import ObservationError
from compute.transform import transform
from learnda.declarations import Method

METHOD = Method(
    name="letkf",
    help="An ETKF for every site, with the observations within its neighbourhood; the taper "
    "multiplies R^-1 (R-localisation), domains are single sites. Few members suffice. Taper box "
    "is LEARN-DA's; with taper none it is the etkf.",
    reference="Hunt, Kostelich & Szunyogh (2007), doi:10.1016/j.physd.2006.11.008",
    parameters=(*localization("box", *ALL_TAPERS), *spreading()),
    requires_model=True,
)
SYMMETRIES = frozenset({"shift", "permutation"})


def analyse(
    key: Array,
    ensemble: Array,
    observed: Array,
    y: Array,
    error: ObservationError,
    localization: Localization,
    parameters: Mapping[str, Any],
) -> tuple[Array, dict[str, Array]]:
    """Each site's column is transformed with S and d weighted by the root of the taper.

    Shapes: ensemble [N, n], observed [N, m], y [m]; p observations around each site.
    """
    if not localization.local:
        return etkf.analyse(key, ensemble, observed, y, error, localization, parameters)
    mean, anomalies = split(observed)
    S, d = padded(anomalies / error.std), padded((y - mean) / error.std)

    def local(column: Array, observation: Array, root: Array) -> Array:
        near, innovation = S[:, observation] * root, d[observation] * root
        if error.correlation is not None:  # R^-1 of the observations at hand, tapered
            factor = jnp.linalg.cholesky(_correlation(error.correlation, observation, root))
            rows = jnp.concatenate([near, innovation[None]])
            rows = solve_triangular(factor, rows.T, lower=True).T
            near, innovation = rows[:-1], rows[-1]
        return transform(column[:, None], near, innovation)[:, 0]

    return over_sites(local, ensemble, localization), {}


def _correlation(correlation: Array, observation: Array, root: Array) -> Array:
    """Between the observations at hand [p, p]; slots that are empty or beyond the taper are
    independent: how far a window looks must change nothing.
    """
    m = len(correlation)
    there = (observation < m) & (root > 0)
    index = jnp.minimum(observation, m - 1)
    block = jnp.where(there[:, None] & there, correlation[index][:, index], 0)
    return block + jnp.diag(jnp.where(there, 0, 1).astype(block.dtype))
