"""A client of the API in a process of its own: ``api_client.py HOST PORT COUNT PATH...``.

Asks COUNT times, each path in turn, and prints the seconds that each answer took, as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from http.client import HTTPConnection

PAUSE = 0.01


def main(host: str, port: int, count: int, paths: list[str]) -> None:
    connection = HTTPConnection(host, port, timeout=30)
    spent = []
    for k in range(count):
        begun = time.perf_counter()
        connection.request("GET", paths[k % len(paths)])
        answer = connection.getresponse()
        answer.read()
        spent.append(time.perf_counter() - begun)
        assert answer.status == 200, answer.status
        time.sleep(PAUSE)
    print(json.dumps(spent))


if __name__ == "__main__":
    host, port, count, *paths = sys.argv[1:]
    main(host, int(port), int(count), paths)
