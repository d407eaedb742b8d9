"""``brain map``: maps from other people's files, looked over, shown, compared, and sent as live changes.

Ends with 0; with 1 where a map is refused, its findings printed; with 2 where a file or an option is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from brain.commands import map_report as report
from brain.commands import map_source as source
from brain.commands.common import Bootstrap, Config, Lang, Prefix, broker_of, fail, load_settings
from brain.commands.map_report import as_json, findings_out, say, words
from geo import geojson
from geo.changes import Change, apply, diff, name_of
from geo.feature import ALWAYS, Feature
from geo.findings import Finding, MapError, found
from geo.review import SHARE, newest, review

app = typer.Typer(no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="one JSON document instead of text")]
Against = Annotated[Path | None, typer.Option(help="another map to compare with", exists=True, dir_okay=False)]
Share = Annotated[float, typer.Option(help="change of an area from which on it is told")]
At = Annotated[str | None, typer.Option(help="time, RFC 3339 with offset; the newest edition's when left out")]
Code = Annotated[str, typer.Option(help="field or column of the code")]
Name = Annotated[str, typer.Option(help="field or column of the name")]
Parent = Annotated[str, typer.Option(help="field or column of the parent's code")]
Encoding = Annotated[str, typer.Option(help="encoding of texts, as GBK, where the file does not say")]
MapFile = Annotated[Path, typer.Argument(help="map (GeoJSON)", exists=True, dir_okay=False)]


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help=".geojson, .gpkg or .shp", exists=True, dir_okay=False)],
    layer: Annotated[str, typer.Option(help="layer of all features; else each file's field `layer`")] = "",
    crs: Annotated[str, typer.Option(help="EPSG:4547, cgcs2000, wgs84; gcj02 or bd09 where it carries an offset")] = "",
    code: Code = "",
    name: Name = "",
    parent: Parent = "",
    field: Annotated[list[str] | None, typer.Option(help="OURS=THEIRS for any other field; repeat")] = None,
    since: Annotated[str | None, typer.Option(help="in force from, where no field says so (RFC 3339)")] = None,
    encoding: Encoding = "",
    table: Annotated[str, typer.Option(help="layer of a GeoPackage that has several")] = "",
    repair: Annotated[bool, typer.Option("--repair", help="mend invalid polygons, and say what it did")] = False,
    out: Annotated[Path | None, typer.Option(help="map to write; without it the files are only checked")] = None,
    json: Json = False,
    lang: Lang = None,
) -> None:
    """Bring in other people's files, as one map or not at all / 导入地图."""
    from geo.importing import Fields, read_file

    language = load_settings(None, language=lang).language
    names = {ours: theirs for ours, theirs in (("code", code), ("name", name), ("parent", parent)) if theirs}
    for pair in field or ():
        ours, equals, theirs = pair.partition("=")
        if not (equals and ours and theirs):
            fail(f"--field: expected OURS=THEIRS as town=SSZJ, got {pair!r}")
        names[ours] = theirs
    fields = Fields(layer, names, ALWAYS if since is None else _time("--since", since))
    features, findings, left, read, told = list[Feature](), list[Finding](), list[dict[str, Any]](), [], []
    for file in files:
        try:
            got = read_file(file, fields, crs=crs, encoding=encoding, table=table, mend=repair)
        except MapError as error:
            findings += error.findings
            continue
        features += got.features
        findings += got.findings
        told += got.repaired
        left += [{"file": file.name, "name": n, "n": count} for n, count in sorted(got.left_out.items())]
        read.append({"file": file.name, "n": len(got.features), "crs": got.crs})
    if not any(f.severity == "error" for f in findings):
        findings += review(features)
    bad = any(f.severity == "error" for f in findings)
    if out is not None and not bad:
        source.write(out, geojson.write(sorted(features, key=name_of)))
    if json:
        as_json(
            files=read, left_out=left, repaired=[r._asdict() for r in told],
            written=str(out) if out is not None and not bad else None,
            findings=[report.finding_dict(f, language) for f in findings],
        )  # fmt: skip
    else:
        w = words(language)
        for line in (*(w["read"].format(**r) for r in read), *(w["left_out"].format(**r) for r in left)):
            say(line)
        report.repaired_out(told, language)
        findings_out(findings, language)
        if bad:
            say(w["refused"], "bold red")
        elif out is not None:
            say(w["written"].format(out=out, n=len(features)), "green")
    raise typer.Exit(1 if bad else 0)


