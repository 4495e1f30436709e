"""The rules of validation over every method that exists."""

from __future__ import annotations

from typing import Any

import pytest

from compute.registry import declarations
from learnda.cost import Limits
from learnda.experiment import Experiment
from learnda.validation import InvalidRequest, resolve

METHODS = declarations()


def request(name: str, params: dict[str, Any], **fields: Any) -> Experiment:
    body = {**fields, "methods": [{"id": "a", "name": name, "params": params}]}
    return resolve(body, METHODS, limits=Limits(), draw_seed=lambda: 7)


@pytest.mark.parametrize("n", [4, 5, 40])
@pytest.mark.parametrize("name", METHODS)
def test_the_defaults_sent_back_change_nothing(name: str, n: int) -> None:
    defaults = {
        p.name: p.default
        for p in METHODS[name].parameters
        if p.default is not None and p.name != "inf_fact"
    }
    plain = request(name, {}, lorenz96_n=n)
    assert request(name, defaults, lorenz96_n=n) == plain
    assert resolve(plain.request(), METHODS, limits=Limits(), draw_seed=lambda: 1 // 0) == plain


@pytest.mark.parametrize("name", METHODS)
def test_nothing_is_silently_ignored(name: str) -> None:
    for params in ({"unknown": 1}, {"INF_FACT": 1.0}, dict.fromkeys(("r", "rotate"))):
        with pytest.raises(InvalidRequest):
            request(name, params)


@pytest.mark.parametrize("name", METHODS)
def test_a_declaration_accepts_its_own_defaults_and_choices(name: str) -> None:
    for parameter in METHODS[name].parameters:
        assert parameter.label
        assert parameter.help
        for choice in parameter.choices:
            resolved = request(name, {parameter.name: choice})
            assert resolved.methods[0].params[parameter.name] == choice
