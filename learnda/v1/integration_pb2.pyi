from learnda.v1 import common_pb2 as _common_pb2
from learnda.v1 import tensors_pb2 as _tensors_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class IntegrateRequest(_message.Message):
    __slots__ = ("states", "lorenz96_f", "dt", "step_count", "every", "perturbations", "gradients", "lyapunov_count", "lyapunov_every")
    STATES_FIELD_NUMBER: _ClassVar[int]
    LORENZ96_F_FIELD_NUMBER: _ClassVar[int]
    DT_FIELD_NUMBER: _ClassVar[int]
    STEP_COUNT_FIELD_NUMBER: _ClassVar[int]
    EVERY_FIELD_NUMBER: _ClassVar[int]
    PERTURBATIONS_FIELD_NUMBER: _ClassVar[int]
    GRADIENTS_FIELD_NUMBER: _ClassVar[int]
    LYAPUNOV_COUNT_FIELD_NUMBER: _ClassVar[int]
    LYAPUNOV_EVERY_FIELD_NUMBER: _ClassVar[int]
    states: _tensors_pb2.Tensor
    lorenz96_f: float
    dt: float
    step_count: int
    every: int
    perturbations: _tensors_pb2.Tensor
    gradients: _tensors_pb2.Tensor
    lyapunov_count: int
    lyapunov_every: int
    def __init__(self, states: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ..., lorenz96_f: _Optional[float] = ..., dt: _Optional[float] = ..., step_count: _Optional[int] = ..., every: _Optional[int] = ..., perturbations: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ..., gradients: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ..., lyapunov_count: _Optional[int] = ..., lyapunov_every: _Optional[int] = ...) -> None: ...

class IntegrateResponse(_message.Message):
    __slots__ = ("started", "part", "completed")
    STARTED_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    started: IntegrationStarted
    part: _tensors_pb2.TensorPart
    completed: IntegrationCompleted
    def __init__(self, started: _Optional[_Union[IntegrationStarted, _Mapping]] = ..., part: _Optional[_Union[_tensors_pb2.TensorPart, _Mapping]] = ..., completed: _Optional[_Union[IntegrationCompleted, _Mapping]] = ...) -> None: ...

class IntegrationStarted(_message.Message):
    __slots__ = ("lorenz96_f", "dt", "step_count", "every", "trajectory", "perturbations", "gradients", "lyapunov_exponents", "server")
    LORENZ96_F_FIELD_NUMBER: _ClassVar[int]
    DT_FIELD_NUMBER: _ClassVar[int]
    STEP_COUNT_FIELD_NUMBER: _ClassVar[int]
    EVERY_FIELD_NUMBER: _ClassVar[int]
    TRAJECTORY_FIELD_NUMBER: _ClassVar[int]
    PERTURBATIONS_FIELD_NUMBER: _ClassVar[int]
    GRADIENTS_FIELD_NUMBER: _ClassVar[int]
    LYAPUNOV_EXPONENTS_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    lorenz96_f: float
    dt: float
    step_count: int
    every: int
    trajectory: _tensors_pb2.Tensor
    perturbations: _tensors_pb2.Tensor
    gradients: _tensors_pb2.Tensor
    lyapunov_exponents: _tensors_pb2.Tensor
    server: _common_pb2.Server
    def __init__(self, lorenz96_f: _Optional[float] = ..., dt: _Optional[float] = ..., step_count: _Optional[int] = ..., every: _Optional[int] = ..., trajectory: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ..., perturbations: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ..., gradients: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ..., lyapunov_exponents: _Optional[_Union[_tensors_pb2.Tensor, _Mapping]] = ..., server: _Optional[_Union[_common_pb2.Server, _Mapping]] = ...) -> None: ...

class IntegrationCompleted(_message.Message):
    __slots__ = ("runtime_seconds",)
    RUNTIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    runtime_seconds: float
    def __init__(self, runtime_seconds: _Optional[float] = ...) -> None: ...
