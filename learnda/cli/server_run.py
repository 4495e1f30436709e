"""Runs a request on a server, over the REST contract."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from learnda.cli.display import Result, RunDisplay

MAX_LOST_CONNECTIONS = 5
"""Streams in a row that may end without an event before we give up."""
QUIET_SECONDS = 60.0
"""Longer than a server's keepalive: a stream that is silent for this long is dead."""


class ServerError(Exception):
    """The server refused the request or could not carry it out; the message is for people."""


def run_there(body: object, server: str, show: RunDisplay, csv: Path | None) -> list[Result]:
    """Run ``body`` on the server whose base URL is ``server``, with the token of LEARNDA_TOKEN."""
    token = os.environ.get("LEARNDA_TOKEN", "").strip()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    timeout = httpx.Timeout(30.0, read=QUIET_SECONDS)
    with httpx.Client(base_url=server, timeout=timeout, headers=headers) as client:
        try:
            return _run(client, body, show, csv)
        except httpx.TransportError as error:
            raise ServerError(f"{server} cannot be reached: {error}") from error


def _run(client: httpx.Client, body: object, show: RunDisplay, csv: Path | None) -> list[Result]:
    run_id = _checked(client.post("/api/runs", json=body)).json()["run_id"]
    show.note(f"run {run_id}")
    try:
        _watch(client, run_id, show)
    except KeyboardInterrupt:
        client.post(f"/api/runs/{run_id}/cancel")
        raise
    summary = _checked(client.get(f"/api/runs/{run_id}")).json()
    if csv is not None:
        with client.stream("GET", f"/api/runs/{run_id}/csv") as answer, csv.open("wb") as file:
            if answer.is_error:
                answer.read()
            for part in _checked(answer).iter_bytes():
                file.write(part)
    return [_result(method) for method in summary["methods"].values()]


def _watch(client: httpx.Client, run_id: str, show: RunDisplay) -> None:
    """Show the run until its end; ServerError when it did not complete."""
    labels: dict[str, str] = {}
    step_count = 0
    for event, data in _events(client, run_id):
        match event:
            case "run_created":
                request = data["request"]
                labels = {m["id"]: m["label"] for m in request["methods"]}
                step_count = math.floor(request["end_time"] / request["obs_freq"] + 1e-9) + 1
                show.begin(labels, step_count)
            case "partial":
                show.advance(data["method_id"], data["step"] + 1, data["rmse_analysis"])
            case "method_completed":
                result = Result(
                    data["label"],
                    data.get("status", "completed"),
                    data["metrics"],
                    data["runtime_sec"],
                    data.get("diverged_step"),
                )
                show.complete(data["method_id"], result)
            case "run_failed":
                raise ServerError(f"the run failed: {data['error']}")
            case "run_cancelled":
                raise ServerError("the run was cancelled")
            case _:
                pass


def _events(client: httpx.Client, run_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The run's events, each once, over as many connections as it takes; ends after `done`."""
    last = 0
    lost = 0
    while lost < MAX_LOST_CONNECTIONS:
        lost += 1
        try:
            with client.stream(
                "GET", f"/api/runs/{run_id}/events", params={"since": last}
            ) as answer:
                if answer.is_error:
                    answer.read()
                for event, data in _parsed(_checked(answer).iter_lines()):
                    if event == "done":
                        return
                    if "_event_id" in data:
                        last, lost = data["_event_id"], 0
                        yield event, data
        except httpx.TransportError:
            time.sleep(0.5 * lost)
    raise ServerError("the connection to the server was lost")


def _parsed(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Server-sent events of one line of data each, as the contract has them."""
    event = ""
    for line in lines:
        field, _, value = line.partition(": ")
        if field == "event":
            event = value
        elif field == "data":
            yield event, json.loads(value)


def _checked(answer: httpx.Response) -> httpx.Response:
    """The answer, unless it is a problem: then its sentence and fields, as an error."""
    if not answer.is_error:
        return answer
    try:
        problem = answer.json()
        lines = [
            problem["error"],
            *(f"  {e['field']}: {e['message']}" for e in problem.get("errors", ())),
        ]
    except (ValueError, KeyError, TypeError):
        lines = [f"the server answered {answer.status_code}"]
    raise ServerError("\n".join(lines))


def _result(method: dict[str, Any]) -> Result:
    return Result(
        method["label"],
        method["status"],
        method["metrics"] or {},
        method["runtime_sec"] or 0.0,
        method.get("diverged_step"),
    )
