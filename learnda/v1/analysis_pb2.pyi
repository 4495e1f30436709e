from google.protobuf import struct_pb2 as _struct_pb2
from learnda.v1 import common_pb2 as _common_pb2
from learnda.v1 import tensors_pb2 as _tensors_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AnalysisSetting(_message.Message):
    __slots__ = ("method", "params", "seed", "geometry", "obs_operator", "obs_error", "obs_error_dof")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    GEOMETRY_FIELD_NUMBER: _ClassVar[int]
    OBS_OPERATOR_FIELD_NUMBER: _ClassVar[int]
    OBS_ERROR_FIELD_NUMBER: _ClassVar[int]
    OBS_ERROR_DOF_FIELD_NUMBER: _ClassVar[int]
    method: str
    params: _struct_pb2.Struct
    seed: int
    geometry: Geometry
    obs_operator: _common_pb2.ObsOperator
    obs_error: _common_pb2.ObsError
    obs_error_dof: float
    def __init__(self, method: _Optional[str] = ..., params: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., seed: _Optional[int] = ..., geometry: _Optional[_Union[Geometry, _Mapping]] = ..., obs_operator: _Optional[_Union[_common_pb2.ObsOperator, str]] = ..., obs_error: _Optional[_Union[_common_pb2.ObsError, str]] = ..., obs_error_dof: _Optional[float] = ...) -> None: ...

class Geometry(_message.Message):
    __slots__ = ("ring", "interval", "plane", "sphere")
    RING_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    PLANE_FIELD_NUMBER: _ClassVar[int]
    SPHERE_FIELD_NUMBER: _ClassVar[int]
    ring: Ring
    interval: Interval
    plane: Plane
    sphere: Sphere
    def __init__(self, ring: _Optional[_Union[Ring, _Mapping]] = ..., interval: _Optional[_Union[Interval, _Mapping]] = ..., plane: _Optional[_Union[Plane, _Mapping]] = ..., sphere: _Optional[_Union[Sphere, _Mapping]] = ...) -> None: ...

class Ring(_message.Message):
    __slots__ = ("coordinates", "length")
    COORDINATES_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    coordinates: _tensors_pb2.Tensor
    length: float
    def __init__(self, coordinates: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ..., length: _Optional[float] = ...) -> None: ...

class Interval(_message.Message):
    __slots__ = ("coordinates",)
    COORDINATES_FIELD_NUMBER: _ClassVar[int]
    coordinates: _tensors_pb2.Tensor
    def __init__(self, coordinates: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ...) -> None: ...

class Plane(_message.Message):
    __slots__ = ("coordinates",)
    COORDINATES_FIELD_NUMBER: _ClassVar[int]
    coordinates: _tensors_pb2.Tensor
    def __init__(self, coordinates: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ...) -> None: ...

class Sphere(_message.Message):
    __slots__ = ("coordinates", "radius")
    COORDINATES_FIELD_NUMBER: _ClassVar[int]
    RADIUS_FIELD_NUMBER: _ClassVar[int]
    coordinates: _tensors_pb2.Tensor
    radius: float
    def __init__(self, coordinates: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ..., radius: _Optional[float] = ...) -> None: ...

class Observations(_message.Message):
    __slots__ = ("values", "predicted", "sites", "matrix", "variances", "covariance", "coordinates", "state_tapers", "observation_tapers")
    VALUES_FIELD_NUMBER: _ClassVar[int]
    PREDICTED_FIELD_NUMBER: _ClassVar[int]
    SITES_FIELD_NUMBER: _ClassVar[int]
    MATRIX_FIELD_NUMBER: _ClassVar[int]
    VARIANCES_FIELD_NUMBER: _ClassVar[int]
    COVARIANCE_FIELD_NUMBER: _ClassVar[int]
    COORDINATES_FIELD_NUMBER: _ClassVar[int]
    STATE_TAPERS_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_TAPERS_FIELD_NUMBER: _ClassVar[int]
    values: _tensors_pb2.Tensor
    predicted: _tensors_pb2.Tensor
    sites: _tensors_pb2.Tensor
    matrix: _tensors_pb2.Tensor
    variances: _tensors_pb2.Tensor
    covariance: _tensors_pb2.Tensor
    coordinates: _tensors_pb2.Tensor
    state_tapers: _tensors_pb2.Tensor
    observation_tapers: _tensors_pb2.Tensor
    def __init__(self, values: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ..., predicted: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ..., sites: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ..., matrix: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ..., variances: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ..., covariance: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ..., coordinates: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ..., state_tapers: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ..., observation_tapers: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ...) -> None: ...

