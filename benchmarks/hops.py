"""What hops add to hybrid search: recall of the gold passages, and milliseconds, per question set.

    python benchmarks/hops.py --data DATA/hotpotqa --index FOLDER [--split dev] [--limit 100]

`--data` holds `corpus.jsonl.gz` and `dev.jsonl.gz`. The passages are encoded once into `--index` (minutes) and reused.
Settings such as HOPCITE_SEARCH__HOP_SEEDS apply, so that values can be compared.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from hopcite.settings import load_settings
from hopcite.types import Chunk, Hit
from retrieval import Collection, open_collection, open_encoder

CUTOFFS = (2, 5, 10, 20)


def main() -> None:
    """Print one line for hybrid and one for hybrid with hops."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--split", default="dev")
    parser.add_argument("--limit", type=int)
    arguments = parser.parse_args()

    settings = load_settings(flags={"data_dir": str(arguments.index)}).settings
    encoder = open_encoder(settings)
    collection = open_collection(settings, encoder, name=arguments.data.name, create=True)
    if collection.index.count() == 0:
        fill(collection, arguments.data)
    questions = list(read_lines(arguments.data / f"{arguments.split}.jsonl.gz"))[: arguments.limit]
    print(f"{arguments.data.name} {arguments.split}, {len(questions)} questions, {collection.index.count()} passages")
    print("             " + "".join(f"  recall@{k:<3} all@{k:<3}" for k in CUTOFFS) + "  ms/question")
    for label, hops in (("hybrid", False), ("hybrid+hops", True)):
        row, milliseconds = measure(collection, questions, hops=hops)
        print(f"{label:<13}" + "".join(f"  {r:>9.1%} {a:>7.1%}" for r, a in row) + f"  {milliseconds:.1f}")
    collection.close()


def fill(collection: Collection, data: Path) -> None:
    """Add the corpus, one chunk for each passage."""
    chunks = [
        Chunk(
            id=str(uuid.uuid5(uuid.NAMESPACE_URL, passage["id"])),
            document_id=passage["id"],
            title=passage["title"],
            source=f"{data.name}#{passage['id']}",
            text=passage["text"],
            start=0,
            end=len(passage["text"]),
            position=0,
        )
        for passage in read_lines(data / "corpus.jsonl.gz")
    ]
    with tqdm(total=len(chunks), unit="passages", file=sys.stderr) as bar:

        def advance(done: int) -> None:
            bar.update(done - bar.n)

        collection.add(chunks, progress=advance)
    collection.index.optimize()


def measure(
    collection: Collection, questions: Sequence[dict[str, Any]], *, hops: bool
) -> tuple[list[tuple[float, float]], float]:
    """(recall, share of questions with all gold passages found) at each cutoff, and milliseconds a question."""
    collection.search([questions[0]["question"]], limit=max(CUTOFFS), hops=hops)  # warm
    started = time.perf_counter()
    found = [collection.search([question["question"]], limit=max(CUTOFFS), hops=hops)[0] for question in questions]
    milliseconds = (time.perf_counter() - started) / len(questions) * 1000
    row = []
    for k in CUTOFFS:
        recalls = [recall(question, hits[:k]) for question, hits in zip(questions, found, strict=True)]
        row.append((sum(recalls) / len(recalls), sum(value >= 1 for value in recalls) / len(recalls)))
    return row, milliseconds


def recall(question: dict[str, Any], hits: Sequence[Hit]) -> float:
    """Share of the gold passages among the hits; gold is told by id where titles repeat."""
    if "gold_ids" in question:
        gold, got = set(question["gold_ids"]), {hit.chunk.document_id for hit in hits}
    else:
        gold, got = set(question["gold_titles"]), {hit.chunk.title for hit in hits}
    return len(gold & got) / len(gold)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a gzip-compressed JSON Lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


if __name__ == "__main__":
    main()
