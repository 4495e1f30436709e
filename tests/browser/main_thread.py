"""How much a page's main thread has to do for each frame: processor time, not the clock's.

On a machine whose processors are shared the clock says how long a frame waited for them, too; that
is for the machine to answer for. The page answers for what it computes and draws.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

CATEGORIES = ["devtools.timeline", "disabled-by-default-devtools.timeline", "__metadata"]
MAIN = "CrRendererMain"
TASK = "RunTask"
FRAME = "FireAnimationFrame"

Event = dict[str, Any]


@dataclass(frozen=True)
class Work:
    """What the main thread did while it was watched; milliseconds."""

    frames: list[float]
    """Processor time that each frame took: of all tasks since the frame before."""
    wall: float
    """From the first of its tasks to the last."""

    def at(self, share: float) -> float:
        """What so large a part of the frames stays under."""
        return sorted(self.frames)[int(share * (len(self.frames) - 1))]

    def over(self, limit: float) -> float:
        """The part of all frames that there is time for, at 60 a second, which took longer.

        Not of those that were made: on a machine that is busy elsewhere there are fewer of those,
        and each has more to catch up with.
        """
        return sum(frame > limit for frame in self.frames) / (self.wall * 60 / 1000)

    @property
    def busy(self) -> float:
        """The part of the time in which it was at work, 0..1."""
        return sum(self.frames) / self.wall


def watch(page: Page, action: Callable[[], object]) -> Work:
    """The work for frames while ``action`` goes on; the page must ask for animation frames."""
    session = page.context.new_cdp_session(page)
    events: list[Event] = []
    ended: list[object] = []
    session.on("Tracing.dataCollected", lambda part: events.extend(part["value"]))
    session.on("Tracing.tracingComplete", lambda end: ended.append(end))
    config = {"includedCategories": CATEGORIES, "recordMode": "recordAsMuchAsPossible"}
    session.send("Tracing.start", {"transferMode": "ReportEvents", "traceConfig": config})
    try:
        action()
    finally:
        session.send("Tracing.end")
        while not ended:
            page.wait_for_timeout(50)
        session.detach()
    return work_of(events)


def work_of(events: list[Event]) -> Work:
    """Of the renderer that made most frames."""
    mains = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == MAIN
    }
    made = Counter((e["pid"], e["tid"]) for e in events if e["name"] == FRAME)
    main = max(mains, key=lambda thread: made[thread])
    own = [event for event in events if (event["pid"], event["tid"]) == main]
    fired = sorted(event["ts"] for event in own if event["name"] == FRAME)
    tasks = sorted(
        (event for event in own if event["name"] == TASK and "tdur" in event),
        key=lambda event: float(event["ts"]),
    )
    frames, spent = [], 0.0
    for task in tasks:
        spent += task["tdur"] / 1000
        place = bisect_left(fired, task["ts"])
        if place < len(fired) and fired[place] <= task["ts"] + task["dur"]:
            frames.append(spent)
            spent = 0.0
    return Work(frames, (tasks[-1]["ts"] - tasks[0]["ts"]) / 1000)