class AnalyzeRequest(_message.Message):
    __slots__ = ("setting", "ensemble", "observations", "cycle")
    SETTING_FIELD_NUMBER: _ClassVar[int]
    ENSEMBLE_FIELD_NUMBER: _ClassVar[int]
    OBSERVATIONS_FIELD_NUMBER: _ClassVar[int]
    CYCLE_FIELD_NUMBER: _ClassVar[int]
    setting: AnalysisSetting
    ensemble: _tensors_pb2.Tensor
    observations: Observations
    cycle: int
    def __init__(self, setting: _Optional[_Union[AnalysisSetting, _Mapping]] = ..., ensemble: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ..., observations: _Optional[_Union[Observations, _Mapping]] = ..., cycle: _Optional[int] = ...) -> None: ...

class AnalyzeResponse(_message.Message):
    __slots__ = ("setting", "ensemble", "diagnostics", "analysis_seconds", "server")
    SETTING_FIELD_NUMBER: _ClassVar[int]
    ENSEMBLE_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    ANALYSIS_SECONDS_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    setting: AnalysisSetting
    ensemble: _tensors_pb2.Tensor
    diagnostics: _containers.RepeatedCompositeFieldContainer[AnalysisDiagnostics]
    analysis_seconds: float
    server: _common_pb2.Server
    def __init__(self, setting: _Optional[_Union[AnalysisSetting, _Mapping]] = ..., ensemble: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ..., diagnostics: _Optional[_Iterable[_Union[AnalysisDiagnostics, _Mapping]]] = ..., analysis_seconds: _Optional[float] = ..., server: _Optional[_Union[_common_pb2.Server, _Mapping]] = ...) -> None: ...

class AnalyzeInPartsRequest(_message.Message):
    __slots__ = ("analyze", "part")
    ANALYZE_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    analyze: AnalyzeRequest
    part: _tensors_pb2.TensorPart
    def __init__(self, analyze: _Optional[_Union[AnalyzeRequest, _Mapping]] = ..., part: _Optional[_Union[_tensors_pb2.TensorPart, _Mapping]] = ...) -> None: ...

class AnalyzeInPartsResponse(_message.Message):
    __slots__ = ("analysis", "part")
    ANALYSIS_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    analysis: AnalyzeResponse
    part: _tensors_pb2.TensorPart
    def __init__(self, analysis: _Optional[_Union[AnalyzeResponse, _Mapping]] = ..., part: _Optional[_Union[_tensors_pb2.TensorPart, _Mapping]] = ...) -> None: ...

class AnalysisDiagnostics(_message.Message):
    __slots__ = ("spread_background", "spread_analysis", "innovation_mean", "innovation_rms", "innovation_consistency", "desroziers_error", "desroziers_background", "effective_sample_size")
    SPREAD_BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    SPREAD_ANALYSIS_FIELD_NUMBER: _ClassVar[int]
    INNOVATION_MEAN_FIELD_NUMBER: _ClassVar[int]
    INNOVATION_RMS_FIELD_NUMBER: _ClassVar[int]
    INNOVATION_CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    DESROZIERS_ERROR_FIELD_NUMBER: _ClassVar[int]
    DESROZIERS_BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_SAMPLE_SIZE_FIELD_NUMBER: _ClassVar[int]
    spread_background: float
    spread_analysis: float
    innovation_mean: float
    innovation_rms: float
    innovation_consistency: float
    desroziers_error: float
    desroziers_background: float
    effective_sample_size: float
    def __init__(self, spread_background: _Optional[float] = ..., spread_analysis: _Optional[float] = ..., innovation_mean: _Optional[float] = ..., innovation_rms: _Optional[float] = ..., innovation_consistency: _Optional[float] = ..., desroziers_error: _Optional[float] = ..., desroziers_background: _Optional[float] = ..., effective_sample_size: _Optional[float] = ...) -> None: ...

