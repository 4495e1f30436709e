"""The shapes of answers, for the API document and for clients' type generators."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from learnda.declarations import Value
from learnda.metadata import METRICS

RunStatus = Literal["queued", "running", "completed", "failed", "cancelled"]
MethodStatus = Literal["queued", "running", "completed", "diverged", "failed", "cancelled"]


def _sayable(text: str) -> str | None:
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("must be text, without NUL and halves of characters")
    return text.strip() or None


Name = Annotated[str, Field(max_length=200), AfterValidator(_sayable)]
Note = Annotated[str, Field(max_length=10_000), AfterValidator(_sayable)]


class Answer(BaseModel):
    """Nothing but what is declared."""

    model_config = ConfigDict(extra="forbid")


class RunStanding(Answer):
    """A run and what became of it."""

    run_id: str
    status: RunStatus


class Metrics(Answer):
    """Scores of one method; null where no finite value exists."""

    final: float | None = Field(description=METRICS["final"])
    mean: float | None = Field(description=METRICS["mean"])
    min: float | None = Field(description=METRICS["min"])
    rmse_a: float | None = Field(description=METRICS["rmse_a"])
    rmse_b: float | None = Field(description=METRICS["rmse_b"])
    background_final: float | None = Field(description=METRICS["background_final"])
    background_mean: float | None = Field(description=METRICS["background_mean"])
    background_min: float | None = Field(description=METRICS["background_min"])
    rmse_analysis: float | None = Field(description=METRICS["rmse_analysis"])
    rmse_background: float | None = Field(description=METRICS["rmse_background"])
    spread_analysis: float | None = Field(description=METRICS["spread_analysis"])
    spread_background: float | None = Field(description=METRICS["spread_background"])
    crps_analysis: float | None = Field(description=METRICS["crps_analysis"])
    rmse_analysis_se: float | None = Field(description=METRICS["rmse_analysis_se"])
    cycles_scored: int = Field(description=METRICS["cycles_scored"])
    diverged_replicates: int = Field(description=METRICS["diverged_replicates"])
    innovation_consistency: float | None = Field(
        None, description=METRICS["innovation_consistency"]
    )
    desroziers_error: float | None = Field(None, description=METRICS["desroziers_error"])
    desroziers_background: float | None = Field(None, description=METRICS["desroziers_background"])
    effective_sample_size: float | None = Field(None, description=METRICS["effective_sample_size"])
    spread_skill: float | None = Field(None, description=METRICS["spread_skill"])


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
    params: dict[str, Value]
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
    name: str | None = Field(description="Given by somebody, as the two that follow.")
    note: str | None
    shared: bool = Field(description="A run that is named, noted or shared is kept for good.")


class Run(RunSummary):
    """A run with what each method has yielded."""

    methods: dict[str, MethodResult] = Field(description="By the instance's id.")
    queue_place: int | None = Field(
        None, description="While it waits: 1 for the next run that is taken up."
    )


class RunWords(BaseModel):
    """What people say of a run; what is left out stays, null takes it away."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Name | None = None
    note: Note | None = None
    shared: bool = False


class RunPage(Answer):
    """Runs, newest first."""

    runs: list[RunSummary]
    next_cursor: str | None = Field(description="Send it as `cursor`; null on the last page.")
    expire_seconds: float = Field(
        description="So long after its end a run is deleted that nobody named, noted or shared."
    )


class SweepAxis(BaseModel):
    """A setting and the values that it takes."""

    model_config = ConfigDict(extra="forbid")

    field: str = Field(
        description="A field of a run, or `methods.0.params.NAME`.",
        examples=["methods.0.params.inf_fact"],
    )
    values: list[Value] = Field(min_length=1, examples=[[1.0, 1.02, 1.04]])


