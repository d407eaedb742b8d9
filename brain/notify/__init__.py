"""Telling people 通知: who is told of which incident, by which way, again and again until it is known to have arrived.

``occasions``: what there is to tell of an incident or a provisional record. ``config``: notify.yaml. ``post``: what
was told to whom and what is due, as a value. ``port``: what an adapter is. ``run``: the process. See docs/notify.md.
"""
