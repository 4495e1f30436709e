"""Twin experiments with pyteda, timed: run by the peers' Python, JSON in and out.

A job has the fields of POST /api/runs that matter, `methods` {name: parameters}, and how the start
is made: `spin_up` model time for the truth, `perturbation` and `member_spin_up` for the members.
Only pyteda's public interface is used, as its package page shows it.
"""

import contextlib
import inspect
import io
import json
import logging
import math
import sys
import time

import numpy as np
from pyteda.analysis.analysis_factory import AnalysisFactory
from pyteda.analysis.registry import ANALYSIS_REGISTRY
from pyteda.experiments import Scenario
from pyteda.models import Lorenz96
from pyteda.observation import IsotropicDiagonal, LinearSelection
from pyteda.simulation.simulation_core import Simulation

N = 40


def carry_out(job):
    """Seconds of the set-up, and of each method's loop with its RMSE."""
    began = time.perf_counter()
    model = Lorenz96(n=N)
    scenario = Scenario.generate(
        model=model,
        operator_factory=lambda rng: LinearSelection(m=job["m"], n_state=N, rng=rng),
        noise=IsotropicDiagonal(std=job["std_obs"], dim=job["m"]),
        operator_schedule="random",
        ensemble_size=job["ensemble_size"],
        obs_freq=job["obs_freq"],
        end_time=job["end_time"],
        seed=job["seed"],
        spinup_truth=job["spin_up"],
        pert_ensemble=job["perturbation"],
        spinup_ensemble=job["member_spin_up"],
    )
    setup = time.perf_counter() - began
    methods = {
        name: loop(model, scenario, name, parameters, job)
        for name, parameters in job["methods"].items()
    }
    seconds = setup + sum(method["seconds"] for method in methods.values())
    return {"seconds": seconds, "setup_seconds": setup, "methods": methods}


def loop(model, scenario, name, parameters, job):
    """One method over the scenario."""
    takes = inspect.signature(ANALYSIS_REGISTRY[name]).parameters
    given = {"model": model, **parameters} if "model" in takes else parameters
    began = time.perf_counter()
    simulation = Simulation(
        model=model,
        scenario=scenario,
        analysis=AnalysisFactory(name, **given).create_analysis(),
        inflation_factor=job["inf_fact"],
        log_level=logging.ERROR,
        method_rng=np.random.default_rng(job["seed"]),
    )
    simulation.run()
    seconds = time.perf_counter() - began
    relative = np.asarray(simulation.get_errors()[1])  # |truth - analysis| / |truth|
    norms = np.linalg.norm(np.asarray(scenario.truth_trajectory), axis=1)
    rmse = relative * norms[: len(relative)] / math.sqrt(N)
    scored = rmse[np.asarray(scenario.times)[: len(relative)] >= job["burn_in"]]
    return {"seconds": seconds, "cycles": len(relative), "rmse": float(scored.mean())}


if __name__ == "__main__":
    with contextlib.redirect_stdout(io.StringIO()):
        found = [carry_out(job) for job in json.load(sys.stdin)]
    print(json.dumps(found))
