"""What ingest costs beside encoding: `ingest_documents` and the bare encoder on the same texts, in turns, in one run.

    python benchmarks/ingest_throughput.py [--data DATA/hotpotqa] [--limit 2000] [--rounds 3]

Target: at least 80% of the bare encoder's passages a second. Ingest compares, cuts, counts tokens, encodes for meaning
and for words, and writes index and ledger; the bare encoder gets the passages ready made. Both use the configured
precision and batch size, and both sort by length. Without `--data`, the samples are read over and over.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, islice
from pathlib import Path

from hopcite.settings_layers import load_settings
from hopcite.types import Document
from ingest import find_files, ingest_documents, open_ledger
from ingest.readers import read_document
from retrieval import open_collection, open_encoder
from retrieval.collection import embedded_text
from retrieval.encoder import load_model

SAMPLES = Path(__file__).parents[1] / "samples"


def main() -> None:
    """Print passages a second of both, and the ratio of the best rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SAMPLES, help="folder with corpus.jsonl.gz, or of any documents")
    parser.add_argument("--limit", type=int, default=2000, help="documents")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()

    documents = list(islice(again_and_again(arguments.data), arguments.limit))
    bare: list[float] = []
    ours: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(flags={"data_dir": folder}).settings
        model, encoder = load_model(settings), open_encoder(settings)
        texts: list[str] = []
        for number in range(arguments.rounds + 1):
            collection = open_collection(settings, encoder, name=f"round{number}", create=True)
            with open_ledger(settings) as ledger:
                report = ingest_documents(documents, collection=collection, ledger=ledger, settings=settings)
            texts = texts or [embedded_text(chunk) for chunk in collection.index.scroll()]
            collection.close()
            started = time.perf_counter()
            model.encode(texts, batch_size=settings.encoder.batch_size, normalize_embeddings=True)
            if number:  # the first round warms both up
                bare.append(time.perf_counter() - started)
                ours.append(report.seconds)
    print(f"{len(documents)} documents, {len(texts)} passages, {arguments.rounds} rounds")
    for name, seconds in (("bare encoder", min(bare)), ("ingest_documents", min(ours))):
        print(f"{name:<16} {len(texts) / seconds:7.1f} passages/s")
    rounds = ", ".join(f"{encoding / ingesting:.1%}" for encoding, ingesting in zip(bare, ours, strict=True))
    print(f"ratio            {min(bare) / min(ours):7.1%}   (rounds: {rounds})")


def again_and_again(data: Path) -> Iterator[Document]:
    """The documents of a folder, then the same under other ids, without end."""
    files = sorted(data.glob("corpus.jsonl*")) or find_files([data])
    read = [item for file in files for item in read_document(file.name, file.name, file.read_bytes())]
    found = [item for item in read if isinstance(item, Document)]
    for copy in count():
        yield from (replace(document, id=f"{document.id} {copy}") for document in found)


if __name__ == "__main__":
    main()
