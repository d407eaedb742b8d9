"""The scripts of a release and of linting: what they say of themselves, and that a wrong word is no release."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


def test_release_says_what_it_makes_and_refuses_what_it_does_not_know() -> None:
    helped = run("tools/release", "--help")
    assert helped.returncode == 0
    made = set(re.findall(r"^  (\S+)", helped.stdout, re.MULTILINE))
    assert made == {"city_brain-*.whl", "sbom.cdx.json", "audit.json", "SHA256SUMS"}
    text = (ROOT / "tools" / "release").read_text("utf-8")
    assert all(f"dist/{name}" in text or f">{name}" in text for name in made - {"city_brain-*.whl"})
    wrong = run("tools/release", "--nonsense")
    assert wrong.returncode == 2


def test_scripts_are_sound_shell_and_make_knows_the_release() -> None:
    for name in ("tools/release", "tools/lint-containers", ".ci/run"):
        assert run("bash", "-n", name).returncode == 0, name
    assert re.search(r"^release: setup  ## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
