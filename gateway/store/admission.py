"""Whether a caller may queue one more run at this moment."""

from __future__ import annotations

from typing import Final

from gateway.callers import Caller
from gateway.database import Connection

WINDOW_HOURS: Final = 24
"""The compute seconds of a quota are those of so many hours."""
RETRY_SECONDS: Final = 5


class TooManyRuns(Exception):
    """Not now; the sentence is for the caller."""

    def __init__(self, sentence: str, retry_after: int) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after
        """Seconds."""


async def check(
    connection: Connection, caller: Caller, max_queued: int, *, wanted: int = 1
) -> None:
    """Raise TooManyRuns unless so many more fit; those that come in the same instant are not
    seen.
    """
    cursor = await connection.execute(
        "SELECT count(*) AS everybodys, count(*) FILTER (WHERE client = %s) AS own"
        " FROM learnda.run WHERE status IN ('queued', 'running')",
        [caller.name],
    )
    row = await cursor.fetchone()
    assert row is not None
    own, allowed = row["own"], caller.quota.max_queued
    more = f", this would be {wanted} more" if wanted > 1 else ""
    if own + wanted > allowed:
        raise TooManyRuns(
            f"you have {own} runs that wait or go on{more}, and {allowed} are allowed",
            RETRY_SECONDS,
        )
    if row["everybodys"] + wanted > max_queued:
        raise TooManyRuns(
            f"the queue is full: {row['everybodys']} runs wait or go on{more}", RETRY_SECONDS
        )
    if caller.quota.compute_seconds is not None:
        await _check_seconds(connection, caller, caller.quota.compute_seconds)


async def _check_seconds(connection: Connection, caller: Caller, allowed: float) -> None:
    cursor = await connection.execute(
        """
        SELECT coalesce(sum(seconds), 0) AS used,
            extract(epoch FROM min(hour) + make_interval(hours => %(window)s + 1)
                    - clock_timestamp())::int AS until
        FROM learnda.usage
        WHERE client = %(client)s
          AND hour > clock_timestamp() - make_interval(hours => %(window)s + 1)
        """,
        {"client": caller.name, "window": WINDOW_HOURS},
    )
    row = await cursor.fetchone()
    assert row is not None
    if row["used"] >= allowed:
        raise TooManyRuns(
            f"your runs took {row['used']:.0f} s within {WINDOW_HOURS} hours, "
            f"and {allowed:.0f} s are allowed",
            max(RETRY_SECONDS, row["until"]),
        )


async def charge(connection: Connection, run_id: object) -> None:
    """Count a run that has just ended: what compute says that it took, or else the time since it
    was taken up.
    """
    await connection.execute(
        """
        INSERT INTO learnda.usage (client, hour, seconds)
        SELECT client, date_trunc('hour', finished_at),
            coalesce(runtime_sec, extract(epoch FROM finished_at - started_at))
        FROM learnda.run WHERE id = %s AND started_at IS NOT NULL
        ON CONFLICT (client, hour) DO UPDATE SET seconds = usage.seconds + excluded.seconds
        """,
        [run_id],
    )


async def forget_old(connection: Connection) -> None:
    """Drop what no quota looks at any more."""
    await connection.execute(
        "DELETE FROM learnda.usage WHERE hour < clock_timestamp() - make_interval(hours => %s)",
        [2 * WINDOW_HOURS],
    )
