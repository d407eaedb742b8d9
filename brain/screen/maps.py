"""The map that the application serves: a file, or that of a set's folder."""

from __future__ import annotations

from pathlib import Path

from brain.sets import MAP
from brain.settings import Settings, SettingsError
from geo import geojson
from geo.feature import Feature


def path_of(given: Path | None, settings: Settings) -> Path:
    """A file as it is named, the map of a folder, or that of the genesis set. Raises SettingsError."""
    path = settings.set_folder() / settings.genesis if given is None else given
    found = path / MAP if path.is_dir() else path
    if not found.is_file():
        raise SettingsError(f"map: expected a GeoJSON file or a set's folder with {MAP}, got {path}; name one by --map")
    return found


def read(path: Path) -> list[Feature]:
    """All features of a file. Raises geo.feature.MapError with all that is wrong, and OSError."""
    return geojson.load(path)


def layers(text: str, public: tuple[str, ...], present: set[str]) -> tuple[str, ...]:
    """Layers to serve from a list with commas; ``public`` in it stands for those that anyone may read.

    Raises
    ------
    SettingsError
        A layer is named that the map does not have.
    """
    names = dict.fromkeys(name.strip() for name in text.split(",") if name.strip())
    unknown = sorted(set(names) - present - {"public"})
    if unknown or not names:
        got = ", ".join(unknown) or "none"
        raise SettingsError(f"layers: expected public or layers of the map ({', '.join(sorted(present))}), got {got}")
    return tuple(dict.fromkeys(n for name in names for n in (public if name == "public" else (name,))))
