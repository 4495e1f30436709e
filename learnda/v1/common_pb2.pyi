from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Precision(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRECISION_UNSPECIFIED: _ClassVar[Precision]
    PRECISION_FLOAT64: _ClassVar[Precision]
    PRECISION_FLOAT32: _ClassVar[Precision]

class ObsOperator(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OBS_OPERATOR_UNSPECIFIED: _ClassVar[ObsOperator]
    OBS_OPERATOR_IDENTITY: _ClassVar[ObsOperator]
    OBS_OPERATOR_SQUARE: _ClassVar[ObsOperator]
    OBS_OPERATOR_ABSOLUTE: _ClassVar[ObsOperator]
    OBS_OPERATOR_LOG: _ClassVar[ObsOperator]
    OBS_OPERATOR_SATURATING: _ClassVar[ObsOperator]

class ObsError(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OBS_ERROR_UNSPECIFIED: _ClassVar[ObsError]
    OBS_ERROR_GAUSSIAN: _ClassVar[ObsError]
    OBS_ERROR_LAPLACE: _ClassVar[ObsError]
    OBS_ERROR_STUDENT: _ClassVar[ObsError]
PRECISION_UNSPECIFIED: Precision
PRECISION_FLOAT64: Precision
PRECISION_FLOAT32: Precision
OBS_OPERATOR_UNSPECIFIED: ObsOperator
OBS_OPERATOR_IDENTITY: ObsOperator
OBS_OPERATOR_SQUARE: ObsOperator
OBS_OPERATOR_ABSOLUTE: ObsOperator
OBS_OPERATOR_LOG: ObsOperator
OBS_OPERATOR_SATURATING: ObsOperator
OBS_ERROR_UNSPECIFIED: ObsError
OBS_ERROR_GAUSSIAN: ObsError
OBS_ERROR_LAPLACE: ObsError
OBS_ERROR_STUDENT: ObsError

class Server(_message.Message):
    __slots__ = ("versions", "devices", "precisions")
    class VersionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    PRECISIONS_FIELD_NUMBER: _ClassVar[int]
    versions: _containers.ScalarMap[str, str]
    devices: _containers.RepeatedCompositeFieldContainer[Device]
    precisions: _containers.RepeatedScalarFieldContainer[Precision]
    def __init__(self, versions: _Optional[_Mapping[str, str]] = ..., devices: _Optional[_Iterable[_Union[Device, _Mapping]]] = ..., precisions: _Optional[_Iterable[_Union[Precision, str]]] = ...) -> None: ...

class Device(_message.Message):
    __slots__ = ("platform", "kind", "memory_bytes")
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    platform: str
    kind: str
    memory_bytes: int
    def __init__(self, platform: _Optional[str] = ..., kind: _Optional[str] = ..., memory_bytes: _Optional[int] = ...) -> None: ...