@app.command()
def check(
    map_: Annotated[Path, typer.Argument(metavar="MAP", help="map (GeoJSON), or a list of codes (CSV)", exists=True,
                                         dir_okay=False)],
    against: Against = None,
    repair: Annotated[Path | None, typer.Option(help="write the map here with its invalid polygons mended")] = None,
    share: Share = SHARE,
    at: At = None,
    code: Code = "",
    name: Name = "",
    parent: Parent = "",
    encoding: Encoding = "utf-8-sig",
    json: Json = False,
    lang: Lang = None,
) -> None:  # fmt: skip
    """Look a map over, beside another one or a list of codes; or compare two lists / 检查地图."""
    from geo.code_lists import conflicts, of_features, read_list
    from geo.repair import repair as mend

    language = load_settings(None, language=lang).language
    columns = {"code": code, "name": name, "parent": parent, "encoding": encoding}
    told: Sequence[Any] = ()
    with _refused(language, json):
        listed = against is not None and against.suffix.lower() == ".csv"
        if map_.suffix.lower() == ".csv":
            if against is None:
                fail(f"{map_.name}: a list of codes is checked --against another list or a map")
            there = read_list(against, **columns) if listed else of_features(source.load(against))
            findings = conflicts(read_list(map_, **columns), there)
        else:
            features = source.load(map_)
            if repair is not None:
                features, told = mend(features)
                source.write(repair, geojson.write(features))
            others = source.load(against) if against is not None and not listed else ()
            findings = review(features, against=others, at=None if at is None else _time("--at", at), share=share)
            if against is not None and listed:
                findings += conflicts(of_features(features), read_list(against, **columns))
    if json:
        repaired = [r._asdict() for r in told]
        as_json(findings=[report.finding_dict(f, language) for f in findings], repaired=repaired)
    else:
        report.repaired_out(told, language)
        findings_out(findings, language)
    raise typer.Exit(1 if any(f.severity == "error" for f in findings) else 0)


@app.command()
def show(
    map_: MapFile,
    at: At = None,
    at_point: Annotated[str | None, typer.Option(help="LON,LAT in WGS 84: what lies there, in all layers")] = None,
    json: Json = False,
    lang: Lang = None,
) -> None:
    """Layers, counts, editions and bounds of a map; what lies at a point / 显示地图."""
    from geo.city_map import CityMap

    language = load_settings(None, language=lang).language
    time = None if at is None else _time("--at", at)
    point = None if at_point is None else _point(at_point)
    with _refused(language, json):
        features = source.load(map_)
        city = CityMap(features)
    shown = newest(features) if time is None else time
    content: dict[str, Any] = {
        "version": city.version, "bounds": report.bounds_of(features),
        "editions": [report.time_text(t, language) for t in city.starts.tolist()],
        "layers": report.layers_of(features, shown),
    }  # fmt: skip
    if point is not None:
        content["at_point"] = report.place(city, *point, time)
    if json:
        as_json(**content)
        return
    w = words(language)
    report.layers_out(content["layers"], language)
    say(f"{w['version']}: {content['version']}")
    say(f"{w['editions']}: {', '.join(content['editions']) or w['always']}")
    say(f"{w['bounds']}: {', '.join(f'{v:.6f}' for v in content['bounds'])}")
    if point is not None:
        report.place_out(content["at_point"], language)


@app.command("diff")
def diff_(
    old: MapFile,
    new: MapFile,
    out: Annotated[Path | None, typer.Option(help="write the changes here, for brain map publish (ndjson)")] = None,
    json: Json = False,
    lang: Lang = None,
) -> None:
    """List the fewest changes that lead from one map to another / 比较地图."""
    language = load_settings(None, language=lang).language
    with _refused(language, json):
        before = source.load(old)
        changes = diff(before, source.load(new))
        if out is not None:
            source.write(out, source.lines(changes))
    _tell(changes, before, language, json=json)


