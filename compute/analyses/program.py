"""One analysis of a batch of ensembles of whatever model, as a pure program.

What a filter and the inflation around it do is that of an experiment's cycle (`compute.cycling`);
here the forecast comes from elsewhere, and so may what its members predict. Random numbers are
those that replicate b of an experiment with the same seed draws at this cycle.

Axes: B ensembles, N members, n values of the state, m observations, p of them near a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast

import jax
import jax.numpy as jnp
from jax import Array

from compute import diagnostics, observing
from compute.columns import by_columns
from compute.cycling import Draws, assimilate
from compute.diagnosis import INFO
from compute.filters import Filter
from compute.geometry import Kind, Metric, PointLocalization, TaperLocalization
from compute.inflation import split
from compute.localization import Localization, RingLocalization
from compute.observing import ObservationError
from compute.randomness import Purpose, draw_key, replicate_keys
from compute.shape import over_lanes
from compute.transform import COLUMNS

Operator = Literal["predicted", "sites", "matrix"]
Where = Kind | Literal["nowhere", "grid", "tapers"]
"""How near observations are is told: not at all, by sites of a ring, by tapers, or by a metric."""

DIAGNOSTICS = (
    "spread_background",
    "spread_analysis",
    "innovation_mean",
    "innovation_rms",
    *INFO,
)
"""The columns of what is told of an analysis; NaN where it has none."""


@dataclass(frozen=True)
class Form:
    """All that selects a program, besides the method and its choices."""

    batch: int
    members: int
    n: int
    m: int
    dtype: str
    operator: Operator
    quantity: str
    """What is observed at sites, by its name in `compute.observing.OPERATORS`."""
    distribution: observing.Distribution
    where: Where
    window: int
    """Sites on each side that a local analysis on the grid looks at."""
    side_by_side: bool
    """The batch is vectorised rather than computed in turn."""

    @property
    def replicates(self) -> int:
        """The batch, as `over_lanes` calls it."""
        return self.batch

    def __str__(self) -> str:
        return f"n={self.n} members={self.members} m={self.m} batch={self.batch} {self.dtype}"


class Values(NamedTuple):
    """Numbers: changing them compiles nothing."""

    words: Array
    """The seed: uint32 [2]."""
    cycle: Array
    dof: Array
    size: Array
    """Of the geometry: length of a ring, radius of a sphere."""
    parameters: Mapping[str, Array]


class Given(NamedTuple):
    """The arrays of one ensemble, or of a batch: then with B first. None: not given."""

    ensemble: Array | None = None
    """[N, n]"""
    inflation: Array | None = None
    """[n], adaptive, of the background's variance."""
    y: Array | None = None
    """[m]"""
    std: Array | None = None
    """[m], of the observation errors."""
    correlation: Array | None = None
    """[m, m], of them; None: independent."""
    predicted: Array | None = None
    """[N, m]"""
    sites: Array | None = None
    """[m] int32"""
    matrix: Array | None = None
    """[m, n]"""
    state: Array | None = None
    """[n, d], where the values of the state lie."""
    observations: Array | None = None
    """[m, d], where the observations lie."""
    near: Array | None = None
    """[n, p] int32: the observations near each value, m in an empty slot; None: all of them."""
    state_tapers: Array | None = None
    """[n, m]"""
    observation_tapers: Array | None = None
    """[m, m]"""


class Analysed(NamedTuple):
    """What comes of it, each with B first."""

    ensemble: Array
    """[B, N, n]"""
    inflation: Array
    """[B, n]"""
    diagnostics: Array
    """[B, len(DIAGNOSTICS)]"""


def analyse(
    form: Form,
    entry: Filter,
    choices: Mapping[str, Any],
    values: Values,
    each: Given,
    shared: Given,
) -> Analysed:
    """The analyses of all ensembles: ``each`` holds what every one has of its own, ``shared`` what
    serves them all.
    """
    keys = replicate_keys(values.words, jnp.arange(form.batch, dtype=jnp.uint32))

    def lane(number: Array, own: Given, _: Any) -> Analysed:
        pairs = zip(own, shared, strict=True)
        given = Given(*(theirs if mine is None else mine for mine, theirs in pairs))
        return _one(form, entry, choices, values, keys[number], given)

    instance = jax.tree.map(lambda a: a[None], each)
    return jax.tree.map(lambda a: a[0], over_lanes(form, lane, instance, ()))


