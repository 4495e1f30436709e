from google.protobuf import struct_pb2 as _struct_pb2
from learnda.v1 import analysis_pb2 as _analysis_pb2
from learnda.v1 import common_pb2 as _common_pb2
from learnda.v1 import integration_pb2 as _integration_pb2
from learnda.v1 import tensors_pb2 as _tensors_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ParameterType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PARAMETER_TYPE_UNSPECIFIED: _ClassVar[ParameterType]
    PARAMETER_TYPE_INT: _ClassVar[ParameterType]
    PARAMETER_TYPE_FLOAT: _ClassVar[ParameterType]
    PARAMETER_TYPE_BOOL: _ClassVar[ParameterType]
    PARAMETER_TYPE_STR: _ClassVar[ParameterType]

class ObsNetwork(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OBS_NETWORK_UNSPECIFIED: _ClassVar[ObsNetwork]
    OBS_NETWORK_RANDOM: _ClassVar[ObsNetwork]
    OBS_NETWORK_FIXED: _ClassVar[ObsNetwork]
    OBS_NETWORK_REGULAR: _ClassVar[ObsNetwork]

class Initial(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INITIAL_UNSPECIFIED: _ClassVar[Initial]
    INITIAL_CLIMATOLOGY: _ClassVar[Initial]
    INITIAL_PERTURBED_TRUTH: _ClassVar[Initial]

class MethodStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    METHOD_STATUS_UNSPECIFIED: _ClassVar[MethodStatus]
    METHOD_STATUS_COMPLETED: _ClassVar[MethodStatus]
    METHOD_STATUS_DIVERGED: _ClassVar[MethodStatus]
PARAMETER_TYPE_UNSPECIFIED: ParameterType
PARAMETER_TYPE_INT: ParameterType
PARAMETER_TYPE_FLOAT: ParameterType
PARAMETER_TYPE_BOOL: ParameterType
PARAMETER_TYPE_STR: ParameterType
OBS_NETWORK_UNSPECIFIED: ObsNetwork
OBS_NETWORK_RANDOM: ObsNetwork
OBS_NETWORK_FIXED: ObsNetwork
OBS_NETWORK_REGULAR: ObsNetwork
INITIAL_UNSPECIFIED: Initial
INITIAL_CLIMATOLOGY: Initial
INITIAL_PERTURBED_TRUTH: Initial
METHOD_STATUS_UNSPECIFIED: MethodStatus
METHOD_STATUS_COMPLETED: MethodStatus
METHOD_STATUS_DIVERGED: MethodStatus

class ListMethodsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListMethodsResponse(_message.Message):
    __slots__ = ("methods",)
    METHODS_FIELD_NUMBER: _ClassVar[int]
    methods: _containers.RepeatedCompositeFieldContainer[Method]
    def __init__(self, methods: _Optional[_Iterable[_Union[Method, _Mapping]]] = ...) -> None: ...

class Method(_message.Message):
    __slots__ = ("name", "help", "reference", "requires_model", "baseline", "inherits_inflation", "parameters", "refuses", "work", "without_members", "analyzes", "needs_sites")
    NAME_FIELD_NUMBER: _ClassVar[int]
    HELP_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    REQUIRES_MODEL_FIELD_NUMBER: _ClassVar[int]
    BASELINE_FIELD_NUMBER: _ClassVar[int]
    INHERITS_INFLATION_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    REFUSES_FIELD_NUMBER: _ClassVar[int]
    WORK_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_MEMBERS_FIELD_NUMBER: _ClassVar[int]
    ANALYZES_FIELD_NUMBER: _ClassVar[int]
    NEEDS_SITES_FIELD_NUMBER: _ClassVar[int]
    name: str
    help: str
    reference: str
    requires_model: bool
    baseline: bool
    inherits_inflation: bool
    parameters: _containers.RepeatedCompositeFieldContainer[Parameter]
    refuses: _containers.RepeatedScalarFieldContainer[str]
    work: str
    without_members: bool
    analyzes: bool
    needs_sites: bool
    def __init__(self, name: _Optional[str] = ..., help: _Optional[str] = ..., reference: _Optional[str] = ..., requires_model: _Optional[bool] = ..., baseline: _Optional[bool] = ..., inherits_inflation: _Optional[bool] = ..., parameters: _Optional[_Iterable[_Union[Parameter, _Mapping]]] = ..., refuses: _Optional[_Iterable[str]] = ..., work: _Optional[str] = ..., without_members: _Optional[bool] = ..., analyzes: _Optional[bool] = ..., needs_sites: _Optional[bool] = ...) -> None: ...

class Parameter(_message.Message):
    __slots__ = ("name", "type", "default_value", "min", "max", "exclusive_min", "step", "choices", "unit", "label", "help", "only_with")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_VALUE_FIELD_NUMBER: _ClassVar[int]
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    EXCLUSIVE_MIN_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    HELP_FIELD_NUMBER: _ClassVar[int]
    ONLY_WITH_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: ParameterType
    default_value: _struct_pb2.Value
    min: float
    max: float
    exclusive_min: bool
    step: float
    choices: _containers.RepeatedScalarFieldContainer[str]
    unit: str
    label: str
    help: str
    only_with: OnlyWith
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[ParameterType, str]] = ..., default_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., min: _Optional[float] = ..., max: _Optional[float] = ..., exclusive_min: _Optional[bool] = ..., step: _Optional[float] = ..., choices: _Optional[_Iterable[str]] = ..., unit: _Optional[str] = ..., label: _Optional[str] = ..., help: _Optional[str] = ..., only_with: _Optional[_Union[OnlyWith, _Mapping]] = ...) -> None: ...

