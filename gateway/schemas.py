"""The shapes of answers, for the API document and for clients' type generators."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

RunStatus = Literal["queued", "running", "completed", "failed", "cancelled"]
MethodStatus = Literal["queued", "running", "completed", "diverged", "failed", "cancelled"]


class Answer(BaseModel):
    """Nothing but what is declared."""

    model_config = ConfigDict(extra="forbid")


class RunStanding(Answer):
    """A run and what became of it."""

    run_id: str
    status: RunStatus


class Metrics(Answer):
    """Scores of one method; null where no finite value exists."""

    final: float | None = Field(description="Last value of error_a, the relative analysis error.")
    mean: float | None = Field(description="Mean of error_a over all steps.")
    min: float | None = Field(description="Smallest value of error_a.")
    rmse_a: float | None = Field(description="Root mean square of error_a.")
    rmse_b: float | None = Field(description="Root mean square of error_b.")
    background_final: float | None = Field(description="Last value of error_b.")
    background_mean: float | None = Field(description="Mean of error_b.")
    background_min: float | None = Field(description="Smallest value of error_b.")
    rmse_analysis: float | None = Field(
        description="Time mean of the spatial RMSE of the analysis mean, from burn_in on."
    )
    rmse_background: float | None = Field(description="The same of the background mean.")
    spread_analysis: float | None = Field(
        description="Time mean of the analysis spread, after inflation."
    )
    spread_background: float | None = Field(description="Time mean of the background spread.")
    crps_analysis: float | None = Field(
        description="Mean continuous ranked probability score of the analysis."
    )
    rmse_analysis_se: float | None = Field(
        description="Standard error of rmse_analysis; allows for autocorrelation."
    )
    cycles_scored: int = Field(description="Cycles with t >= burn_in, per replicate.")
    diverged_replicates: int = Field(
        description="Replicates that lost the truth or became non-finite."
    )
    innovation_consistency: float | None = Field(
        None,
        description="Mean of d'(HPH' + R)^-1 d / m of the innovation d: about 1 where P and R are "
        "right. This and what follows: from burn_in on, left out of runs by earlier versions.",
    )
    desroziers_error: float | None = Field(
        None,
        description="Mean of d_a'R^-1 d_b / m (Desroziers et al. 2005): about 1 where R is right.",
    )
    desroziers_background: float | None = Field(
        None,
        description="Mean of (d_b - d_a)'R^-1 d_b / tr(R^-1 HPH'): about 1 where P is right.",
    )
    effective_sample_size: float | None = Field(
        None, description="Of a particle filter: mean of 1 / sum of the squared weights."
    )
    spread_skill: float | None = Field(
        None,
        description="Root of the mean background variance over the root mean squared background "
        "error, with the factor (N + 1) / N: 1 where the spread tells the error.",
    )


class SpreadSkill(Answer):
    """Sites and cycles in bins of background standard deviation; all lists have one item a bin."""

    edges: list[float | None] = Field(
        description="Upper edges in state units; null for the last bin, which has none."
    )
    counts: list[int] = Field(description="Sites and cycles in the bin.")
    spread: list[float | None] = Field(
        description="Root of the mean background variance; null where the bin is empty."
    )
    error: list[float | None] = Field(
        description="Root mean squared error of the background mean: equal to `spread` where that "
        "is reliable."
    )


class Diagnostics(Answer):
    """Counts and means over scored cycles, sites and replicates, of the background."""

    rank_histogram: list[int] = Field(
        description="How often the truth had 0, 1 .. N members below it; beyond 1024 members "
        "neighbouring ranks share a bin. Empty for methods without members."
    )
    spread_skill: SpreadSkill
    lead_rmse: list[float | None] = Field(
        description="Mean RMSE of a forecast from the analysis mean, 1, 2 .. cycles ahead."
    )


class MethodResult(Answer):
    """One method of a run."""

    method_id: str
    name: str
    label: str
    params: dict[str, Any]
    status: MethodStatus
    metrics: Metrics | None = Field(description="Null until the method has completed.")
    runtime_sec: float | None = Field(description="Device time, compilation not counted.")
    diverged_step: int | None = Field(description="For status diverged: the step.")
    diagnostics: Diagnostics | None = Field(
        description="What has been gathered so far; null until something came."
    )


class Device(Answer):
    """One device of compute."""

    platform: str
    kind: str


class Server(Answer):
    """What computed a run."""

    versions: dict[str, str]
    devices: list[Device]


class RunSummary(Answer):
    """A run without its methods' results. Times are in epoch seconds."""

    run_id: str
    status: RunStatus
    created_at: float
    started_at: float | None
    finished_at: float | None
    request: dict[str, Any] = Field(description="Resolved: defaults filled in, seed included.")
    step_count: int = Field(description="Steps of each method.")
    error: str | None
    warnings: list[str]
    runtime_sec: float | None
    server: Server | None = Field(description="Null until compute has taken it up.")


class Run(RunSummary):
    """A run with what each method has yielded."""

    methods: dict[str, MethodResult] = Field(description="By the instance's id.")


class RunPage(Answer):
    """Runs, newest first."""

    runs: list[RunSummary]
    next_cursor: str | None = Field(description="Send it as `cursor`; null on the last page.")


class OnlyWith(Answer):
    """A condition on another parameter of the same method."""

    name: str
    values: list[str] = Field(description="It must have one of these.")


class ParameterSchema(BaseModel):
    """One parameter of a method; bounds that do not exist are left out."""

    type: Literal["int", "float", "bool", "str"]
    label: str
    help: str
    min: float | None = None
    max: float | None = None
    exclusive_min: bool | None = Field(None, description="True when `min` itself is refused.")
    step: float | None = None
    choices: list[str] | None = None
    unit: str | None = None
    only_with: OnlyWith | None = Field(
        None, description="The parameter is taken only where this holds; left out: always."
    )


class MethodListing(Answer):
    """Everything that a form needs to offer the methods."""

    methods: list[str]
    requires_model: list[str] = Field(description="The local methods.")
    defaults: dict[str, dict[str, Any]]
    schema_: dict[str, dict[str, ParameterSchema]] = Field(alias="schema")
    help: dict[str, str]
    baselines: list[str] = Field(description="Reference lines rather than filters.")
    refuses: dict[str, list[str]] = Field(
        description="Fields of a run that must have their defaults: what the method cannot take "
        "into account. Methods that refuse nothing are left out."
    )


class Readiness(Answer):
    """What the gateway stands on."""

    status: Literal["ready", "not ready"]
    database: bool
    compute: bool


class FieldProblem(BaseModel):
    """One field that is refused."""

    field: str = Field(examples=["methods.0.params.r"])
    message: str


class Problem(BaseModel):
    """RFC 9457, with LEARN-DA's `error`."""

    type: str
    title: str
    status: int
    detail: str
    error: str
    errors: list[FieldProblem] | None = None
