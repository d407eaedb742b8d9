"""The manifests against Kubernetes' own schemas, and against the code and the image that they run."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import msgspec
import pytest
import yaml
from verbs import every_verb

from brain.settings import Settings, load

FOLDER = Path(__file__).resolve().parent.parent / "docker" / "kubernetes"
IMAGE = "docker/Dockerfile"
OWN = ("kustomization.yaml", "settings.yaml", "monitor.yaml")
"""No resources of Kubernetes itself."""


def resources() -> list[dict[str, Any]]:
    return [
        one for path in sorted(FOLDER.glob("*.yaml")) if path.name not in OWN
        for one in yaml.safe_load_all(path.read_text("utf-8"))
    ]  # fmt: skip


def pods() -> dict[str, dict[str, Any]]:
    return {
        r["metadata"]["name"]: r["spec"]["template"]["spec"] for r in resources() if "template" in r.get("spec", {})
    }


def kustomization() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))
    return found


def test_every_manifest_is_what_kubernetes_takes_with_nothing_it_does_not_know() -> None:
    for one in resources():
        kubernetes_validate.validate(one, kubernetes_validate.latest_version(), strict=True)
    wrong = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x", "lables": {}}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, kubernetes_validate.latest_version(), strict=True)


def test_the_base_names_every_manifest_and_no_other() -> None:
    there = {path.name for path in FOLDER.glob("*.yaml")} - set(OWN)
    assert set(kustomization()["resources"]) == there
    (image,) = kustomization()["images"]
    labelled = re.search(r"city-brain:([\d.]+) \.$", (FOLDER.parents[1] / IMAGE).read_text("utf-8"), re.MULTILINE)
    assert labelled
    assert image["newTag"] == labelled[1]


def test_no_pod_is_root_can_write_its_root_or_talk_to_the_cluster() -> None:
    assert pods().keys() == {"topics", "worker", "screen", "notify"}
    for name, pod in pods().items():
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        (container,) = pod["containers"]
        assert container["image"] == "city-brain", name
        assert container["securityContext"]["readOnlyRootFilesystem"] is True, name
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}, name
        assert {m["mountPath"] for m in container["volumeMounts"]} >= {"/tmp", "/etc/brain"}, name
        assert container["resources"]["limits"]["memory"], name


def test_what_serves_has_three_probes_on_a_port_that_it_opens_and_time_to_end() -> None:
    for name in ("worker", "screen", "notify"):
        (container,) = pods()[name]["containers"]
        opened = {p["name"] for p in container["ports"]}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            asked = container[probe].get("httpGet") or container[probe]["tcpSocket"]
            assert asked["port"] in opened, (name, probe)
        assert pods()[name]["terminationGracePeriodSeconds"] >= 20


def test_commands_are_verbs_with_options_of_their_own() -> None:
    verbs = every_verb()
    for name, pod in pods().items():
        verb, *words = pod["containers"][0]["args"]
        command = verbs.commands[verb]
        options = {option for parameter in command.params for option in parameter.opts}
        assert [w for w in words if w.startswith("-") and w.partition("=")[0] not in options] == [], name


def test_the_settings_are_settings_and_their_files_come_from_the_secrets() -> None:
    given = load(FOLDER / "settings.yaml", environ={})
    assert given.health_port == 9100
    (pod,) = [p for name, p in pods().items() if name == "worker"]
    mounts = {m["name"]: m["mountPath"] for m in pod["containers"][0]["volumeMounts"]}
    secret = next(s for s in kustomization()["secretGenerator"] if s["name"] == "brain-secrets")
    files = {f"{mounts['secrets']}/{entry.partition('=')[0]}" for entry in secret["files"]}
    text = (FOLDER / "settings.yaml").read_text("utf-8")
    assert set(re.findall(r"/run/secrets/\S+", text)) == files
    assert given.pulse_key_file in files
    fields = {f.name for f in msgspec.structs.fields(Settings)}
    assert [key for key in yaml.safe_load(text) if key not in fields] == []


def test_the_screen_reads_its_rules_of_access_where_the_secret_is_mounted() -> None:
    (container,) = pods()["screen"]["containers"]
    (given,) = [a.partition("=")[2] for a in container["args"] if a.startswith("--access=")]
    secret = next(s for s in kustomization()["secretGenerator"] if s["name"] == "brain-access")
    folder = next(m["mountPath"] for m in container["volumeMounts"] if m["name"] == "access")
    assert given in {f"{folder}/{entry.partition('=')[0]}" for entry in secret["files"]}


def test_selectors_find_the_pods_they_are_for() -> None:
    labels = {r["metadata"]["name"]: r["spec"]["template"]["metadata"]["labels"]
              for r in resources() if r["kind"] == "Deployment"}  # fmt: skip
    for one in resources():
        spec = one.get("spec", {})
        matched = (spec.get("selector") or {}).get("matchLabels")
        kinds = {"Service": spec.get("selector"), "PodDisruptionBudget": matched,
                 "NetworkPolicy": (spec.get("podSelector") or {}).get("matchLabels")}  # fmt: skip
        wanted = kinds.get(one["kind"])
        if wanted is not None:
            found = [name for name, has in labels.items() if wanted.items() <= has.items()]
            assert found, one["metadata"]["name"]


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl on PATH: kustomize is not run")
def test_kubectl_builds_the_base(tmp_path: Path) -> None:
    copy = tmp_path / "base"
    shutil.copytree(FOLDER, copy)
    for name in ("pulse.key", "sasl.password", "ca.pem", "notify.yaml", "access.yaml", "jwks.json"):
        (copy / "secrets" / name).write_text("x\n")
    done = subprocess.run(["kubectl", "kustomize", str(copy)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    kinds = [one["kind"] for one in yaml.safe_load_all(done.stdout)]
    assert kinds.count("Deployment") == 3
    assert kinds.count("Secret") == 3
