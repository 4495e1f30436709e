"""Twin experiments with DAPPER, timed: run by the peers' Python, JSON in and out.

The setting is DAPPER's sakov2008; a job has `method` and `arguments` of one of its methods,
`cycles`, `burn_in` and `seed`. Live plots and progress bars are off. Making the truth is not timed.
"""

import contextlib
import io
import json
import sys
import time

import dapper as dpr
import dapper.da_methods as da
import dapper.tools.progressbar as progressbar
from dapper.mods.Lorenz96.sakov2008 import HMM

DT = 0.05


def carry_out(job):
    """Seconds of the loop, and the time-mean RMSE of the analysis after the burn-in."""
    HMM.tseq.T = job["cycles"] * DT
    HMM.tseq.BurnIn = job["burn_in"]
    dpr.set_seed(job["seed"])
    truth, observations = HMM.simulate()
    method = getattr(da, job["method"])(**job["arguments"])
    method.seed = job["seed"]
    began = time.perf_counter()
    method.assimilate(HMM, truth, observations, liveplots=False)
    seconds = time.perf_counter() - began
    method.stats.average_in_time()
    rmse = float(method.avrgs.err.rms.a.val)
    return {"seconds": seconds, "cycles": len(observations), "rmse": rmse}


if __name__ == "__main__":
    progressbar.disable_progbar = True
    progressbar.disable_user_interaction = True
    with contextlib.redirect_stdout(io.StringIO()):
        found = [carry_out(job) for job in json.load(sys.stdin)]
    print(json.dumps(found))
