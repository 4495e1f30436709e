"""The key of sessions' states stays with the data, and with its owner."""

from __future__ import annotations

from pathlib import Path

import pytest

from compute.settings import KEY_LENGTH, settings_from_environment
from learnda.local.state_key import FILE, VARIABLE, state_key


def test_a_folder_keeps_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    first = state_key(tmp_path / "new")
    assert state_key(tmp_path / "new") == first
    assert state_key(tmp_path / "other") != first
    assert (tmp_path / "new" / FILE).stat().st_mode & 0o777 == 0o600
    assert len(first) >= KEY_LENGTH


def test_one_that_is_set_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "x" * KEY_LENGTH)
    assert state_key(tmp_path) == "x" * KEY_LENGTH
    assert not (tmp_path / FILE).exists()
    settings = settings_from_environment(host="127.0.0.1", port=0)
    assert settings.state_key == b"x" * KEY_LENGTH
    monkeypatch.setenv(VARIABLE, "short")
    with pytest.raises(ValueError, match=VARIABLE):
        settings_from_environment(host="127.0.0.1", port=0)
