"""What is carried from cycle to cycle of a session, and how a client carries it elsewhere.

A state is sealed: its bytes are signed with a key that servers may share, so that nobody can make
one up, and it says whose it is, so that it is not taken for another session's.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compute.analyses.arrays import Neighbours
from compute.analyses.job import Answer
from compute.analyses.setting import Setting
from learnda.problems import InvalidRequest, Problem

FORMAT = 1
_SIGNATURE_BYTES = 32
_END = b"\0"


@dataclass
class Session:
    """A filter on its way through the cycles of a client's model."""

    setting: Setting
    members: int
    dtype: str
    cycle: int = 0
    """Number of the next one."""
    inflation: NDArray[Any] | None = None
    """[n], adaptive; None: none yet, or the filter has none."""
    neighbours: Neighbours = field(default_factory=Neighbours)
    sums: dict[str, float] = field(default_factory=dict)
    """Of each diagnostic, over the cycles in which it was finite."""
    counts: dict[str, int] = field(default_factory=dict)
    """How many those are."""

    @property
    def adapts(self) -> bool:
        """True where inflation is carried along."""
        return self.setting.params.get("inflation") == "adaptive"

    def advance(self, answer: Answer) -> None:
        """One cycle is done."""
        self.cycle += 1
        if self.adapts:
            self.inflation = answer.inflation[0]
        for name, value in answer.diagnostics[0].items():
            self.sums[name] = self.sums.get(name, 0.0) + value
            self.counts[name] = self.counts.get(name, 0) + 1

    def means(self) -> Mapping[str, float]:
        """Of each diagnostic so far."""
        return {name: self.sums[name] / self.counts[name] for name in self.sums}

    def seal(self, key: bytes) -> bytes:
        """The state behind the last cycle, signed."""
        told = {
            "format": FORMAT,
            "whose": self._whose(),
            "seed": self.setting.seed,
            "cycle": self.cycle,
            "sums": self.sums,
            "counts": self.counts,
        }
        inflation = b"" if self.inflation is None else self.inflation.tobytes()
        packed = json.dumps(told).encode() + _END + inflation
        return hmac.digest(key, packed, "sha256") + packed

    def resume(self, sealed: bytes, key: bytes, *, any_seed: bool, field_name: str) -> Session:
        """This session, not begun, behind the cycle of a state; ``any_seed``: with its seed.
        InvalidRequest where the state is not one of this session under ``key``.
        """
        told, inflation = _open(sealed, key, field_name)
        setting = self.setting
        if any_seed:
            setting = setting.with_seed(told["seed"])
        resumed = Session(
            setting,
            self.members,
            self.dtype,
            told["cycle"],
            sums=told["sums"],
            counts=told["counts"],
        )
        if told["whose"] != resumed._whose():
            message = "is refused: it belongs to another setting, or to other sizes"
            raise InvalidRequest([Problem(field_name, message)])
        if inflation:
            resumed.inflation = np.frombuffer(inflation, self.dtype)
        return resumed

    def _whose(self) -> str:
        """A digest of all that must be the same."""
        digest = hashlib.sha256()
        digest.update(self.setting.message().SerializeToString(deterministic=True))
        digest.update(f"{self.members} {self.setting.n} {self.dtype}".encode())
        if self.setting.place.coordinates is not None:
            digest.update(np.ascontiguousarray(self.setting.place.coordinates, float).tobytes())
        return digest.hexdigest()


def _open(sealed: bytes, key: bytes, field_name: str) -> tuple[dict[str, Any], bytes]:
    """What is told in a state, and the inflation's bytes."""
    signature, packed = sealed[:_SIGNATURE_BYTES], sealed[_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, hmac.digest(key, packed, "sha256")):
        message = "is refused: it was not signed with this server's key"
        raise InvalidRequest([Problem(field_name, message)])
    text, _, inflation = packed.partition(_END)
    told: dict[str, Any] = json.loads(text)
    if told["format"] != FORMAT:
        raise InvalidRequest([Problem(field_name, "is refused: another release made it")])
    return told, inflation
