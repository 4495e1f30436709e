"""Settings from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import InvalidSetting, Settings, from_environment

URL = {"DATABASE_URL": "postgresql://somewhere"}


def test_defaults_are_those_of_the_contract() -> None:
    settings = from_environment(URL)
    assert settings == Settings("postgresql://somewhere")
    assert (settings.event_ttl, settings.cleanup_interval, settings.keepalive) == (86400, 60, 10)
    assert (settings.events_fetch_limit, settings.poll_interval) == (500, 0.5)
    assert settings.emit_partial_every == 1


def test_what_is_set_is_read() -> None:
    settings = from_environment(
        {
            **URL,
            "KEEPALIVE_SECONDS": "2.5",
            "EMIT_PARTIAL_EVERY_N_STEPS": "10",
            "LEARNDA_WEB_DIST": "/srv/page",
            "LEARNDA_PORT": "",
            "LEARNDA_MAX_ROWS": "1000",
        }
    )
    assert (settings.keepalive, settings.emit_partial_every) == (2.5, 10)
    assert (settings.web_dist, settings.port) == (Path("/srv/page"), 8000)
    assert settings.limits.max_rows == 1000


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("KEEPALIVE_SECONDS", "0"),
        ("POLL_INTERVAL_SECONDS", "nan"),
        ("EVENTS_FETCH_LIMIT", "many"),
        ("LEARNDA_PORT", "70000"),
        ("LEARNDA_MAX_ROWS", "-1"),
    ],
)
def test_nonsense_names_its_variable(variable: str, text: str) -> None:
    with pytest.raises(InvalidSetting, match=variable):
        from_environment({**URL, variable: text})


def test_a_database_is_needed() -> None:
    with pytest.raises(InvalidSetting, match="DATABASE_URL"):
        from_environment({})