@app.command()
def publish(
    what: Annotated[Path, typer.Argument(metavar="MAP|CHANGES", help="map (GeoJSON), or changes (ndjson)", exists=True,
                                         dir_okay=False)],
    against: Against = None,
    share: Share = SHARE,
    yes: Annotated[bool, typer.Option("--yes", help="send; without it only what would be sent is shown")] = False,
    json: Json = False,
    config: Config = None,
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    lang: Lang = None,
) -> None:  # fmt: skip
    """Send what a map changes in its layers beside the map in force, once all is found sound / 发布地图变更."""
    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix, language=lang)
    language = settings.language
    broker = broker_of(settings) if yes or against is None else ""
    with _refused(language, json):
        if against is None:
            base, before = source.in_force(broker, settings)
        else:
            base, before = str(against), source.load(against)
        if what.suffix.lower() == ".ndjson":
            changes = source.read_lines(what)
        else:
            new = source.load(what)
            if not new:
                raise MapError([found("M001", what.name, why="holds no feature")])
            layers = {f.layer for f in new}
            changes = diff([f for f in before if f.layer in layers], new)
        after = apply(before, changes)
        findings = [*_emptied(before, after), *review(after, against=before, share=share)]
        errors = [f for f in findings if f.severity == "error"]
        if errors:
            raise MapError(errors)
        records = source.keep(changes)
    topic = settings.prefix + source.FEATURES
    if not json:
        say(words(language)["base"].format(base=base))
        findings_out(findings, language)
    if yes and records:
        _send(broker, topic, records)
    sent = len(records) if yes else 0
    _tell(changes, before, language, json=json, base=base, sent=sent,
          findings=[report.finding_dict(f, language) for f in findings])  # fmt: skip
    if not json:
        w = words(language)
        say(w["sent"].format(n=sent, topic=topic) if sent else w["dry"] if records else w["nothing"])


def _emptied(before: Sequence[Feature], after: Sequence[Feature]) -> Iterator[Finding]:
    """Layers of which nothing would be left: a slip, mostly, and without grids no event has a place."""
    for layer in sorted({f.layer for f in before} - {f.layer for f in after}):
        yield found("M303", layer)


def _send(broker: str, topic: str, records: Sequence[tuple[bytes, bytes | None]]) -> None:
    from streams.log import LogError
    from streams.produce import send_all
    from streams.records import TP

    try:
        send_all(broker, TP(topic, 0), records)
    except LogError as error:
        fail(f"{error}; some may be there: send the same again, a change twice is one change", 1)


def _tell(changes: Sequence[Change], old: Sequence[Feature], language: str, *, json: bool, **more: Any) -> None:
    if json:
        before = {name_of(f): f for f in old}
        as_json(changes=[report.change_dict(c, before, language) for c in changes], **more)
    else:
        report.changes_out(changes, old, language)


@contextmanager
def _refused(language: str, json: bool) -> Iterator[None]:
    """A map that cannot be used ends the command with its findings, before anything is written or sent."""
    try:
        yield
    except MapError as error:
        if json:
            as_json(findings=[report.finding_dict(f, language) for f in error.findings])
        else:
            findings_out(error.findings, language)
            say(words(language)["refused"], "bold red")
        raise typer.Exit(1) from None


def _time(option: str, text: str) -> int:
    from geo.times import time_of

    try:
        return time_of(text)
    except ValueError as error:
        fail(f"{option}: {error}")


def _point(text: str) -> tuple[float, float]:
    lon, _, lat = text.partition(",")
    try:
        point = float(lon), float(lat)
    except ValueError:
        fail(f"--at-point: expected LON,LAT as 113.5534,22.2244, got {text!r}")
    if not (abs(point[0]) <= 180 and abs(point[1]) <= 90):
        fail(f"--at-point: expected degrees, longitude first, got {text}")
    return point
