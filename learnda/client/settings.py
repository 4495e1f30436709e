"""The arguments that say which analysis is made, of which observations -> messages. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypedDict, cast

from google.protobuf.message import Message
from numpy.typing import ArrayLike

from learnda.client.arrays import Outgoing, floats, integers
from learnda.client.bodies import plain
from learnda.client.failures import refuse
from learnda.client.geometry import Geometry, write_geometry
from learnda.v1 import analysis_pb2 as pb
from learnda.v1 import common_pb2 as common

DEFAULT_METHOD = "etkf"
_WORDS = {"obs_operator": common.ObsOperator, "obs_error": common.ObsError}


class SettingOptions(TypedDict, total=False):
    """What stays the same from cycle to cycle."""

    method: str
    """The name of a filter; default ``etkf``."""
    params: Mapping[str, Any]
    """Its parameters: ``{"r": 2.0, "inf_fact": 1.02}``."""
    seed: int
    """Of its random numbers; default: drawn."""
    geometry: Geometry
    """Where the values of the state lie, for what is localised."""
    obs_operator: Literal["identity", "square", "absolute", "log", "saturating"]
    """What is observed at ``sites``."""
    obs_error: Literal["gaussian", "laplace", "student"]
    obs_error_dof: float


class ObservationOptions(TypedDict, total=False):
    """What was observed, how, and how well; m observations of a state of n values."""

    predicted: ArrayLike
    """[N, m] What each member predicts; or ``sites``, or ``matrix``."""
    sites: ArrayLike
    """[m] The values of the state that are observed, counted from 0."""
    matrix: ArrayLike
    """[m, n] A linear operator."""
    variances: ArrayLike
    """[m] Of the observation errors, or one number for all; or ``covariance``."""
    covariance: ArrayLike
    """[m, m]"""
    coordinates: ArrayLike
    """[m] or [m, 2] Where the observations lie, unless ``sites`` says so."""
    state_tapers: ArrayLike
    """[n, m] How much each observation counts at each value, in place of a geometry."""
    observation_tapers: ArrayLike
    """[m, m] The same between observations."""


class AssimilateOptions(SettingOptions, ObservationOptions, total=False):
    """Of all cycles."""


class AnalyzeOptions(SettingOptions, ObservationOptions, total=False):
    """Of one analysis."""

    cycle: int
    """Which cycle's random numbers are drawn; default 0."""


SETTING_NAMES = frozenset(SettingOptions.__annotations__)
OBSERVATION_NAMES = frozenset(ObservationOptions.__annotations__)


def separated(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The options of the setting, those of the observations, and what is neither."""
    setting = {k: v for k, v in options.items() if k in SETTING_NAMES}
    observations = {k: v for k, v in options.items() if k in OBSERVATION_NAMES}
    rest = {k: v for k, v in options.items() if k not in SETTING_NAMES | OBSERVATION_NAMES}
    return setting, observations, rest


def refuse_rest(rest: Mapping[str, Any], call: str) -> None:
    """InvalidRequest for an argument that a call does not have."""
    for name in rest:
        refuse(name, f"is not an argument of {call}")


def write_setting(outgoing: Outgoing, options: Mapping[str, Any]) -> None:
    """Into the message's field ``setting``."""
    setting: pb.AnalysisSetting = cast(Any, outgoing.message).setting
    setting.method = options.get("method", DEFAULT_METHOD)
    for name, value in options.items():
        match name:
            case "method":
                pass
            case "params":
                setting.params.update(plain(value))
            case "geometry":
                write_geometry(value, outgoing, "setting")
            case "obs_operator" | "obs_error":
                setattr(setting, name, _word(name, value))
            case _:
                _set(setting, name, value)


def write_observations(outgoing: Outgoing, y: ArrayLike, options: Mapping[str, Any]) -> None:
    """Into the message's field ``observations``."""
    outgoing.put("observations.values", floats(y, "observations.values"))
    for name, value in options.items():
        path = f"observations.{name}"
        outgoing.put(path, integers(value, path) if name == "sites" else floats(value, path))


def setting_of(message: pb.AnalysisSetting) -> dict[str, Any]:
    """A setting, every default filled in, in the words of the arguments; the geometry by name."""
    found: dict[str, Any] = {
        "method": message.method,
        "params": dict(sorted(message.params.items())),
        "seed": message.seed,
        "obs_operator": _text("obs_operator", message.obs_operator),
        "obs_error": _text("obs_error", message.obs_error),
    }
    if message.HasField("obs_error_dof"):
        found["obs_error_dof"] = message.obs_error_dof
    kind = message.geometry.WhichOneof("kind")
    if kind is not None:
        found["geometry"] = kind
    return found


def _set(message: Message, name: str, value: Any) -> None:
    try:
        setattr(message, name, plain(value))
    except (TypeError, ValueError):
        refuse(f"setting.{name}", "must be a number")


def _word(name: str, text: str) -> int:
    enum = _WORDS[name]
    try:
        return int(enum.Value(f"{name.upper()}_{str(text).upper()}"))
    except ValueError:
        words = [_text(name, number) for number in enum.values() if number]
        refuse(f"setting.{name}", f"must be one of: {', '.join(words)}")


def _text(name: str, number: int) -> str:
    return _WORDS[name].Name(number or 1).removeprefix(f"{name.upper()}_").lower()
