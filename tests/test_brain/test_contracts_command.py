"""``brain contracts`` on files and pipes: incidents out, service requests and warnings in."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
from one_incident import make
from typer.testing import CliRunner

from brain.cli import app


def test_export_writes_each_form_and_leaves_out_what_people_are_not_shown(tmp_path: Path) -> None:
    source = tmp_path / "incidents.ndjson"
    rows = [make(), make(id="inc-2", withheld="storm"), make(id="inc-3")]
    source.write_bytes(b"\n".join(msgspec.json.encode(row) for row in rows))
    run = CliRunner()
    done = run.invoke(app, ["contracts", "export", "--to", "cap", str(source), "--out", str(tmp_path / "cap")])
    assert done.exit_code == 0, done.output
    assert sorted(p.name for p in (tmp_path / "cap").iterdir()) == ["inc-00ff00ff00ff00ff.3.xml", "inc-3.3.xml"]
    target = tmp_path / "out.json"
    for name in ("ngsi-ld", "open311", "alertmanager"):
        asked = ["contracts", "export", "--to", name, str(source), "--out", str(target), "--withheld"]
        assert run.invoke(app, asked).exit_code == 0
        assert target.read_bytes().count(b"inc-2") >= 1
    piped = run.invoke(app, ["contracts", "export", "--to", "open311"], input=source.read_bytes())
    assert [r["service_request_id"] for r in json.loads(piped.stdout)] == ["inc-00ff00ff00ff00ff", "inc-3"]


def test_export_says_which_line_is_no_incident_and_that_cap_needs_a_folder(tmp_path: Path) -> None:
    source = tmp_path / "incidents.ndjson"
    source.write_bytes(msgspec.json.encode(make()) + b"\n\n" + b'{"id":1}\n')
    run = CliRunner()
    wrong = run.invoke(app, ["contracts", "export", "--to", "cap", str(source)])
    assert wrong.exit_code == 2
    assert "incidents.ndjson:3: no incident" in wrong.output.replace("\n", "")
    source.write_bytes(msgspec.json.encode(make()) * 1 + b"\n" + msgspec.json.encode(make(id="inc-2")))
    assert "--out" in run.invoke(app, ["contracts", "export", "--to", "cap", str(source)]).output
    assert run.invoke(app, ["contracts", "export", "--to", "cap", str(tmp_path / "none")]).exit_code == 2
    shown = run.invoke(app, ["contracts", "losses", "--to", "cap"])
    assert "identifier" in shown.output


def test_requests_of_another_system_become_lines_and_refusals_are_numbered(tmp_path: Path) -> None:
    good = {"service_request_id": "1", "description": "x", "requested_datetime": "2024-06-10T14:13:20+08:00"}
    source = tmp_path / "requests.json"
    source.write_text(json.dumps([good, {**good, "requested_datetime": None}, good]), encoding="utf-8")
    run = CliRunner()
    done = run.invoke(app, ["contracts", "tickets", str(source)])
    assert done.exit_code == 1
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["1", "1"]
    assert "request 2" in done.stderr
    assert run.invoke(app, ["contracts", "tickets"], input=json.dumps(good)).exit_code == 0
    assert run.invoke(app, ["contracts", "tickets"], input="{").exit_code == 2


def test_a_warning_can_be_tried_before_it_is_sent() -> None:
    document = (
        '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>99010241600000_20261006212927</identifier>'
        "<sender>s</sender><sent>2026-10-06T21:29:27+08:00</sent><status>Actual</status><msgType>Alert</msgType>"
        "<scope>Public</scope><info><category>Met</category><event>雷电蓝色预警</event><urgency>Expected</urgency>"
        "<severity>Minor</severity><certainty>Likely</certainty></info></alert>"
    )
    asked = ["contracts", "warning", "--map", str(Path(__file__).parents[2] / "config" / "demo" / "map.geojson")]
    run = CliRunner()
    accepted = run.invoke(app, asked, input=document)
    assert accepted.exit_code == 0, accepted.output
    assert json.loads(accepted.stdout)["areas"][0]["codes"] == {"district": ["990102"]}
    refused = run.invoke(app, asked, input=document.replace("990102", "130132"))
    assert (refused.exit_code, "elsewhere" in refused.output) == (1, True)
    assert run.invoke(app, ["contracts", "warning", "--map", "none"], input=document).exit_code == 2
