"""A real nginx in front of a gateway, buffering and compressing as Debian ships it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from learnda.local.services import free_port

HOST = "127.0.0.1"
NGINX = os.environ.get("LEARNDA_NGINX") or shutil.which("nginx") or shutil.which("/usr/sbin/nginx")

CONFIGURATION = """
daemon off;
pid {folder}/pid;
error_log stderr;
user root;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    gzip on;
    {more}
    server {{
        listen {host}:{port};
        location / {{ proxy_pass {upstream}; }}
        location /deaf/ {{ proxy_pass {upstream}/; proxy_ignore_headers X-Accel-Buffering; }}
    }}
}}
"""
"""``/deaf/`` does not heed what the gateway says about buffering."""


@contextmanager
def nginx(upstream: str, folder: Path, more: str = "") -> Iterator[str]:
    """The URL of an nginx in front of ``upstream``."""
    assert NGINX, "there is no nginx: scripts/nginx.sh installs it, as root"
    port = free_port(HOST)
    file = folder / "nginx.conf"
    text = CONFIGURATION.format(folder=folder, host=HOST, port=port, upstream=upstream, more=more)
    file.write_text(text)
    process = subprocess.Popen([NGINX, "-c", str(file), "-e", "stderr"])
    try:
        deadline = time.monotonic() + 10
        while not _listens(port):
            assert process.poll() is None, "nginx ended at its start"
            assert time.monotonic() < deadline, "nginx does not listen"
            time.sleep(0.02)
        yield f"http://{HOST}:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
