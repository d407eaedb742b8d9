"""Untrusted bytes to columns: readings (native JSON and SenML), detections per frame, hotline tickets.

Each payload is decoded by itself, never joined with its neighbours: two broken ones could make one good one. Nothing is
imported here: who only checks or masks a payload (payload.py, mask.py) does without the kernels of the fast path.
"""