class OnlyWith(_message.Message):
    __slots__ = ("name", "values")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    name: str
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ...) -> None: ...

class GetServerInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetServerInfoResponse(_message.Message):
    __slots__ = ("server", "limits", "programs", "activity")
    SERVER_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    PROGRAMS_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_FIELD_NUMBER: _ClassVar[int]
    server: _common_pb2.Server
    limits: Limits
    programs: _containers.RepeatedCompositeFieldContainer[CompiledProgram]
    activity: Activity
    def __init__(self, server: _Optional[_Union[_common_pb2.Server, _Mapping]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., programs: _Optional[_Iterable[_Union[CompiledProgram, _Mapping]]] = ..., activity: _Optional[_Union[Activity, _Mapping]] = ...) -> None: ...

class Activity(_message.Message):
    __slots__ = ("identity", "started_at", "cycle_count", "compile_count", "compile_seconds", "active_run_count", "longest_step_seconds", "analysis_count", "open_session_count")
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    CYCLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    COMPILE_COUNT_FIELD_NUMBER: _ClassVar[int]
    COMPILE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    LONGEST_STEP_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ANALYSIS_COUNT_FIELD_NUMBER: _ClassVar[int]
    OPEN_SESSION_COUNT_FIELD_NUMBER: _ClassVar[int]
    identity: str
    started_at: float
    cycle_count: int
    compile_count: int
    compile_seconds: float
    active_run_count: int
    longest_step_seconds: float
    analysis_count: int
    open_session_count: int
    def __init__(self, identity: _Optional[str] = ..., started_at: _Optional[float] = ..., cycle_count: _Optional[int] = ..., compile_count: _Optional[int] = ..., compile_seconds: _Optional[float] = ..., active_run_count: _Optional[int] = ..., longest_step_seconds: _Optional[float] = ..., analysis_count: _Optional[int] = ..., open_session_count: _Optional[int] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_bytes", "max_operations", "max_rows", "max_methods")
    MAX_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    MAX_METHODS_FIELD_NUMBER: _ClassVar[int]
    max_bytes: int
    max_operations: float
    max_rows: int
    max_methods: int
    def __init__(self, max_bytes: _Optional[int] = ..., max_operations: _Optional[float] = ..., max_rows: _Optional[int] = ..., max_methods: _Optional[int] = ...) -> None: ...

class CompiledProgram(_message.Message):
    __slots__ = ("name", "shape", "compile_seconds")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    COMPILE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    name: str
    shape: str
    compile_seconds: float
    def __init__(self, name: _Optional[str] = ..., shape: _Optional[str] = ..., compile_seconds: _Optional[float] = ...) -> None: ...

class Experiment(_message.Message):
    __slots__ = ("model", "ensemble_size", "m", "std_obs", "obs_freq", "end_time", "inf_fact", "lorenz96_n", "lorenz96_f", "seed", "replicates", "dt", "obs_network", "obs_sites", "initial", "initial_std", "burn_in", "precision", "obs_operator", "obs_error", "obs_error_dof", "obs_error_correlation", "std_obs_sites", "forecast_f", "truth_noise", "forecast_noise", "forecast_leads", "record_states")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    ENSEMBLE_SIZE_FIELD_NUMBER: _ClassVar[int]
    M_FIELD_NUMBER: _ClassVar[int]
    STD_OBS_FIELD_NUMBER: _ClassVar[int]
    OBS_FREQ_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    INF_FACT_FIELD_NUMBER: _ClassVar[int]
    LORENZ96_N_FIELD_NUMBER: _ClassVar[int]
    LORENZ96_F_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    REPLICATES_FIELD_NUMBER: _ClassVar[int]
    DT_FIELD_NUMBER: _ClassVar[int]
    OBS_NETWORK_FIELD_NUMBER: _ClassVar[int]
    OBS_SITES_FIELD_NUMBER: _ClassVar[int]
    INITIAL_FIELD_NUMBER: _ClassVar[int]
    INITIAL_STD_FIELD_NUMBER: _ClassVar[int]
    BURN_IN_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    OBS_OPERATOR_FIELD_NUMBER: _ClassVar[int]
    OBS_ERROR_FIELD_NUMBER: _ClassVar[int]
    OBS_ERROR_DOF_FIELD_NUMBER: _ClassVar[int]
    OBS_ERROR_CORRELATION_FIELD_NUMBER: _ClassVar[int]
    STD_OBS_SITES_FIELD_NUMBER: _ClassVar[int]
    FORECAST_F_FIELD_NUMBER: _ClassVar[int]
    TRUTH_NOISE_FIELD_NUMBER: _ClassVar[int]
    FORECAST_NOISE_FIELD_NUMBER: _ClassVar[int]
    FORECAST_LEADS_FIELD_NUMBER: _ClassVar[int]
    RECORD_STATES_FIELD_NUMBER: _ClassVar[int]
    model: str
    ensemble_size: int
    m: int
    std_obs: float
    obs_freq: float
    end_time: float
    inf_fact: float
    lorenz96_n: int
    lorenz96_f: float
    seed: int
    replicates: int
    dt: float
    obs_network: ObsNetwork
    obs_sites: _containers.RepeatedScalarFieldContainer[int]
    initial: Initial
    initial_std: float
    burn_in: float
    precision: _common_pb2.Precision
    obs_operator: _common_pb2.ObsOperator
    obs_error: _common_pb2.ObsError
    obs_error_dof: float
    obs_error_correlation: float
    std_obs_sites: _containers.RepeatedScalarFieldContainer[float]
    forecast_f: float
    truth_noise: float
    forecast_noise: float
    forecast_leads: int
    record_states: bool
    def __init__(self, model: _Optional[str] = ..., ensemble_size: _Optional[int] = ..., m: _Optional[int] = ..., std_obs: _Optional[float] = ..., obs_freq: _Optional[float] = ..., end_time: _Optional[float] = ..., inf_fact: _Optional[float] = ..., lorenz96_n: _Optional[int] = ..., lorenz96_f: _Optional[float] = ..., seed: _Optional[int] = ..., replicates: _Optional[int] = ..., dt: _Optional[float] = ..., obs_network: _Optional[_Union[ObsNetwork, str]] = ..., obs_sites: _Optional[_Iterable[int]] = ..., initial: _Optional[_Union[Initial, str]] = ..., initial_std: _Optional[float] = ..., burn_in: _Optional[float] = ..., precision: _Optional[_Union[_common_pb2.Precision, str]] = ..., obs_operator: _Optional[_Union[_common_pb2.ObsOperator, str]] = ..., obs_error: _Optional[_Union[_common_pb2.ObsError, str]] = ..., obs_error_dof: _Optional[float] = ..., obs_error_correlation: _Optional[float] = ..., std_obs_sites: _Optional[_Iterable[float]] = ..., forecast_f: _Optional[float] = ..., truth_noise: _Optional[float] = ..., forecast_noise: _Optional[float] = ..., forecast_leads: _Optional[int] = ..., record_states: _Optional[bool] = ...) -> None: ...

class MethodInstance(_message.Message):
    __slots__ = ("id", "name", "label", "params")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    label: str
    params: _struct_pb2.Struct
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., label: _Optional[str] = ..., params: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class RunExperimentRequest(_message.Message):
    __slots__ = ("experiment", "methods", "resume_from", "checkpoint_interval_seconds")
    EXPERIMENT_FIELD_NUMBER: _ClassVar[int]
    METHODS_FIELD_NUMBER: _ClassVar[int]
    RESUME_FROM_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_INTERVAL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    experiment: Experiment
    methods: _containers.RepeatedCompositeFieldContainer[MethodInstance]
    resume_from: _containers.RepeatedCompositeFieldContainer[Checkpoint]
    checkpoint_interval_seconds: float
    def __init__(self, experiment: _Optional[_Union[Experiment, _Mapping]] = ..., methods: _Optional[_Iterable[_Union[MethodInstance, _Mapping]]] = ..., resume_from: _Optional[_Iterable[_Union[Checkpoint, _Mapping]]] = ..., checkpoint_interval_seconds: _Optional[float] = ...) -> None: ...

class RunExperimentResponse(_message.Message):
    __slots__ = ("started", "compiling", "method_started", "progress", "checkpoint", "method_completed", "completed", "states")
    STARTED_FIELD_NUMBER: _ClassVar[int]
    COMPILING_FIELD_NUMBER: _ClassVar[int]
    METHOD_STARTED_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    METHOD_COMPLETED_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    started: RunStarted
    compiling: Compiling
    method_started: MethodStarted
    progress: Progress
    checkpoint: Checkpoint
    method_completed: MethodCompleted
    completed: RunCompleted
    states: States
    def __init__(self, started: _Optional[_Union[RunStarted, _Mapping]] = ..., compiling: _Optional[_Union[Compiling, _Mapping]] = ..., method_started: _Optional[_Union[MethodStarted, _Mapping]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., checkpoint: _Optional[_Union[Checkpoint, _Mapping]] = ..., method_completed: _Optional[_Union[MethodCompleted, _Mapping]] = ..., completed: _Optional[_Union[RunCompleted, _Mapping]] = ..., states: _Optional[_Union[States, _Mapping]] = ...) -> None: ...

class RunStarted(_message.Message):
    __slots__ = ("experiment", "methods", "step_count", "first_step", "server")
    EXPERIMENT_FIELD_NUMBER: _ClassVar[int]
    METHODS_FIELD_NUMBER: _ClassVar[int]
    STEP_COUNT_FIELD_NUMBER: _ClassVar[int]
    FIRST_STEP_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    experiment: Experiment
    methods: _containers.RepeatedCompositeFieldContainer[MethodInstance]
    step_count: int
    first_step: int
    server: _common_pb2.Server
    def __init__(self, experiment: _Optional[_Union[Experiment, _Mapping]] = ..., methods: _Optional[_Iterable[_Union[MethodInstance, _Mapping]]] = ..., step_count: _Optional[int] = ..., first_step: _Optional[int] = ..., server: _Optional[_Union[_common_pb2.Server, _Mapping]] = ...) -> None: ...

class Compiling(_message.Message):
    __slots__ = ("program", "estimated_seconds")
    PROGRAM_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_SECONDS_FIELD_NUMBER: _ClassVar[int]
    program: str
    estimated_seconds: float
    def __init__(self, program: _Optional[str] = ..., estimated_seconds: _Optional[float] = ...) -> None: ...

class MethodStarted(_message.Message):
    __slots__ = ("method_id",)
    METHOD_ID_FIELD_NUMBER: _ClassVar[int]
    method_id: str
    def __init__(self, method_id: _Optional[str] = ...) -> None: ...

class Series(_message.Message):
    __slots__ = ("error_b", "error_a", "rmse_background", "rmse_analysis", "spread_background", "spread_analysis", "crps_analysis", "innovation_consistency", "desroziers_error", "desroziers_background", "effective_sample_size")
    ERROR_B_FIELD_NUMBER: _ClassVar[int]
    ERROR_A_FIELD_NUMBER: _ClassVar[int]
    RMSE_BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    RMSE_ANALYSIS_FIELD_NUMBER: _ClassVar[int]
    SPREAD_BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    SPREAD_ANALYSIS_FIELD_NUMBER: _ClassVar[int]
    CRPS_ANALYSIS_FIELD_NUMBER: _ClassVar[int]
    INNOVATION_CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    DESROZIERS_ERROR_FIELD_NUMBER: _ClassVar[int]
    DESROZIERS_BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_SAMPLE_SIZE_FIELD_NUMBER: _ClassVar[int]
    error_b: _containers.RepeatedScalarFieldContainer[float]
    error_a: _containers.RepeatedScalarFieldContainer[float]
    rmse_background: _containers.RepeatedScalarFieldContainer[float]
    rmse_analysis: _containers.RepeatedScalarFieldContainer[float]
    spread_background: _containers.RepeatedScalarFieldContainer[float]
    spread_analysis: _containers.RepeatedScalarFieldContainer[float]
    crps_analysis: _containers.RepeatedScalarFieldContainer[float]
    innovation_consistency: _containers.RepeatedScalarFieldContainer[float]
    desroziers_error: _containers.RepeatedScalarFieldContainer[float]
    desroziers_background: _containers.RepeatedScalarFieldContainer[float]
    effective_sample_size: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, error_b: _Optional[_Iterable[float]] = ..., error_a: _Optional[_Iterable[float]] = ..., rmse_background: _Optional[_Iterable[float]] = ..., rmse_analysis: _Optional[_Iterable[float]] = ..., spread_background: _Optional[_Iterable[float]] = ..., spread_analysis: _Optional[_Iterable[float]] = ..., crps_analysis: _Optional[_Iterable[float]] = ..., innovation_consistency: _Optional[_Iterable[float]] = ..., desroziers_error: _Optional[_Iterable[float]] = ..., desroziers_background: _Optional[_Iterable[float]] = ..., effective_sample_size: _Optional[_Iterable[float]] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("method_id", "first_step", "step_count", "replicate_count", "t", "replicates", "mean", "diagnostics", "low", "high")
    METHOD_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_STEP_FIELD_NUMBER: _ClassVar[int]
    STEP_COUNT_FIELD_NUMBER: _ClassVar[int]
    REPLICATE_COUNT_FIELD_NUMBER: _ClassVar[int]
    T_FIELD_NUMBER: _ClassVar[int]
    REPLICATES_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    method_id: str
    first_step: int
    step_count: int
    replicate_count: int
    t: _containers.RepeatedScalarFieldContainer[float]
    replicates: Series
    mean: Series
    diagnostics: Diagnostics
    low: Series
    high: Series
    def __init__(self, method_id: _Optional[str] = ..., first_step: _Optional[int] = ..., step_count: _Optional[int] = ..., replicate_count: _Optional[int] = ..., t: _Optional[_Iterable[float]] = ..., replicates: _Optional[_Union[Series, _Mapping]] = ..., mean: _Optional[_Union[Series, _Mapping]] = ..., diagnostics: _Optional[_Union[Diagnostics, _Mapping]] = ..., low: _Optional[_Union[Series, _Mapping]] = ..., high: _Optional[_Union[Series, _Mapping]] = ...) -> None: ...

class States(_message.Message):
    __slots__ = ("method_id", "steps", "site_count", "state_count", "data")
    METHOD_ID_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    SITE_COUNT_FIELD_NUMBER: _ClassVar[int]
    STATE_COUNT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    method_id: str
    steps: _containers.RepeatedScalarFieldContainer[int]
    site_count: int
    state_count: int
    data: bytes
    def __init__(self, method_id: _Optional[str] = ..., steps: _Optional[_Iterable[int]] = ..., site_count: _Optional[int] = ..., state_count: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class Diagnostics(_message.Message):
    __slots__ = ("rank_histogram", "spread_edges", "spread_counts", "spread_rms", "error_rms", "lead_rmse")
    RANK_HISTOGRAM_FIELD_NUMBER: _ClassVar[int]
    SPREAD_EDGES_FIELD_NUMBER: _ClassVar[int]
    SPREAD_COUNTS_FIELD_NUMBER: _ClassVar[int]
    SPREAD_RMS_FIELD_NUMBER: _ClassVar[int]
    ERROR_RMS_FIELD_NUMBER: _ClassVar[int]
    LEAD_RMSE_FIELD_NUMBER: _ClassVar[int]
    rank_histogram: _containers.RepeatedScalarFieldContainer[int]
    spread_edges: _containers.RepeatedScalarFieldContainer[float]
    spread_counts: _containers.RepeatedScalarFieldContainer[int]
    spread_rms: _containers.RepeatedScalarFieldContainer[float]
    error_rms: _containers.RepeatedScalarFieldContainer[float]
    lead_rmse: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, rank_histogram: _Optional[_Iterable[int]] = ..., spread_edges: _Optional[_Iterable[float]] = ..., spread_counts: _Optional[_Iterable[int]] = ..., spread_rms: _Optional[_Iterable[float]] = ..., error_rms: _Optional[_Iterable[float]] = ..., lead_rmse: _Optional[_Iterable[float]] = ...) -> None: ...

class Checkpoint(_message.Message):
    __slots__ = ("step", "part_index", "part_count", "data")
    STEP_FIELD_NUMBER: _ClassVar[int]
    PART_INDEX_FIELD_NUMBER: _ClassVar[int]
    PART_COUNT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    step: int
    part_index: int
    part_count: int
    data: bytes
    def __init__(self, step: _Optional[int] = ..., part_index: _Optional[int] = ..., part_count: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class MethodCompleted(_message.Message):
    __slots__ = ("method_id", "status", "metrics", "runtime_seconds", "diverged_step", "diagnostics")
    METHOD_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    RUNTIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    DIVERGED_STEP_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    method_id: str
    status: MethodStatus
    metrics: Metrics
    runtime_seconds: float
    diverged_step: int
    diagnostics: Diagnostics
    def __init__(self, method_id: _Optional[str] = ..., status: _Optional[_Union[MethodStatus, str]] = ..., metrics: _Optional[_Union[Metrics, _Mapping]] = ..., runtime_seconds: _Optional[float] = ..., diverged_step: _Optional[int] = ..., diagnostics: _Optional[_Union[Diagnostics, _Mapping]] = ...) -> None: ...

class Metrics(_message.Message):
    __slots__ = ("final", "mean", "min", "rmse_a", "rmse_b", "background_final", "background_mean", "background_min", "rmse_analysis", "rmse_background", "spread_analysis", "spread_background", "crps_analysis", "rmse_analysis_se", "cycles_scored", "diverged_replicates", "innovation_consistency", "desroziers_error", "desroziers_background", "effective_sample_size", "spread_skill")
    FINAL_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    MIN_FIELD_NUMBER: _ClassVar[int]
    RMSE_A_FIELD_NUMBER: _ClassVar[int]
    RMSE_B_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_FINAL_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_MEAN_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_MIN_FIELD_NUMBER: _ClassVar[int]
    RMSE_ANALYSIS_FIELD_NUMBER: _ClassVar[int]
    RMSE_BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    SPREAD_ANALYSIS_FIELD_NUMBER: _ClassVar[int]
    SPREAD_BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    CRPS_ANALYSIS_FIELD_NUMBER: _ClassVar[int]
    RMSE_ANALYSIS_SE_FIELD_NUMBER: _ClassVar[int]
    CYCLES_SCORED_FIELD_NUMBER: _ClassVar[int]
    DIVERGED_REPLICATES_FIELD_NUMBER: _ClassVar[int]
    INNOVATION_CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    DESROZIERS_ERROR_FIELD_NUMBER: _ClassVar[int]
    DESROZIERS_BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_SAMPLE_SIZE_FIELD_NUMBER: _ClassVar[int]
    SPREAD_SKILL_FIELD_NUMBER: _ClassVar[int]
    final: float
    mean: float
    min: float
    rmse_a: float
    rmse_b: float
    background_final: float
    background_mean: float
    background_min: float
    rmse_analysis: float
    rmse_background: float
    spread_analysis: float
    spread_background: float
    crps_analysis: float
    rmse_analysis_se: float
    cycles_scored: int
    diverged_replicates: int
    innovation_consistency: float
    desroziers_error: float
    desroziers_background: float
    effective_sample_size: float
    spread_skill: float
    def __init__(self, final: _Optional[float] = ..., mean: _Optional[float] = ..., min: _Optional[float] = ..., rmse_a: _Optional[float] = ..., rmse_b: _Optional[float] = ..., background_final: _Optional[float] = ..., background_mean: _Optional[float] = ..., background_min: _Optional[float] = ..., rmse_analysis: _Optional[float] = ..., rmse_background: _Optional[float] = ..., spread_analysis: _Optional[float] = ..., spread_background: _Optional[float] = ..., crps_analysis: _Optional[float] = ..., rmse_analysis_se: _Optional[float] = ..., cycles_scored: _Optional[int] = ..., diverged_replicates: _Optional[int] = ..., innovation_consistency: _Optional[float] = ..., desroziers_error: _Optional[float] = ..., desroziers_background: _Optional[float] = ..., effective_sample_size: _Optional[float] = ..., spread_skill: _Optional[float] = ...) -> None: ...

class RunCompleted(_message.Message):
    __slots__ = ("runtime_seconds", "warnings")
    RUNTIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    runtime_seconds: float
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, runtime_seconds: _Optional[float] = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...

class StreamNatureRequest(_message.Message):
    __slots__ = ("experiment", "replicate")
    EXPERIMENT_FIELD_NUMBER: _ClassVar[int]
    REPLICATE_FIELD_NUMBER: _ClassVar[int]
    experiment: Experiment
    replicate: int
    def __init__(self, experiment: _Optional[_Union[Experiment, _Mapping]] = ..., replicate: _Optional[int] = ...) -> None: ...

class StreamNatureResponse(_message.Message):
    __slots__ = ("started", "span", "part")
    STARTED_FIELD_NUMBER: _ClassVar[int]
    SPAN_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    started: NatureStarted
    span: NatureSpan
    part: _tensors_pb2.TensorPart
    def __init__(self, started: _Optional[_Union[NatureStarted, _Mapping]] = ..., span: _Optional[_Union[NatureSpan, _Mapping]] = ..., part: _Optional[_Union[_tensors_pb2.TensorPart, _Mapping]] = ...) -> None: ...

class NatureStarted(_message.Message):
    __slots__ = ("experiment", "step_count", "ensemble", "server")
    EXPERIMENT_FIELD_NUMBER: _ClassVar[int]
    STEP_COUNT_FIELD_NUMBER: _ClassVar[int]
    ENSEMBLE_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    experiment: Experiment
    step_count: int
    ensemble: _tensors_pb2.Tensor
    server: _common_pb2.Server
    def __init__(self, experiment: _Optional[_Union[Experiment, _Mapping]] = ..., step_count: _Optional[int] = ..., ensemble: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ..., server: _Optional[_Union[_common_pb2.Server, _Mapping]] = ...) -> None: ...

class NatureSpan(_message.Message):
    __slots__ = ("first_step", "t", "truth", "sites", "values")
    FIRST_STEP_FIELD_NUMBER: _ClassVar[int]
    T_FIELD_NUMBER: _ClassVar[int]
    TRUTH_FIELD_NUMBER: _ClassVar[int]
    SITES_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    first_step: int
    t: _containers.RepeatedScalarFieldContainer[float]
    truth: _tensors_pb2.Tensor
    sites: _tensors_pb2.Tensor
    values: _tensors_pb2.Tensor
    def __init__(self, first_step: _Optional[int] = ..., t: _Optional[_Iterable[float]] = ..., truth: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ..., sites: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ..., values: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ...) -> None: ...