class AssimilateRequest(_message.Message):
    __slots__ = ("open", "cycle", "part")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    CYCLE_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    open: OpenSession
    cycle: Cycle
    part: _tensors_pb2.TensorPart
    def __init__(self, open: _Optional[_Union[OpenSession, _Mapping]] = ..., cycle: _Optional[_Union[Cycle, _Mapping]] = ..., part: _Optional[_Union[_tensors_pb2.TensorPart, _Mapping]] = ...) -> None: ...

class OpenSession(_message.Message):
    __slots__ = ("setting", "ensemble_size", "state_size", "precision", "state")
    SETTING_FIELD_NUMBER: _ClassVar[int]
    ENSEMBLE_SIZE_FIELD_NUMBER: _ClassVar[int]
    STATE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    setting: AnalysisSetting
    ensemble_size: int
    state_size: int
    precision: _common_pb2.Precision
    state: _tensors_pb2.Tensor
    def __init__(self, setting: _Optional[_Union[AnalysisSetting, _Mapping]] = ..., ensemble_size: _Optional[int] = ..., state_size: _Optional[int] = ..., precision: _Optional[_Union[_common_pb2.Precision, str]] = ..., state: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ...) -> None: ...

class Cycle(_message.Message):
    __slots__ = ("ensemble", "observations")
    ENSEMBLE_FIELD_NUMBER: _ClassVar[int]
    OBSERVATIONS_FIELD_NUMBER: _ClassVar[int]
    ensemble: _tensors_pb2.Tensor
    observations: Observations
    def __init__(self, ensemble: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ..., observations: _Optional[_Union[Observations, _Mapping]] = ...) -> None: ...

class AssimilateResponse(_message.Message):
    __slots__ = ("opened", "analysis", "part")
    OPENED_FIELD_NUMBER: _ClassVar[int]
    ANALYSIS_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    opened: SessionOpened
    analysis: CycleAnalysis
    part: _tensors_pb2.TensorPart
    def __init__(self, opened: _Optional[_Union[SessionOpened, _Mapping]] = ..., analysis: _Optional[_Union[CycleAnalysis, _Mapping]] = ..., part: _Optional[_Union[_tensors_pb2.TensorPart, _Mapping]] = ...) -> None: ...

class SessionOpened(_message.Message):
    __slots__ = ("setting", "next_cycle", "server")
    SETTING_FIELD_NUMBER: _ClassVar[int]
    NEXT_CYCLE_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    setting: AnalysisSetting
    next_cycle: int
    server: _common_pb2.Server
    def __init__(self, setting: _Optional[_Union[AnalysisSetting, _Mapping]] = ..., next_cycle: _Optional[int] = ..., server: _Optional[_Union[_common_pb2.Server, _Mapping]] = ...) -> None: ...

class CycleAnalysis(_message.Message):
    __slots__ = ("cycle", "ensemble", "diagnostics", "mean", "state", "analysis_seconds")
    CYCLE_FIELD_NUMBER: _ClassVar[int]
    ENSEMBLE_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ANALYSIS_SECONDS_FIELD_NUMBER: _ClassVar[int]
    cycle: int
    ensemble: _tensors_pb2.Tensor
    diagnostics: AnalysisDiagnostics
    mean: AnalysisDiagnostics
    state: _tensors_pb2.Tensor
    analysis_seconds: float
    def __init__(self, cycle: _Optional[int] = ..., ensemble: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ..., diagnostics: _Optional[_Union[AnalysisDiagnostics, _Mapping]] = ..., mean: _Optional[_Union[AnalysisDiagnostics, _Mapping]] = ..., state: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ..., analysis_seconds: _Optional[float] = ...) -> None: ...