def _one(
    form: Form,
    entry: Filter,
    choices: Mapping[str, Any],
    values: Values,
    key: Array,
    given: Given,
) -> Analysed:
    """One ensemble's."""
    assert given.ensemble is not None
    assert given.inflation is not None
    assert given.y is not None
    assert given.std is not None
    error = ObservationError(given.std, given.correlation, form.distribution, values.dof)
    done = assimilate(
        entry,
        given.ensemble,
        given.inflation,
        lambda ensemble, factor: _observe(form, given, ensemble, factor),
        given.y,
        error,
        _localization(form, choices, values, given),
        Draws(
            draw_key(key, Purpose.ANALYSIS, values.cycle),
            draw_key(key, Purpose.ROTATION, values.cycle),
        ),
        {**choices, **values.parameters},
    )
    innovation = given.y - done.observed.mean(axis=0)
    told = {
        "spread_background": _spread(done.background),
        "spread_analysis": _spread(done.analysis),
        "innovation_mean": innovation.mean(),
        "innovation_rms": jnp.sqrt((innovation**2).mean()),
        **_consistency(form, given, given.y, done.observed, done.analysis, error),
        **done.info,
    }
    nothing = jnp.full((), jnp.nan, form.dtype)
    columns = jnp.stack([told.get(name, nothing).astype(form.dtype) for name in DIAGNOSTICS])
    return Analysed(done.analysis, done.inflation, columns)


def _spread(ensemble: Array) -> Array:
    """Of an ensemble [N, n]."""
    variance = by_columns(
        lambda columns, _: jnp.var(columns, axis=0, ddof=1)[None], ensemble, COLUMNS
    )
    return diagnostics.spread(variance[0])


def _observe(form: Form, given: Given, ensemble: Array, factor: Array | float) -> Array:
    """What members [N, n] predict [N, m], whose anomalies were multiplied by ``factor``."""
    if form.operator == "matrix":
        assert given.matrix is not None
        return ensemble @ given.matrix.T
    if form.operator == "sites":
        assert given.sites is not None
        return observing.observe(form.quantity, ensemble, given.sites)
    assert given.predicted is not None
    if isinstance(factor, float):
        return given.predicted
    # to first order; without localisation the factor is one number, and all of `inflation` the same
    mean, anomalies = split(given.predicted)
    return mean + jnp.ravel(factor)[0] * anomalies


def _consistency(
    form: Form, given: Given, y: Array, observed: Array, analysis: Array, error: ObservationError
) -> dict[str, Array]:
    """Without what cannot be known: what the analysis predicts where only the client can tell."""
    if form.operator == "predicted":
        told = diagnostics.consistency(observed, observed, y, error)
        return {"innovation_consistency": told["innovation_consistency"]}
    after = _observe(form, given, analysis, 1.0)
    return diagnostics.consistency(observed, after, y, error)


def _localization(
    form: Form, choices: Mapping[str, Any], values: Values, given: Given
) -> Localization:
    """As far as the method looks, how far each observation reaches."""
    radius = values.parameters.get("r", jnp.ones((), form.dtype))
    if form.where == "tapers":
        assert given.state_tapers is not None
        return TaperLocalization(given.state_tapers, given.observation_tapers)
    if form.where in ("nowhere", "grid"):
        name = "none"
        if form.where == "grid":
            name = choices.get("taper", "box" if form.window else "none")
        sites = jnp.zeros(form.m, jnp.int32) if given.sites is None else given.sites
        return RingLocalization(name, radius, form.window, form.n, sites)
    assert given.state is not None
    assert given.observations is not None
    metric = Metric(cast(Kind, form.where), values.size)
    return PointLocalization(
        choices["taper"], radius, metric, given.state, given.observations, given.near
    )
