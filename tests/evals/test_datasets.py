"""The official files, by small ones of their layout with invented contents; and files that are wrong."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evals import load_dataset
from evals.datasets import Dataset
from evals.datasets.download import Source, fetch_dataset
from evals.datasets.official import passage_id
from hopcite.errors import UsageError

RAIL = ["Harrow Railway was surveyed by Ottilie Brand.", " It is narrow."]
BRAND = ["Ottilie Brand was born in Kestmark."]
HOTPOT = {
    "_id": "h1", "question": "Where was the surveyor of Harrow Railway born?", "answer": "Kestmark", "type": "bridge",
    "level": "hard", "supporting_facts": [["Harrow Railway", 0], ["Ottilie Brand", 0]],
    "context": [["Harrow Railway", RAIL], ["Ottilie Brand", BRAND], ["Tarn", ["Tarn is a lake."]]],
}  # fmt: skip
HUB = {
    "id": "h1", "question": HOTPOT["question"], "answer": "Kestmark", "type": "bridge", "level": "hard",
    "supporting_facts": {"title": ["Harrow Railway", "Ottilie Brand"], "sent_id": [0, 0]},
    "context": {"title": ["Harrow Railway", "Ottilie Brand", "Tarn"], "sentences": [RAIL, BRAND, ["Tarn is a lake."]]},
}  # fmt: skip
HUB_STRINGS = {
    **HOTPOT, "supporting_facts": json.dumps(HOTPOT["supporting_facts"]), "context": json.dumps(HOTPOT["context"]),
}  # fmt: skip
MUSIQUE: dict[str, Any] = {
    "id": "2hop__1_2", "question": HOTPOT["question"], "answer": "Kestmark", "answer_aliases": ["Kest Mark"],
    "answerable": True, "question_decomposition": [],
    "paragraphs": [
        {"idx": 0, "title": "Brand", "paragraph_text": "Brand was born in Kestmark.", "is_supporting": True},
        {"idx": 1, "title": "Brand", "paragraph_text": "Brand is a town.", "is_supporting": False},
        {"idx": 2, "title": "Railway", "paragraph_text": "Brand surveyed it.", "is_supporting": True},
    ],
}  # fmt: skip


def write(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path.parent


def check_hotpot(dataset: Dataset) -> None:
    [question] = dataset.questions
    rail = passage_id("Harrow Railway", "".join(RAIL))
    brand = passage_id("Ottilie Brand", BRAND[0])
    assert {document.id: document.text for document in dataset.documents}[rail] == "".join(RAIL)
    assert [gold.document_ids for gold in question.gold] == [(rail,), (brand,)]
    assert [(fact.document_id, fact.index) for fact in question.supporting_facts] == [(rail, 0), (brand, 0)]
    assert dataset.sentences[rail] == tuple(RAIL)
    assert len(question.pool) == 3
    assert (question.id, question.answers, question.type) == ("h1", ("Kestmark",), "bridge")


@pytest.mark.parametrize("row", [HOTPOT, HUB, HUB_STRINGS], ids=["official", "hub", "hub as strings"])
@pytest.mark.parametrize("name", ["hotpot_dev_distractor_v1.json", "hotpot_dev_fullwiki_v1.json"])
def test_hotpotqa(tmp_path: Path, name: str, row: dict[str, Any]) -> None:
    check_hotpot(load_dataset("hotpotqa", write(tmp_path / name, [row]), split="dev"))


def test_a_file_by_its_own_name_also_as_lines_and_parquet(tmp_path: Path) -> None:
    lines = tmp_path / "mine.jsonl.gz"
    lines.write_bytes(gzip.compress(json.dumps(HOTPOT).encode() + b"\n"))
    check_hotpot(load_dataset("hotpotqa", lines, split="dev"))
    named_json = tmp_path / "mine.json"
    named_json.write_text(json.dumps(HUB) + "\n", encoding="utf-8")
    check_hotpot(load_dataset("hotpotqa", named_json, split="dev"))
    parquet = tmp_path / "validation-00000-of-00001.parquet"
    pq.write_table(pa.Table.from_pylist([HUB]), parquet)
    check_hotpot(load_dataset("hotpotqa", parquet, split="dev"))


def test_a_paragraph_in_two_contexts_is_one_passage(tmp_path: Path) -> None:
    folder = write(tmp_path / "dev.json", [HOTPOT, {**HOTPOT, "_id": "h2"}])
    dataset = load_dataset("2wikimultihopqa", folder, split="dev")
    assert (len(dataset.documents), len(dataset.questions)) == (3, 2)


def test_a_corpus_beside_the_questions_is_searched_whole(tmp_path: Path) -> None:
    write(tmp_path / "2wikimultihopqa.json", [HOTPOT])
    corpus = [
        {"title": title, "text": "".join(text)} for title, text in (("Harrow Railway", RAIL), ("Other", ["Else."]))
    ]
    dataset = load_dataset("2wikimultihopqa", write(tmp_path / "2wikimultihopqa_corpus.json", corpus), split="dev")
    assert [document.title for document in dataset.documents] == ["Harrow Railway", "Other"]
    [question] = dataset.questions
    assert [len(gold.document_ids) for gold in question.gold] == [1, 0]
    assert dataset.notes == ("1 gold passage is not in the corpus and count as missed: 'Ottilie Brand'",)


def test_musique_tells_paragraphs_of_one_title_apart(tmp_path: Path) -> None:
    path = tmp_path / "musique_ans_v1.0_dev.jsonl"
    path.write_text(json.dumps(MUSIQUE) + "\n", encoding="utf-8")
    dataset = load_dataset("musique", tmp_path, split="dev")
    [question] = dataset.questions
    born, surveyed = passage_id("Brand", "Brand was born in Kestmark."), passage_id("Railway", "Brand surveyed it.")
    assert [gold.document_ids for gold in question.gold] == [(born,), (surveyed,)]
    assert (question.answers, question.type) == (("Kestmark", "Kest Mark"), "2hop")
    assert len(dataset.documents) == 3


def test_a_question_that_its_paragraphs_do_not_answer_is_told_from_its_twin(tmp_path: Path) -> None:
    paragraphs = MUSIQUE["paragraphs"][1:]
    twin = {**MUSIQUE, "answerable": False, "paragraphs": paragraphs}
    path = tmp_path / "musique_full_v1.0_dev.jsonl"
    path.write_text(f"{json.dumps(MUSIQUE)}\n{json.dumps(twin)}\n", encoding="utf-8")
    dataset = load_dataset("musique", tmp_path, split="dev")
    can, cannot = dataset.questions
    assert (can.id, can.answerable, len(can.gold)) == ("2hop__1_2", True, 2)
    assert (cannot.id, cannot.answerable) == ("2hop__1_2/unanswerable", False)
    assert (cannot.answers, cannot.gold, len(cannot.pool)) == ((), (), 2), "its gold answer is that of the twin"
    assert "--pool distractor" in dataset.notes[0]


def test_multihop_rag(tmp_path: Path) -> None:
    facts = {"author": "A. Oduya", "source": "The Oss Gazette", "published_at": "2023-10-01", "category": "news"}
    article = {"title": "A bridge falls", "url": "https://example.org/1", "body": "The bridge fell at noon.", **facts}
    evidence = {"title": "A bridge falls", "fact": "The bridge fell at noon.", "url": article["url"], **facts}
    asked = [
        {"query": "When?", "answer": "noon", "question_type": "inference_query", "evidence_list": [evidence]},
        {"query": "Why?", "answer": "Insufficient information.", "question_type": "null_query", "evidence_list": []},
    ]
    write(tmp_path / "corpus.json", [article, article])
    dataset = load_dataset("multihop-rag", write(tmp_path / "MultiHopRAG.json", asked), split="test")
    [document] = dataset.documents
    assert document.metadata == {
        "publisher": "The Oss Gazette", "author": "A. Oduya", "published_at": "2023-10-01",
        "url": "https://example.org/1",
    }  # fmt: skip
    when, why = dataset.questions
    assert (when.gold[0].document_ids, when.facts, when.answerable) == ((document.id,), (evidence["fact"],), True)
    assert (why.gold, why.answerable) == ((), False)


def test_a_query_that_multihop_rag_has_twice_is_asked_twice(tmp_path: Path) -> None:
    row = {"query": "When?", "answer": "noon", "question_type": "inference_query", "evidence_list": []}
    write(tmp_path / "corpus.json", [{"title": "T", "body": "B", "url": "u"}])
    dataset = load_dataset("multihop-rag", write(tmp_path / "MultiHopRAG.json", [row, row]), split="test")
    first, second = dataset.questions
    assert (second.question, second.id) == ("When?", f"{first.id}-2")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('[{"_id": "h1", "question": "Where', "no JSON"),
        (json.dumps([HOTPOT, {"_id": "h2", "question": "Where?"}]), "item 2: .*'context' is missing"),
        (json.dumps([{**HOTPOT, "answer": None}]), "item 1: answer"),
        (json.dumps([{**HOTPOT, "context": [["Tarn"]]}]), "item 1: this is no record"),
        (json.dumps(["text"]), "item 1: this is no record"),
        (json.dumps([HOTPOT, HOTPOT]), "item 2: the id 'h1' is that of item 1"),
        (json.dumps([{**HOTPOT, "context": "[["}]), "item 1: this is no record"),
        ("[]", "no questions"),
        ("{}", "line 1: .*'context' is missing"),
    ],
)
def test_an_official_file_that_is_wrong_says_where(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "dev.json").write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=rf"dev\.json.*{words}"):
        load_dataset("2wikimultihopqa", tmp_path, split="dev")


@pytest.mark.parametrize(
    ("last", "words"),
    [
        ('{"id": "q2", "question": "Wh', "this is no JSON"),
        ('{"id": "q2", "question": "Who?"}', "answer: Field required"),
        ('{"id": "q1", "question": "Who?", "answer": "x"}', "the id 'q1' is that of line 1"),
    ],
    ids=["truncated", "malformed", "id twice"],
)
def test_a_line_that_is_wrong_is_named_by_its_number(tmp_path: Path, last: str, words: str) -> None:
    (tmp_path / "corpus.jsonl").write_text('{"id": "p", "title": "T", "text": "x"}\n', encoding="utf-8")
    first = '{"id": "q1", "question": "Who?", "answer": "x"}\n\n'  # an empty line counts as a line
    (tmp_path / "test.jsonl").write_text(first + last, encoding="utf-8")
    with pytest.raises(UsageError, match=rf"test\.jsonl, line 3: {words}"):
        load_dataset("musique", tmp_path, split="test")


def test_a_file_cut_short_is_named(tmp_path: Path) -> None:
    whole = gzip.compress(json.dumps([HOTPOT]).encode() * 50)
    (tmp_path / "cut.json.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UsageError, match=r"cut\.json\.gz is damaged or cut short"):
        load_dataset("hotpotqa", tmp_path / "cut.json.gz", split="dev")


def test_a_corpus_without_documents_is_named(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").touch()
    (tmp_path / "test.jsonl").write_text('{"id": "q", "question": "Where?", "answer": "x"}\n', encoding="utf-8")
    with pytest.raises(UsageError, match=r"corpus\.jsonl holds no documents"):
        load_dataset("hotpotqa", tmp_path, split="test")


def test_an_empty_folder_says_what_belongs_there(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").touch()
    with pytest.raises(UsageError, match=r"musique_ans_v1\.0_dev\.jsonl"):
        load_dataset("musique", tmp_path, split="dev")


@pytest.fixture
def site() -> Iterator[tuple[str, dict[str, bytes]]]:
    files: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = files.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", files
        server.shutdown()
        thread.join()


def test_files_are_fetched_once_by_name(tmp_path: Path, site: tuple[str, dict[str, bytes]]) -> None:
    url, files = site
    files["/dev.json"] = json.dumps([HOTPOT]).encode()
    sources = {"2wikimultihopqa": Source((f"{url}/dev.json",), "dev", "")}
    heard: list[tuple[int, int | None]] = []
    for _ in range(2):
        folder = fetch_dataset(
            "2wikimultihopqa", tmp_path / "set", progress=lambda *now: heard.append(now), sources=sources
        )
        files.clear()
    check_hotpot(load_dataset("2wikimultihopqa", folder, split="dev"))
    assert heard[-1][0] == heard[-1][1]


def test_what_cannot_be_fetched_says_what_to_fetch_by_hand(tmp_path: Path, site: tuple[str, dict[str, bytes]]) -> None:
    url, _ = site
    for address in (f"{url}/absent.json", "http://127.0.0.1:9/absent.json"):
        with pytest.raises(UsageError, match=rf"{address}.*--data"):
            fetch_dataset(
                "musique",
                tmp_path / "set",
                progress=lambda *_: None,
                sources={"musique": Source((address,), "dev", "")},
            )
    assert list((tmp_path / "set").iterdir()) == []
