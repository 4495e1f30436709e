"""Is one JSON value what a declared parameter takes?

JSON's types are taken at their word: true is no number, "20" is no number; 20.0 is an integer and
20 is a float. Values are never echoed: they may be huge or hostile.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Container, Mapping

from learnda.declarations import Parameter, Value
from learnda.problems import Collector

TEXT_LENGTH = 200
"""Characters of a string parameter without choices, and of a label."""

ID_SHOWN = 64
"""Characters of an unknown key that a refusal repeats."""


class FieldError(ValueError):
    """The message ends a sentence that starts with the field's name."""


def accept(parameter: Parameter, value: object) -> Value:
    """The value in the parameter's own type; FieldError says what it must be."""
    match parameter.type:
        case "bool":
            if not isinstance(value, bool):
                raise FieldError(f"must be true or false, not {json_type(value)}")
            return value
        case "str":
            return _choice(parameter, value)
        case "int":
            number: int | float = _integer(value)
        case "float":
            number = _float(value)
    _check_range(parameter, number)
    return number


def text(value: object, *, shortest: int, longest: int) -> str:
    """A string that can be shown, stored and sent: no control characters, no lone surrogates, nor
    what some readers of event streams and CSV files take for the end of a line.
    """
    if not isinstance(value, str):
        raise FieldError(f"must be a string, not {json_type(value)}")
    if not shortest <= len(value) <= longest:
        length = f"{shortest} to {longest}" if shortest else f"at most {longest}"
        raise FieldError(f"must have {length} characters")
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in value):
        raise FieldError("must not hold control characters or line separators")
    return value


def refuse_unknown(
    sent: Mapping[str, object], known: Container[str], prefix: str, message: str, found: Collector
) -> None:
    """A problem for every key that is not known: nothing is ever silently ignored."""
    for key in sent:
        if key not in known:
            found.add(prefix + printable(key), message)
        if found.full:
            return


def printable(key: str) -> str:
    """A hostile key as part of a field's path: short, and fit for JSON, logs and headers."""
    shown = key[:ID_SHOWN].encode("ascii", "backslashreplace").decode()
    shown = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in shown)
    return (shown or '""') + ("..." if len(key) > ID_SHOWN else "")


def json_type(value: object) -> str:
    """What a person calls the value's JSON type."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"


def _choice(parameter: Parameter, value: object) -> str:
    if not parameter.choices:
        return text(value, shortest=0, longest=TEXT_LENGTH)
    if not isinstance(value, str) or value not in parameter.choices:
        raise FieldError(f"must be one of: {', '.join(parameter.choices)}")
    return value


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FieldError(f"must be an integer, not {json_type(value)}")
    if isinstance(value, float):
        if not math.isfinite(value):
            raise FieldError("must be finite")
        if not value.is_integer():
            raise FieldError("must be an integer")
    return int(value)


def _float(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FieldError(f"must be a number, not {json_type(value)}")
    try:
        number = float(value)
    except OverflowError:  # an integer of hundreds of digits
        number = math.inf
    if not math.isfinite(number):
        raise FieldError("must be finite")
    return number


def _check_range(parameter: Parameter, number: int | float) -> None:
    low, high = parameter.min, parameter.max
    if low is not None and (number < low or (parameter.exclusive_min and number == low)):
        bound = "greater than" if parameter.exclusive_min else "at least"
        raise FieldError(f"must be {bound} {low:.16g}")
    if high is not None and number > high:
        raise FieldError(f"must be at most {high:.16g}")
