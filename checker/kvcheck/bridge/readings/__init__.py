"""The readings of designs as calls: a file for each, entered here by its design's name."""

from __future__ import annotations

from collections.abc import Mapping

from kvcheck.bridge.readings.copies import READING as COPIES
from kvcheck.bridge.readings.offload import READING as OFFLOAD
from kvcheck.bridge.readings.pins import READING as PINS
from kvcheck.bridge.readings.reading import Reading
from kvcheck.bridge.readings.retention import READING as RETENTION
from kvcheck.bridge.readings.tiers import READING as TIERS

READINGS: Mapping[str, Reading] = {
    reading.design: reading for reading in (TIERS, PINS, RETENTION, COPIES, OFFLOAD)
}
