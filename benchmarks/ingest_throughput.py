"""What storing costs beside encoding: `Collection.add` against the bare encoder on the same texts, in turns in one run.

    python benchmarks/ingest_throughput.py --data DATA/hotpotqa [--limit 2000] [--rounds 3]

Target: at least 80% of the bare encoder's passages a second. Both use the configured precision and batch size, and
both sort by length.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
import time
import uuid
from itertools import islice
from pathlib import Path

from hopcite.settings import load_settings
from hopcite.types import Chunk
from retrieval import open_collection, open_encoder
from retrieval.collection import embedded_text
from retrieval.encoder import load_model


def main() -> None:
    """Print passages a second of both, and the ratio of the best rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()

    chunks = read_chunks(arguments.data, arguments.limit)
    texts = [embedded_text(chunk) for chunk in chunks]
    bare: list[float] = []
    ours: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(flags={"data_dir": folder}).settings
        model, encoder = load_model(settings), open_encoder(settings)
        for number in range(arguments.rounds):
            started = time.perf_counter()
            model.encode(texts, batch_size=settings.encoder.batch_size, normalize_embeddings=True)
            bare.append(time.perf_counter() - started)
            collection = open_collection(settings, encoder, name=f"round{number}", create=True)
            started = time.perf_counter()
            collection.add(chunks)
            collection.index.optimize()
            ours.append(time.perf_counter() - started)
            collection.close()
    for name, seconds in (("bare encoder", min(bare)), ("Collection.add", min(ours))):
        print(f"{name:<16} {len(chunks) / seconds:7.1f} passages/s")
    print(f"ratio            {min(bare) / min(ours):7.1%}   (rounds: {', '.join(ratios(bare, ours))})")


def ratios(bare: list[float], ours: list[float]) -> list[str]:
    """The ratio of each round."""
    return [f"{a / b:.1%}" for a, b in zip(bare, ours, strict=True)]


def read_chunks(data: Path, limit: int) -> list[Chunk]:
    """The corpus' first passages, one chunk each."""
    with gzip.open(data / "corpus.jsonl.gz", "rt", encoding="utf-8") as lines:
        passages = [json.loads(line) for line in islice(lines, limit)]
    return [
        Chunk(
            id=str(uuid.uuid5(uuid.NAMESPACE_URL, passage["id"])),
            document_id=passage["id"],
            title=passage["title"],
            source=passage["id"],
            text=passage["text"],
            start=0,
            end=len(passage["text"]),
            position=0,
        )
        for passage in passages
    ]


if __name__ == "__main__":
    main()
