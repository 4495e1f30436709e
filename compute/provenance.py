"""What produces the numbers: software and devices, part of every result."""

from __future__ import annotations

from importlib.metadata import version

import jax

from learnda.v1 import assimilation_pb2 as pb

PACKAGES = ("learn-da", "jax", "jaxlib", "numpy")


def server() -> pb.Server:
    """Versions, devices and precisions; the first call wakes the devices up."""
    return pb.Server(
        versions={name: version(name) for name in PACKAGES},
        devices=[_device(device) for device in jax.devices()],
        precisions=[pb.PRECISION_FLOAT64, pb.PRECISION_FLOAT32],
    )


def _device(device: jax.Device) -> pb.Device:
    message = pb.Device(platform=device.platform, kind=device.device_kind)
    memory = (device.memory_stats() or {}).get("bytes_limit")
    if memory:
        message.memory_bytes = memory
    return message
