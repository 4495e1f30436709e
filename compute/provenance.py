"""What produces the numbers: software and devices, part of every result."""

from __future__ import annotations

from importlib.metadata import version

import jax

from learnda.v1 import common_pb2 as common

PACKAGES = ("learn-da", "jax", "jaxlib", "numpy")


def server() -> common.Server:
    """Versions, devices and precisions; the first call wakes the devices up."""
    return common.Server(
        versions={name: version(name) for name in PACKAGES},
        devices=[_device(device) for device in jax.devices()],
        precisions=[common.PRECISION_FLOAT64, common.PRECISION_FLOAT32],
    )


def _device(device: jax.Device) -> common.Device:
    message = common.Device(platform=device.platform, kind=device.device_kind)
    memory = (device.memory_stats() or {}).get("bytes_limit")
    if memory:
        message.memory_bytes = memory
    return message
