"""What only the store in the data folder can meet: other processes, interruptions, damage, a full disk."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import qdrant_edge as edge
from filelock import FileLock

from hopcite.errors import DataFolderBusy, NoSpace, NotFound, OperatorError
from hopcite.types import Chunk
from retrieval.index.edge import EdgeIndex, drop_edge, list_edge, open_edge
from retrieval.index.folder import translated
from retrieval.index.port import Point, Query
from retrieval.index.stored import PUBLISHER_KEY, Record
from tests.fakes import HashingEncoder

RECORD = Record("hashing-64", 64)
HOLD = """
import sys
from pathlib import Path
from tests.retrieval.index.test_edge import opened, points
index = opened(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""
WRITE_AND_HOLD = HOLD.replace("print", "index.upsert(points(50))\nprint")


def opened(folder: Path) -> EdgeIndex:
    index = open_edge(folder, RECORD, create=True, prefetch=100, rrf_k=60)
    assert index is not None
    return index


def points(n: int) -> list[Point]:
    chunks = [
        Chunk(f"00000000-0000-0000-0000-{i:012}", f"d{i}", f"T{i}", "s", f"word{i} shared", 0, 5, 0) for i in range(n)
    ]
    vectors = HashingEncoder().encode_documents([chunk.text for chunk in chunks])
    return [Point(chunk, vector, "") for chunk, vector in zip(chunks, vectors, strict=True)]


def test_a_folder_open_in_another_process_is_busy_and_free_when_that_ends(tmp_path: Path) -> None:
    folder = tmp_path / "collections" / "docs"
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        for attempt in (lambda: opened(folder), lambda: drop_edge(folder)):
            with pytest.raises(DataFolderBusy, match=r"'docs'.*hopcite serve.*HOPCITE_QDRANT__URL"):
                attempt()
        holder.communicate()
    opened(folder).close()


def test_what_was_written_survives_a_process_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITE_AND_HOLD, str(tmp_path / "docs")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        writer.kill()
    index = opened(tmp_path / "docs")
    assert index.count() == 50
    index.close()


def test_an_interrupted_creation_is_no_collection_and_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / ".docs.new" / "shard").mkdir(parents=True)
    (tmp_path / ".docs.new" / "shard" / "rubbish").write_text("half")
    (tmp_path / "docs" / "shard").mkdir(parents=True)
    assert open_edge(tmp_path / "docs", RECORD, create=False, prefetch=100, rrf_k=60) is None
    assert list_edge(tmp_path) == []
    opened(tmp_path / "docs").close()
    assert list_edge(tmp_path) == ["docs"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".docs.lock", "docs"]


def test_several_that_make_one_collection_at_once_make_one(tmp_path: Path) -> None:
    for attempt in range(5):
        folder = tmp_path / str(attempt) / "docs"
        together = threading.Barrier(4)

        def make(n: int, folder: Path = folder, together: threading.Barrier = together) -> bool:
            together.wait()
            try:
                index = opened(folder)
            except DataFolderBusy:  # another has it open
                return False
            index.upsert(points(4)[n : n + 1])
            index.close()
            return True

        with ThreadPoolExecutor(4) as pool:
            made = list(pool.map(make, range(4)))
        index = opened(folder)
        assert index.count() == sum(made) > 0
        index.close()


def test_a_collection_that_another_process_is_making_is_busy(tmp_path: Path) -> None:
    with FileLock(tmp_path / ".docs.lock"), pytest.raises(DataFolderBusy, match="'docs'"):
        open_edge(tmp_path / "docs", RECORD, create=True, prefetch=100, rrf_k=60, wait_s=0.01)
    opened(tmp_path / "docs").close()


def test_the_record_is_in_the_folder(tmp_path: Path) -> None:
    opened(tmp_path / "docs").close()
    record = json.loads((tmp_path / "docs" / "collection.json").read_text())
    assert record == {"encoder": "hashing-64", "dimensions": 64, "schema": 1}


