"""How often the screening of passages touches harmless text: `python benchmarks/screening.py FOLDER ...`.

Each folder holds a data set's `corpus.jsonl.gz`. Prints, for each, the passages, those of which a model would be shown
something else than is stored, and those that lose a sentence.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from agent.evidence import screen
from hopcite.types import Chunk


def main() -> None:
    """Print one line for each folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    for folder in parser.parse_args().folders:
        signs: Counter[str] = Counter()
        passages = changed = cut = 0
        started = time.perf_counter()
        for chunk in chunks(folder):
            found = screen(chunk)
            passages += 1
            changed += found.seen is not chunk or found.quarantined
            cut += bool(found.withheld) or found.quarantined
            signs.update(found.signs)
        ms = 1000 * (time.perf_counter() - started) / passages
        print(f"{folder.name}: {passages:,} passages, {changed} changed, {cut} cut; {ms:.1f} ms each; {dict(signs)}")


def chunks(folder: Path) -> Iterator[Chunk]:
    """The corpus, a chunk a document."""
    with gzip.open(folder / "corpus.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            page = json.loads(line)
            text = page["text"]
            yield Chunk(page["id"], page["id"], page["title"], "", text, 0, len(text), 0)


if __name__ == "__main__":
    main()
