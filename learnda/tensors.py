"""Arrays on the wire: NumPy to `Tensor` and back, whole or in parts.

What a tensor says of itself is checked before anything is allocated for it; refusals name its field
as a path from the message. A large tensor is announced in its message and follows as parts, tensor
after tensor in the order of the fields.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.protobuf.message import Message
from numpy.typing import NDArray

from learnda.problems import Collector, InvalidRequest, Problem
from learnda.v1 import tensors_pb2 as pb

PART_BYTES = 1_000_000
"""Of one part at most, and of a tensor that is sent whole in a stream."""
MOST_AXES = 4
FLOATS = ("float64", "float32")
INTEGERS = ("int32", "int64")
_NAMES = {
    pb.DATA_TYPE_FLOAT64: "float64",
    pb.DATA_TYPE_FLOAT32: "float32",
    pb.DATA_TYPE_INT32: "int32",
    pb.DATA_TYPE_INT64: "int64",
    pb.DATA_TYPE_UINT8: "uint8",
}
_NUMBERS = {name: number for number, name in _NAMES.items()}
_ALIGNMENT = 64
"""Bytes: where a device takes over an array of the host without a copy."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What a tensor says of itself, found possible."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Python's integers do not overflow."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


# ---------------------------------------------------------------- reading


def spec_of(tensor: pb.Tensor, field: str, data: bytes | None = None) -> Spec:
    """Type and shape of ``tensor``; InvalidRequest where its bytes cannot be that. ``data`` are
    these, where they are at hand: to ask for them copies them.
    """
    name = _NAMES.get(tensor.dtype)
    if name is None:
        raise _refusal(f"{field}.dtype", f"must be one of: {', '.join(_NUMBERS)}")
    if len(tensor.shape) > MOST_AXES:
        raise _refusal(f"{field}.shape", f"must have at most {MOST_AXES} axes")
    shape = tuple(tensor.shape)
    if any(length < 0 for length in shape):
        raise _refusal(f"{field}.shape", "must not be negative")
    spec = Spec(name, shape)
    sent = len(tensor.data if data is None else data)
    if tensor.in_parts and sent:
        raise _refusal(f"{field}.data", "must be empty where the tensor comes in parts")
    if not tensor.in_parts and sent != spec.nbytes:
        raise _refusal(
            f"{field}.data", f"must have {_number(spec.nbytes)} bytes, as dtype and shape say"
        )
    return spec


def read(
    tensor: pb.Tensor,
    field: str,
    *,
    axes: Collection[int],
    dtypes: Collection[str] = FLOATS,
    most_bytes: int,
) -> NDArray[Any]:
    """The array of a tensor that was sent whole; read-only, and every float in it finite."""
    if tensor.in_parts:
        raise _refusal(f"{field}.in_parts", "must not be set in this call")
    spec = spec_of(tensor, field)
    if spec.nbytes > most_bytes:
        raise _refusal(field, f"must be at most {_number(most_bytes)} bytes")
    check(spec, field, axes=axes, dtypes=dtypes)
    array = np.frombuffer(tensor.data, spec.dtype).reshape(spec.shape)
    check_finite(array, field)
    return array


def check(spec: Spec, field: str, *, axes: Collection[int], dtypes: Collection[str]) -> None:
    """InvalidRequest where type or number of axes is not one of these."""
    if spec.dtype not in dtypes:
        raise _refusal(f"{field}.dtype", f"must be {' or '.join(dtypes)}")
    if len(spec.shape) not in axes:
        counts = " or ".join(str(count) for count in sorted(axes))
        raise _refusal(f"{field}.shape", f"must have {counts} axes")


def expect(
    found: Collector, spec: Spec, path: str, dtypes: tuple[str, ...], shape: tuple[int, ...]
) -> None:
    """Add a problem where ``spec`` is not of this shape and one of these types."""
    if spec.dtype not in dtypes:
        found.add(f"{path}.dtype", f"must be {' or '.join(dtypes)}")
    if spec.shape != shape:
        wanted = " x ".join(str(length) for length in shape)
        found.add(f"{path}.shape", f"must be {wanted}")