def test_a_collection_of_an_earlier_version_gets_the_indexes_that_it_lacks(tmp_path: Path) -> None:
    index = opened(tmp_path / "docs")
    index.upsert([replace(one, publisher_key="oss gazette") for one in points(2)])
    index.close()
    shard = edge.EdgeShard.load(str(tmp_path / "docs" / "shard"))
    shard.update(edge.UpdateOperation.delete_field_index(PUBLISHER_KEY))
    shard.flush()
    shard.close()
    index = opened(tmp_path / "docs")
    assert index.publishers() == ["oss gazette"]
    index.close()


@pytest.mark.parametrize("damage", ["collection.json", "shard/edge_config.json"])
def test_a_damaged_collection_says_where_it_is(tmp_path: Path, damage: str) -> None:
    opened(tmp_path / "docs").close()
    (tmp_path / "docs" / damage).write_text("{")
    with pytest.raises(OperatorError, match="docs"):
        opened(tmp_path / "docs")


def test_a_data_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OperatorError, match="HOPCITE_DATA_DIR"):
        opened(tmp_path / "file" / "docs")


def test_a_full_disk_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(NoSpace, match="free some space"), translated(tmp_path):
        raise Exception("Service runtime error: No space left on device (os error 28)")  # noqa: TRY002 - Edge's class


def test_below_the_reserve_a_collection_is_neither_made_nor_written_to_and_still_searched(tmp_path: Path) -> None:
    more = 2**60  # bytes; no disk has as many left
    with pytest.raises(NoSpace, match=rf"docs has \d+ MB left, and writing needs {2**40} MB; free some space"):
        open_edge(tmp_path / "docs", RECORD, create=True, prefetch=100, rrf_k=60, reserve=more)
    assert list(tmp_path.iterdir()) == []
    index = opened(tmp_path / "docs")
    index.upsert(points(3))
    index.close()
    with pytest.raises(NoSpace):
        open_edge(tmp_path / "docs", RECORD, create=True, prefetch=100, rrf_k=60, reserve=more)
    for _ in range(2):  # a refusal changes nothing
        reader = open_edge(tmp_path / "docs", RECORD, create=False, prefetch=100, rrf_k=60, reserve=more)
        assert reader is not None
        assert len(reader.query([Query(HashingEncoder().encode_queries(["shared"])[0], 20)])[0]) == 3
        with pytest.raises(NoSpace):
            reader.upsert(points(4))
        with pytest.raises(NoSpace):
            reader.optimize()
        assert reader.count() == 3
        reader.close()


def test_what_a_killed_writer_left_is_not_opened_below_the_reserve(tmp_path: Path) -> None:
    opened(tmp_path / "docs").close()
    (tmp_path / "docs" / "writing").touch()
    with pytest.raises(NoSpace):
        open_edge(tmp_path / "docs", RECORD, create=False, prefetch=100, rrf_k=60, reserve=2**60)
    index = opened(tmp_path / "docs")
    index.upsert(points(1))
    index.close()
    assert not (tmp_path / "docs" / "writing").exists()


def test_drop_deletes_the_files(tmp_path: Path) -> None:
    opened(tmp_path / "docs").close()
    drop_edge(tmp_path / "docs")
    assert list_edge(tmp_path) == []
    assert not (tmp_path / "docs").exists()
    with pytest.raises(NotFound, match="'docs'"):
        drop_edge(tmp_path / "docs")


def test_closing_twice_is_fine(tmp_path: Path) -> None:
    index = opened(tmp_path / "docs")
    index.close()
    index.close()


def test_threads_may_search_while_one_writes(tmp_path: Path) -> None:
    index = opened(tmp_path / "docs")
    stored = points(600)
    index.upsert(stored[:100])
    counts: list[int] = []

    def search() -> None:
        vectors = HashingEncoder().encode_queries(["shared"])[0]
        for _ in range(50):
            counts.append(len(index.query([Query(vectors, 20)])[0]))  # noqa: PERF401 - a list to share with threads

    searchers = [threading.Thread(target=search) for _ in range(4)]
    for thread in searchers:
        thread.start()
    for start in range(100, 600, 100):
        index.upsert(stored[start : start + 100])
    for thread in searchers:
        thread.join()
    assert counts == [20] * 200
    assert index.count() == 600
    index.close()
