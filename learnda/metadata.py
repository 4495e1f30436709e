"""What the numbers of a run are called and mean: for NetCDF files, datasets and API documents.

Pure text; the names are those of the proto. Everything is of Lorenz-96, which has no units.
"""

from __future__ import annotations

from typing import Final

CONVENTIONS: Final = "CF-1.11"
RUN_TITLE: Final = "Twin experiment with ensemble data assimilation on Lorenz-96"
SWEEP_TITLE: Final = "Sweep of a twin experiment with ensemble data assimilation on Lorenz-96"
REFERENCE: Final = "Lorenz (1996), Predictability: a problem partly solved"
TIME: Final = "model time"

SERIES: Final = {
    "error_b": "relative error of the background mean",
    "error_a": "relative error of the analysis mean",
    "rmse_background": "root mean squared error of the background mean",
    "rmse_analysis": "root mean squared error of the analysis mean",
    "spread_background": "spread of the background",
    "spread_analysis": "spread of the analysis, after inflation",
    "crps_analysis": "continuous ranked probability score of the analysis",
    "innovation_consistency": "normalised innovation squared",
    "desroziers_error": "Desroziers' diagnostic of the observation error",
    "desroziers_background": "Desroziers' diagnostic of the background error",
    "effective_sample_size": "effective sample size",
}
"""Long names of the series of every step."""

METRICS: Final = {
    "final": "Last value of error_a, the relative analysis error.",
    "mean": "Mean of error_a over all steps.",
    "min": "Smallest value of error_a.",
    "rmse_a": "Root mean square of error_a.",
    "rmse_b": "Root mean square of error_b.",
    "background_final": "Last value of error_b.",
    "background_mean": "Mean of error_b.",
    "background_min": "Smallest value of error_b.",
    "rmse_analysis": "Time mean of the spatial RMSE of the analysis mean, from burn_in on.",
    "rmse_background": "The same of the background mean.",
    "spread_analysis": "Time mean of the analysis spread, after inflation.",
    "spread_background": "Time mean of the background spread.",
    "crps_analysis": "Mean continuous ranked probability score of the analysis.",
    "rmse_analysis_se": "Standard error of rmse_analysis; allows for autocorrelation.",
    "cycles_scored": "Cycles with t >= burn_in, per replicate.",
    "diverged_replicates": "Replicates that lost the truth or became non-finite.",
    "innovation_consistency": "Mean of d'(HPH' + R)^-1 d / m of the innovation d: about 1 where P "
    "and R are right. This and what follows: from burn_in on, left out of runs by earlier "
    "versions.",
    "desroziers_error": "Mean of d_a'R^-1 d_b / m (Desroziers et al. 2005): about 1 where R is "
    "right.",
    "desroziers_background": "Mean of (d_b - d_a)'R^-1 d_b / tr(R^-1 HPH'): about 1 where P is "
    "right.",
    "effective_sample_size": "Of a particle filter: mean of 1 / sum of the squared weights.",
    "spread_skill": "Root of the mean background variance over the root mean squared background "
    "error, with the factor (N + 1) / N: 1 where the spread tells the error.",
}
"""What each score of a method is."""
