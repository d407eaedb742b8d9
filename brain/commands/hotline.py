"""``brain hotline``: train a classifier of hotline texts from one's own data, and try it on texts."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from brain.commands.common import fail

app = typer.Typer(no_args_is_help=True)
console = Console(stderr=True)


@app.command()
def train(
    data: Annotated[Path, typer.Argument(help="CSV or CSV.GZ with columns label, title, text (docs/hotline.md)")],
    out: Annotated[Path, typer.Option(help="file of the model")],
    unlabelled: Annotated[list[Path] | None, typer.Option(help="more texts, without a label")] = None,
    taxonomy: Annotated[Path | None, typer.Option(help="CSV with columns class, group, words")] = None,
) -> None:
    """Train a classifier and write it / 训练分类模型."""
    from brain.hotline import WordsError, read_rows, read_taxonomy
    from models.text.classify import train as fit
    from models.text.store import save

    try:
        rows = read_rows(data)
        free = [row for path in unlabelled or [] for row in read_rows(path)]
        described = read_taxonomy(taxonomy) if taxonomy is not None else []
        known = [row for row in rows if row.label]
        free += [row for row in rows if not row.label]
        model = fit(
            [(r.title, r.text) for r in known], [r.label for r in known], [(r.title, r.text) for r in free], described
        )
        save(model, out)
    except (WordsError, ValueError, OSError) as error:
        fail(str(error) if str(data) in str(error) else f"{data}: {error}")
    console.print(f"{len(known)} texts with a label, {len(free)} without → {out}: {', '.join(model.classes)}")


@app.command()
def judge(
    model: Annotated[Path, typer.Argument(help="a file written by `brain hotline train`")],
    texts: Annotated[list[str] | None, typer.Argument(help="texts; none: one a line from standard input")] = None,
) -> None:
    """Class, place, urgency of texts, one JSON a line / 判别文本."""
    from brain.hotline import WordsError, shipped_text
    from models.text.store import NotAModel, load
    from streams.decode.mask import mask

    try:
        classifier = load(model)
        reader = shipped_text()
    except (NotAModel, WordsError, OSError) as error:
        fail(str(error))
    given = [mask(text) for text in (texts or [line.strip() for line in sys.stdin if line.strip()])]
    verdicts = classifier.judge([("", text) for text in given])
    read = reader.read(given, [""] * len(given))
    for i, text in enumerate(given):
        known = verdicts.number[i] >= 0
        line = {
            "text": text,
            "class": classifier.classes[verdicts.number[i]] if known else None,
            "sure": bool(verdicts.sure[i]),
            "probability": round(float(verdicts.probability[i]), 3) if known else None,
            "regions": list(read.where[i].regions),
            "place": read.where[i].place,
            "what": read.where[i].what,
            "urgency": int(read.urgency[i]),
            "mood": None if math.isnan(read.mood[i]) else round(float(read.mood[i]), 2),
        }
        sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
