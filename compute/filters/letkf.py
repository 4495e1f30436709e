"""The local ensemble transform Kalman filter: an ETKF for each site, from what is near it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from compute.filters._parameters import ALL_TAPERS, localization, spreading
from compute.localization import RingLocalization
from compute.observing import ObservationError
from compute.transform import transform, whiten
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

BLOCK = 1024
"""Sites analysed at once: bounds the memory of the local problems on large rings."""


def analyse(
    key: Array,
    ensemble: Array,
    observed: Array,
    y: Array,
    error: ObservationError,
    localization: RingLocalization,
    parameters: Mapping[str, Any],
) -> tuple[Array, dict[str, Array]]:
    """Each site's column is transformed with S and d weighted by the root of the taper.

    Shapes: ensemble [N, n], observed [N, m], y [m]; p observations around each site.
    """
    S, d = whiten(observed, y, error)
    if not localization.local:
        return transform(ensemble, S, d), {}
    near = localization.neighbourhoods()
    # one more observation, of no weight, for the slots that are empty
    S = jnp.pad(S, ((0, 0), (0, 1)))
    d = jnp.pad(d, (0, 1))

    def local(site: tuple[Array, Array, Array]) -> Array:
        column, observation, weight = site
        root = jnp.sqrt(weight)
        return transform(column[:, None], S[:, observation] * root, d[observation] * root)[:, 0]

    sites = (ensemble.T, *near)
    n = ensemble.shape[1]
    analysed = jax.vmap(local)(sites) if n <= BLOCK else lax.map(local, sites, batch_size=BLOCK)
    return analysed.T, {}
