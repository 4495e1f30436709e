"""Published time-mean analysis RMSE of twin experiments on Lorenz-96."""

from __future__ import annotations

import pytest
from experiments import STANDARD, completed, experiment, run


@pytest.mark.parametrize(
    ("method", "params", "members", "published", "tolerance"),
    [
        # Sakov & Oke (2008b)
        ("enkf", {"inf_fact": 1.06}, 40, 0.217, 0.006),
        # recorded by DAPPER for the setting of Hoteit et al. (2015)
        ("etkf", {"inf_fact": 1.02, "rotate": True}, 28, 0.179, 0.006),
        (
            "letkf",
            {"inf_fact": 1.04, "r": 6, "taper": "gaspari-cohn", "rotate": True},
            10,
            0.200,
            0.007,
        ),
    ],
)
def test_a_published_setting_has_its_rmse(engine, method, params, members, published, tolerance):
    """Ten replicates of a thousand scored cycles."""
    asked = experiment(
        (method, params),
        **{**STANDARD, "ensemble_size": members, "dt": 0.05},
        burn_in=20.0,
        end_time=70.0,
        replicates=10,
    )
    metrics = completed(run(engine, asked)).metrics
    assert metrics["diverged_replicates"] == 0
    assert metrics["rmse_analysis"] == pytest.approx(published, abs=tolerance)


def test_without_inflation_the_enkf_loses_the_truth(engine):
    asked = experiment(
        ("enkf", {}), **{**STANDARD, "ensemble_size": 40}, end_time=70.0, burn_in=20.0, replicates=4
    )
    done = completed(run(engine, asked))
    assert done.status == "diverged"
    assert done.metrics["rmse_analysis"] > 3
