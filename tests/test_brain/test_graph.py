"""The drawn pipeline is that of the catalogue: every topic, lane and reader is in it, in every form and language."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from brain.cli import app
from brain.graph import CITY, CONDUCTOR, READERS, Graph, build, lane, live
from brain.graph_draw import dot, mermaid, text
from brain.sets import CitySet
from brain.settings import Settings
from streams.records import TP
from streams.topics import catalogue

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = Settings(prefix="p.")


@pytest.fixture(scope="module")
def graph() -> Graph:
    return build(SETTINGS, CitySet.load(ROOT / "config" / "demo"))


def test_every_topic_of_the_catalogue_is_drawn_once_with_its_partitions(graph: Graph) -> None:
    drawn = [name for node in graph.nodes.values() for name in node.topics]
    wanted = {t.name: t.partitions for t in catalogue(SETTINGS.partitions, "p.")}
    assert sorted(drawn) == sorted(wanted)
    for node in graph.nodes.values():
        assert node.partitions == sum(wanted[name] for name in node.topics)


def test_whoever_is_there_is_led_to_and_leads_on(graph: Graph) -> None:
    for topic in SETTINGS.partitions:
        assert (topic, lane(topic)) in graph.edges
        assert (f"signals.{topic}", CITY) in graph.edges
        assert (CONDUCTOR, topic) in graph.edges
    ends = {end for edge in graph.edges for end in edge}
    lonely = set(graph.nodes) - ends
    assert lonely == set()
    assert (CITY, "incidents.*") in graph.edges
    assert ("incidents.*", "screen") in graph.edges
    assert ("screen", "feedback") in graph.edges
    assert set(READERS) >= {"screen", "notify", "agent"}


def test_scenarios_are_counted_where_they_are_judged(graph: Graph) -> None:
    total = 0
    for node in graph.nodes.values():
        total += sum(int(note.en.split()[0]) for note in node.notes if note.en.endswith("scenarios"))
    assert total == len(CitySet.load(ROOT / "config" / "demo").scenarios)


def test_each_form_has_every_box_and_arrow_and_both_languages(graph: Graph) -> None:
    for language, said in (("zh", "城市任务"), ("en", "city task")):
        flow, digraph = mermaid(graph, language), dot(graph, language)
        assert said in flow
        assert said in digraph
        assert flow.count("-->") == digraph.count("->") == len(graph.edges)
        assert len(re.findall(r"^    n\d+[\[(]", flow, re.MULTILINE)) == len(graph.nodes)
        out = StringIO()
        Console(file=out, width=200).print(text(graph, "t", language))
        for node in graph.nodes.values():
            assert (node.name.en if language == "en" else node.name.zh) in out.getvalue()


def test_what_runs_is_written_into_the_boxes() -> None:
    g = build(SETTINGS)
    rates = {TP("p.incidents.eco", 0): 1.5, TP("p.incidents.social", 0): 1.0, TP("p.pulse", 0): 2.0}
    live(g, "p.", rates, {TP("p.iot.telemetry", 0): 3, TP("p.iot.telemetry", 1): 1_000}, 2, 0.4)
    assert [note.en for note in g.nodes["incidents.*"].notes] == ["2.5 records/s"]
    assert [note.zh for note in g.nodes[lane("iot.telemetry")].notes] == ["积压 1,003"]
    assert [note.en for note in g.nodes[CONDUCTOR].notes] == ["2 workers", "pulse 0.4 s ago"]


def test_the_command_draws_without_a_broker_and_says_so() -> None:
    done = CliRunner().invoke(app, ["graph", "--bootstrap", "127.0.0.1:1", "--lang", "en", "--format", "dot"])
    assert done.exit_code == 0, done.output
    assert "without what runs: the broker does not answer" in done.output
    assert "digraph brain {" in done.stdout
