"""What a search costs beside embedding its question: milliseconds, and their ratio, measured in turns in one run.

    hopcite eval run hotpotqa --data DATA/hotpotqa --split dev --system hops --retrieval-only --limit 1
    python benchmarks/search.py --data DATA/hotpotqa [--limit 200]

Target: a warm hybrid search, embedding included, takes under 3 times the embedding alone. The first command makes the
collection.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from hopcite.settings_layers import load_settings
from retrieval import list_collections, open_collection, open_encoder


def main() -> None:
    """Print one line for each kind of search."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=200)
    arguments = parser.parse_args()

    settings = load_settings().settings
    names = [name for name in list_collections(settings) if name.startswith(f"{arguments.data.name}-")]
    if not names:
        sys.exit(f"There is no collection of {arguments.data.name} in {settings.data_dir}; see --help.")
    encoder = open_encoder(settings)
    collection = open_collection(settings, encoder, name=names[-1])
    with gzip.open(arguments.data / "dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        questions = [json.loads(line)["question"] for line in lines][: arguments.limit]

    kinds: dict[str, Callable[[str], object]] = {
        "embedding alone": lambda question: encoder.encode_queries([question]),
        "hybrid search": lambda question: collection.search([question], limit=20, hops=False),
        "hybrid search with hops": lambda question: collection.search([question], limit=20, hops=True),
    }
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for kind in kinds.values():
        kind(questions[0])  # warm
    for question in questions:
        for name, kind in kinds.items():
            started = time.perf_counter()
            kind(question)
            times[name].append(time.perf_counter() - started)
    alone = median(times["embedding alone"])
    print(f"{collection.index.count()} passages, {len(questions)} questions, medians")
    for name, seconds in times.items():
        print(f"{name:<24} {median(seconds) * 1000:6.1f} ms   {median(seconds) / alone:.2f} x")
    collection.close()


if __name__ == "__main__":
    main()
