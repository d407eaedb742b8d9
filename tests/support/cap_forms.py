"""CAP messages for tests, with what differs."""

from __future__ import annotations


def alert(
    *, id_: str = "99010141600000_20261006212927_1", status: str = "Actual", message: str = "Alert",
    space: str = "urn:oasis:names:tc:emergency:cap:1.2", encoding: str = "UTF-8", info: str | None = None,
    more: str = "", sent: str = "2026-10-06T21:29:27+08:00",
) -> str:  # fmt: skip
    inner = info_of() if info is None else info
    return (
        f'<?xml version="1.0" encoding="{encoding}"?><alert xmlns="{space}"><identifier>{id_}</identifier>'
        f"<sender>weather@city.example</sender><sent>{sent}</sent><status>{status}</status><msgType>{message}</msgType>"
        f"<scope>Public</scope>{more}{inner}</alert>"
    )


def info_of(
    area: str | None = None, *, severity: str = "Minor", event: str = "雷电", language: str = "zh-CN", more: str = "",
    code: str = "11B14", times: str = "",
) -> str:  # fmt: skip
    where = area_of(geocode("990101000000")) if area is None else area
    return (
        f"<info><language>{language}</language><category>Met</category><event>{event}</event>"
        f"<urgency>Expected</urgency><severity>{severity}</severity><certainty>Likely</certainty>"
        f"<eventCode><valueName>GB/T 35561</valueName><value>{code}</value></eventCode>{times}{more}{where}</info>"
    )


def area_of(inner: str) -> str:
    return f"<area><areaDesc>一区</areaDesc>{inner}</area>"


def geocode(code: str) -> str:
    return f"<geocode><valueName>CPEAS Geographic Code</valueName><value>{code}</value></geocode>"
