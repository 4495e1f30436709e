"""The local NETF: weights for each site, from the observations near it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from compute.filters import netf
from compute.filters._local import over_sites, padded
from compute.filters._parameters import ALL_TAPERS, spreading
from compute.filters._parameters import localization as localized
from compute.localization import Localization
from compute.observing import ObservationError
from learnda.declarations import Method

METHOD = Method(
    name="lnetf",
    help="A netf for every site; the taper multiplies the log likelihood of each observation. "
    "Rotation belongs to the method in the paper: switch it on. With taper none it is the netf.",
    reference="Toedter & Ahrens (2015), doi:10.1175/MWR-D-14-00108.1",
    parameters=(*localized("gaspari-cohn", *ALL_TAPERS), *spreading(inf_fact=1.0)),
    requires_model=True,
    refuses=("obs_error_correlation",),
    work="members",
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
    """Each site's column by its own weights. Shapes: ensemble [N, n], observed [N, m], y [m]."""
    if not localization.local:
        return netf.analyse(key, ensemble, observed, y, error, localization, parameters)
    members = len(ensemble)
    log_likelihood = padded(error.log_density(y - observed))

    def local(column: Array, observation: Array, root: Array) -> Array:
        near = (log_likelihood[:, observation] * root**2).sum(axis=1)
        analysis, info = netf.transform(column[:, None], near)
        return jnp.concatenate([analysis[:, 0], info["effective_sample_size"][None]])

    # the effective sample size of each site rides along as one more row
    both = over_sites(local, ensemble, localization)
    return both[:members], {"effective_sample_size": both[members].mean()}
