"""Arrays on the wire come back as they were; what cannot be an array is refused by its field."""

from __future__ import annotations

import numpy as np
import pytest

from learnda import tensors
from learnda.problems import InvalidRequest
from learnda.v1 import analysis_pb2, tensors_pb2

FLOAT64 = tensors_pb2.DATA_TYPE_FLOAT64


def tensor(
    shape: tuple[int, ...] = (2, 3),
    data: bytes = bytes(48),
    dtype: tensors_pb2.DataType = FLOAT64,
    in_parts: bool = False,
) -> tensors_pb2.Tensor:
    return tensors_pb2.Tensor(dtype=dtype, shape=shape, data=data, in_parts=in_parts)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int32", "int64", "uint8"])
@pytest.mark.parametrize("shape", [(), (0, 3), (7,), (2, 3, 4), (2, 1, 3, 2)])
def test_an_array_comes_back(dtype: str, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(len(shape))
    array = (100 * rng.random(shape)).astype(dtype)
    sent = tensors_pb2.Tensor.FromString(tensors.write(array).SerializeToString())
    back = tensors.read(sent, "x", axes=range(5), dtypes=[dtype], most_bytes=1000)
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


def test_an_array_in_another_layout_comes_back() -> None:
    array = np.random.default_rng(1).random((6, 4))[::2].T.astype(">f8")
    back = tensors.read(tensors.write(array), "x", axes=[2], most_bytes=1000)
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize(
    ("sent", "field", "words"),
    [
        (tensor(data=bytes(47)), "x.data", "must have 48 bytes"),
        (tensor(data=bytes(49)), "x.data", "must have 48 bytes"),
        (tensor(shape=(-2, -3)), "x.shape", "negative"),
        (tensor(shape=(2**62, 2**62), data=b""), "x.data", "some 10^"),
        (tensor(shape=(0, 2**62), data=b"", dtype=0), "x.dtype", "must be one of"),
        (tensor(dtype=17), "x.dtype", "must be one of"),
        (tensor(shape=(1, 1, 1, 1, 6)), "x.shape", "at most 4 axes"),
        (tensor(in_parts=True, data=b""), "x.in_parts", "must not be set"),
        (tensor(shape=(6,)), "x.shape", "must have 2 axes"),
        (tensor(shape=(2, 6), dtype=tensors_pb2.DATA_TYPE_INT32), "x.dtype", "must be float64"),
        (tensor(shape=(2, 60), data=bytes(960)), "x", "must be at most 500 bytes"),
        (tensors.write(np.array([[1.0, np.nan]])), "x", "finite"),
        (tensors.write(np.array([[1.0, -np.inf]])), "x", "finite"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_array_is_refused(sent: tensors_pb2.Tensor, field: str, words: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        tensors.read(sent, "x", axes=[2], most_bytes=500)
    assert [problem.field for problem in refusal.value.problems] == [field]
    assert words in refusal.value.problems[0].message


def request(ensemble: np.ndarray, values: np.ndarray) -> analysis_pb2.AnalyzeRequest:
    return analysis_pb2.AnalyzeRequest(
        ensemble=tensors.fitting(ensemble),
        observations=analysis_pb2.Observations(values=tensors.fitting(values)),
    )


def test_tensors_in_parts_come_back() -> None:
    rng = np.random.default_rng(2)
    given = {
        "ensemble": rng.random((3, 100_001)),
        "observations.values": rng.random(7).astype("float32"),
    }
    message = request(given["ensemble"], given["observations.values"])
    parts = list(tensors.following(message, given))
    assert [len(part.data) for part in parts] == [1_000_000, 1_000_000, 400_024]
    gathering = tensors.Gathering(message, most_bytes=10**7)
    gathering.allocate()
    for part in parts:
        assert not gathering.complete
        gathering.take(part)
    for path, array in gathering.arrays().items():
        np.testing.assert_array_equal(array, given[path])
    assert gathering.arrays()["ensemble"].ctypes.data % 64 == 0


def test_what_is_framed_by_hand_is_what_protobuf_makes_of_it() -> None:
    rng = np.random.default_rng(4)
    for shape in ((3,), (2, 90_000), (5, 0), (3, 4, 5), ()):
        array = rng.random(shape)
        message = analysis_pb2.AnalyzeResponse(analysis_seconds=1.5)
        by_hand = tensors.with_tensor(message, 2, array)
        message.ensemble.CopyFrom(tensors.write(array))
        assert analysis_pb2.AnalyzeResponse.FromString(by_hand) == message
        parts = [
            analysis_pb2.AnalyzeInPartsResponse(part=part)
            for part in tensors.parts("a.field", array)
        ]
        framed = list(tensors.part_fields(2, "a.field", array))
        assert framed == [part.SerializeToString() for part in parts]


def test_parts_that_do_not_fit_are_refused() -> None:
    big = np.random.default_rng(3).random((2, 100_000))
    message = request(big, big)
    first, last = tensors.parts("ensemble", big)
    wrong = {
        "part.field": tensors_pb2.TensorPart(field="observations.values", data=b"1"),
        "part.data": tensors_pb2.TensorPart(field="ensemble"),
    }
    for field, part in wrong.items():
        gathering = tensors.Gathering(message, most_bytes=10**7)
        gathering.allocate()
        with pytest.raises(InvalidRequest) as refusal:
            gathering.take(part)
        assert refusal.value.problems[0].field == field
    gathering.take(first)
    with pytest.raises(InvalidRequest, match="more bytes than ensemble has"):
        gathering.take(first)
    with pytest.raises(InvalidRequest, match="a part is missing"):
        gathering.arrays()
    gathering.take(last)
    broken = big.copy()
    broken[-1, -1] = np.nan
    first, last = tensors.parts("observations.values", broken)
    gathering.take(first)
    with pytest.raises(InvalidRequest, match="finite"):
        gathering.take(last)


def test_tensors_that_are_too_large_together_are_refused_before_there_is_room_for_them() -> None:
    huge = tensors.announce("float64", (10**9, 10**9))
    message = analysis_pb2.AnalyzeRequest(ensemble=huge)
    with pytest.raises(InvalidRequest) as refusal:
        tensors.Gathering(message, most_bytes=10**9)
    assert refusal.value.problems[0].field == "ensemble.shape"