def check_finite(array: NDArray[Any], field: str) -> None:
    """InvalidRequest where a float is not finite. Block by block: no memory, and in the cache."""
    if array.dtype.kind != "f":
        return
    flat = array.reshape(-1)
    for first in range(0, flat.size, PART_BYTES // 8):
        if not np.isfinite(flat[first : first + PART_BYTES // 8]).all():
            raise _refusal(field, "must hold finite numbers only")


def tensors_of(message: Message, prefix: str = "") -> Iterator[tuple[str, pb.Tensor]]:
    """Every tensor that is set in ``message``, by its path, in the order of the fields' numbers."""
    for field, value in message.ListFields():
        if field.type != field.TYPE_MESSAGE or field.is_repeated:
            continue
        path = prefix + field.name
        if isinstance(value, pb.Tensor):
            yield path, value
        else:
            yield from tensors_of(value, f"{path}.")


class Gathering:
    """Collects the tensors of one message, those that come in parts included.

    Its making allocates nothing: all is checked against ``most_bytes`` together. `allocate` is for
    when the shapes have been found to be acceptable; then every part is to be given to `take`.
    ``finite``: refuse floats that are not, as a request must; an answer may hold them.
    """

    def __init__(self, message: Message, *, most_bytes: int, finite: bool = True) -> None:
        self._finite = finite
        found = Collector()
        self._whole: dict[str, bytes | None] = {}
        self.specs: dict[str, Spec] = {}
        """Of every tensor, by path."""
        for path, tensor in tensors_of(message):
            try:
                data = tensor.data
                self.specs[path] = spec_of(tensor, path, data)
                self._whole[path] = None if tensor.in_parts else data
            except InvalidRequest as refusal:
                for problem in refusal.problems:
                    found.add(problem.field, problem.message)
        found.raise_if_any()
        total = sum(spec.nbytes for spec in self.specs.values())
        if total > most_bytes:
            largest = max(self.specs, key=lambda path: self.specs[path].nbytes)
            raise _refusal(
                f"{largest}.shape",
                f"is refused: the tensors come to {_number(total)} bytes, and may have "
                f"{_number(most_bytes)}",
            )
        self._arrays: dict[str, NDArray[Any]] = {}
        self._buffers: dict[str, NDArray[np.uint8]] = {}
        self._awaited = [
            path for path, data in self._whole.items() if data is None and self.specs[path].nbytes
        ]
        self._filled = 0

    @property
    def complete(self) -> bool:
        """True when no part is missing."""
        return not self._awaited

    def allocate(self) -> None:
        """Make room for what comes in parts, and read what came whole."""
        for path, data in self._whole.items():
            spec = self.specs[path]
            if data is None:
                self._buffers[path] = aligned(spec.nbytes)
                self._arrays[path] = self._buffers[path].view(spec.dtype).reshape(spec.shape)
            else:
                self._arrays[path] = np.frombuffer(data, spec.dtype).reshape(spec.shape)
                self._check(self._arrays[path], path)
        self._whole.clear()

    def take(self, part: pb.TensorPart) -> None:
        """Copy one part to its place."""
        if self.complete:
            raise _refusal("part", "is refused: every tensor is complete")
        path = self._awaited[0]
        if part.field != path:
            raise _refusal("part.field", f"must be {path}: tensors follow in the fields' order")
        data = part.data
        if not data:
            raise _refusal("part.data", "must hold at least one byte")
        if len(data) > PART_BYTES:
            raise _refusal("part.data", f"must be at most {_number(PART_BYTES)} bytes")
        buffer = self._buffers[path]
        end = self._filled + len(data)
        if end > buffer.size:
            raise _refusal("part.data", f"is refused: more bytes than {path} has")
        buffer[self._filled : end] = np.frombuffer(data, np.uint8)
        numbers = self._arrays[path].reshape(-1)  # while they are in the cache
        width = numbers.itemsize
        self._check(numbers[self._filled // width : end // width], path)
        self._filled = end
        if end == buffer.size:
            self._awaited.pop(0)
            self._filled = 0

    def _check(self, array: NDArray[Any], path: str) -> None:
        if self._finite:
            check_finite(array, path)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of them, by path."""
        if not self.complete:
            raise _refusal(self._awaited[0], "is not complete: a part is missing")
        return self._arrays


def aligned(nbytes: int) -> NDArray[np.uint8]:
    """Room for so many bytes, not initialised, where devices like arrays to begin."""
    room = np.empty(nbytes + _ALIGNMENT, np.uint8)
    offset = -room.ctypes.data % _ALIGNMENT
    return room[offset : offset + nbytes]


# ---------------------------------------------------------------- writing


def write(array: NDArray[Any]) -> pb.Tensor:
    """The tensor of an array, whole."""
    return pb.Tensor(dtype=_dtype(array.dtype), shape=array.shape, data=_flat(array).tobytes())


def announce(dtype: Any, shape: tuple[int, ...]) -> pb.Tensor:
    """A tensor whose bytes follow."""
    return pb.Tensor(dtype=_dtype(np.dtype(dtype)), shape=shape, in_parts=True)


def fitting(array: NDArray[Any]) -> pb.Tensor:
    """Whole where it fits into one message of a stream, else announced."""
    return write(array) if array.nbytes <= PART_BYTES else announce(array.dtype, array.shape)


def parts(field: str, array: NDArray[Any]) -> Iterator[pb.TensorPart]:
    """The bytes of an announced tensor; each part is copied when its turn comes."""
    flat = _flat(array)
    for first in range(0, flat.size, PART_BYTES):
        yield pb.TensorPart(field=field, data=flat[first : first + PART_BYTES].tobytes())


def following(message: Message, arrays: Mapping[str, NDArray[Any]]) -> Iterator[pb.TensorPart]:
    """The parts of every tensor that ``message`` announces, of ``arrays`` by path."""
    for path, tensor in tensors_of(message):
        if tensor.in_parts:
            yield from parts(path, arrays[path])


def following_fields(
    number: int, message: Message, arrays: Mapping[str, NDArray[Any]]
) -> Iterator[bytes]:
    """The same, each as the field ``number`` of a message, ready to be sent."""
    for path, tensor in tensors_of(message):
        if tensor.in_parts:
            yield from part_fields(number, path, arrays[path])


# What is large is framed here rather than by protobuf, which copies it three times on its way out.
# A message is the concatenation of its fields, and one that is repeated or a message merges.


def part_fields(number: int, path: str, array: NDArray[Any]) -> Iterator[bytes]:
    """The parts of a tensor, each as the field ``number`` of a message that holds nothing else."""
    flat, name = _flat(array), path.encode()
    for first in range(0, flat.size, PART_BYTES):
        data = flat[first : first + PART_BYTES]
        yield _field(number, _field(1, name), _head(2, data.size), data)


def with_tensor(message: Message, number: int, array: NDArray[Any]) -> bytes:
    """The bytes of ``message`` with a whole tensor as its field ``number``, which it lacks."""
    flat = _flat(array)
    rest = pb.Tensor(dtype=_dtype(array.dtype), shape=array.shape).SerializeToString()
    inner: list[Any] = [rest, _head(3, flat.size), flat]
    length = sum(len(piece) for piece in inner)
    return b"".join((message.SerializeToString(), _head(number, length), *inner))


def _field(number: int, *pieces: Any) -> bytes:
    """A field of bytes, or of a message."""
    return b"".join((_head(number, sum(len(piece) for piece in pieces)), *pieces))


def _head(number: int, length: int) -> bytes:
    """What stands before the bytes of a field: its number and type, and how many they are."""
    return _varint(number << 3 | 2) + _varint(length)


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    written.append(value)
    return bytes(written)


def _flat(array: NDArray[Any]) -> NDArray[np.uint8]:
    """The bytes of ``array``, little-endian, in C order; a view where they lie so already."""
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return little.reshape(-1).view(np.uint8)


def _dtype(dtype: np.dtype[Any]) -> pb.DataType:
    return _NUMBERS[dtype.name]


def _refusal(field: str, message: str) -> InvalidRequest:
    return InvalidRequest([Problem(field, message)])


def _number(count: int) -> str:
    """A size for people, however hostile: digits, or a power of ten."""
    return f"{count:,}" if count < 10**15 else f"some 10^{len(str(count)) - 1}"