class SweepRequest(BaseModel):
    """One experiment, and what of it is varied."""

    model_config = ConfigDict(extra="forbid")

    request: dict[str, Any] = Field(
        description="As for POST /api/runs, with one method. In each cell an axis' value stands in "
        "place of what this says of its field."
    )
    axes: list[SweepAxis] = Field(min_length=1, max_length=2)


class SweepStanding(Answer):
    """A sweep and what became of it."""

    sweep_id: str
    status: RunStatus


class CellSeries(Answer):
    """The course of one cell, thinned: means over its replicates."""

    t: list[float]
    rmse_analysis: list[float | None]


class SweepCell(Answer):
    """One cell of a sweep."""

    cell: int = Field(description="From 0; the last axis is the fastest.")
    values: list[Value] = Field(description="Of each axis.")
    run_id: str
    method_id: str
    status: MethodStatus
    metrics: Metrics | None
    diverged_step: int | None
    last_step: int = Field(description="Computed so far; -1 before the first.")
    series: CellSeries | None = None
    request: dict[str, Any] | None = Field(
        None, description="This cell as a run: the same truth, observations and numbers."
    )


class SweepSummary(Answer):
    """A sweep without its cells. Times are in epoch seconds."""

    sweep_id: str
    status: RunStatus
    created_at: float
    finished_at: float | None
    error: str | None
    request: dict[str, Any] = Field(description="As it was sent, with its seed.")
    axes: list[SweepAxis]
    name: str | None
    note: str | None
    shared: bool = Field(description="A sweep that is named, noted or shared is kept for good.")


class Sweep(SweepSummary):
    """A sweep with its cells."""

    cells: list[SweepCell]


class SweepPage(Answer):
    """Sweeps, newest first."""

    sweeps: list[SweepSummary]
    next_cursor: str | None = Field(description="Send it as `cursor`; null on the last page.")


class CostLimits(Answer):
    """What one run may cost on this server."""

    bytes: int
    operations: float
    rows: int
    methods: int = Field(description="Method instances.")


class FieldProblem(BaseModel):
    """One field that is refused."""

    field: str = Field(examples=["methods.0.params.r"])
    message: str


class Estimate(Answer):
    """What a run would take; orders of magnitude, meant to be a little high."""

    bytes: float = Field(description="Of memory, at the peak.")
    operations: float = Field(description="Floating-point operations.")
    rows: float = Field(description="Method x replicate x step.")
    seconds: float = Field(
        description="From its start to its end, when no other run goes on and its programs are "
        "compiled already."
    )
    basis: Literal["history", "default"] = Field(
        description="Where `seconds` comes from: runs that were completed here lately, those alike "
        "first, or a usual machine."
    )
    fits: bool = Field(description="False when it would be refused for its cost.")
    limits: CostLimits
    errors: list[FieldProblem] = Field(
        description="When it does not fit: each field of a product that is too large."
    )


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
    defaults: dict[str, dict[str, Value]]
    schema_: dict[str, dict[str, ParameterSchema]] = Field(alias="schema")
    help: dict[str, str]
    baselines: list[str] = Field(description="Reference lines rather than filters.")
    references: dict[str, str] = Field(
        description="Whose method it is, with DOIs; methods without a source are left out."
    )
    refuses: dict[str, list[str]] = Field(
        description="Fields of a run that must have their defaults: what the method cannot take "
        "into account. Methods that refuse nothing are left out."
    )


class Readiness(Answer):
    """What the gateway stands on."""

    status: Literal["ready", "not ready"]
    database: bool
    compute: bool


class Session(Answer):
    """What the page asks first."""

    token_needed: bool
    session: bool = Field(description="True when this browser is signed in.")
    name: str | None = Field(description="Of the token that it signed in with.")


class Problem(BaseModel):
    """RFC 9457, with LEARN-DA's `error`."""

    type: str
    title: str
    status: int
    detail: str
    error: str
    errors: list[FieldProblem] | None = None
    reference: str | None = Field(
        None, description="Of an error of the server: what its log calls the request."
    )
