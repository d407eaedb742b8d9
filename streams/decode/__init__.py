"""Untrusted bytes to columns: readings (native JSON and SenML), detections per frame, hotline tickets.

Each payload is decoded by itself, never joined with its neighbours: two broken ones could make one good one.
"""

from streams.decode.columns import Columns
from streams.decode.detections import Frames, decode_detections, decode_frames
from streams.decode.readings import decode_readings
from streams.decode.tickets import Ticket, decode_tickets

__all__ = [
    "Columns",
    "Frames",
    "Ticket",
    "decode_detections",
    "decode_frames",
    "decode_readings",
    "decode_tickets",
]
