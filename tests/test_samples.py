from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import docx
import pypdf
import pytest
from bs4 import BeautifulSoup

ROOT = Path(__file__).parents[1]
SAMPLES = sorted((ROOT / "samples").iterdir())
QUESTIONS: list[dict[str, Any]] = [
    json.loads(line) for line in (ROOT / "docs" / "sample-questions.jsonl").read_text(encoding="utf-8").splitlines()
]
ANSWERABLE = [question for question in QUESTIONS if question["type"] != "unanswerable"]


def _plain_texts(path: Path) -> dict[str, str]:
    """The words of one sample by source, read without our own readers."""
    match path.suffix:
        case ".pdf":
            texts = {path.name: "\n".join(page.extract_text() for page in pypdf.PdfReader(path).pages)}
        case ".docx":
            body = docx.Document(str(path))
            cells = [cell.text for table in body.tables for row in table.rows for cell in row.cells]
            texts = {path.name: "\n".join([paragraph.text for paragraph in body.paragraphs] + cells)}
        case ".html":
            texts = {path.name: BeautifulSoup(path.read_text(encoding="utf-8"), "lxml").get_text(" ")}
        case ".jsonl":
            lines = path.read_text(encoding="utf-8").splitlines()
            texts = {f"{path.name}#{n}": json.loads(line)["text"] for n, line in enumerate(lines, start=1)}
        case _:
            texts = {path.name: path.read_text(encoding="utf-8")}
    return {source: " ".join(text.split()) for source, text in texts.items()}


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return {source: text for path in SAMPLES for source, text in _plain_texts(path).items()}


def test_there_are_enough_documents_in_every_format(texts: dict[str, str]) -> None:
    assert {path.suffix for path in SAMPLES} == {".md", ".html", ".txt", ".pdf", ".docx", ".jsonl"}
    assert len(SAMPLES) >= 20
    assert min(len(text.split()) for text in texts.values()) > 40


def test_news_items_hold_the_facts_that_a_reader_is_shown() -> None:
    lines = (ROOT / "samples" / "news.jsonl").read_text(encoding="utf-8").splitlines()
    assert {tuple(json.loads(line)) for line in lines} == {("id", "title", "text", "source", "published_at", "author")}


def test_the_facts_of_the_pdfs_are_on_page_two() -> None:
    pages = pypdf.PdfReader(ROOT / "samples" / "pellan-bridge-survey-2024.pdf").pages
    assert [page_number for page_number, page in enumerate(pages, start=1) if "211" in page.extract_text()] == [2]


def test_most_questions_need_several_documents_and_some_cannot_be_answered() -> None:
    kinds = Counter(question["type"] for question in QUESTIONS)
    assert set(kinds) == {"bridge", "comparison", "temporal", "unanswerable"}
    assert kinds["unanswerable"] == 2
    assert sum(len(set(question["gold_sources"])) >= 2 for question in ANSWERABLE) >= 10
    assert len({question["id"] for question in QUESTIONS}) == len(QUESTIONS)


@pytest.mark.parametrize("question", ANSWERABLE, ids=lambda question: question["id"])
def test_the_gold_sources_hold_the_answer(question: dict[str, Any], texts: dict[str, str]) -> None:
    assert set(question["gold_sources"]) <= texts.keys()
    if question["answer"] not in ("yes", "no"):
        assert any(question["answer"] in texts[source] for source in question["gold_sources"])


@pytest.mark.parametrize(
    "question", [q for q in ANSWERABLE if q["type"] == "bridge"], ids=lambda question: question["id"]
)
def test_no_one_document_of_a_bridge_holds_both_its_ends(question: dict[str, Any], texts: dict[str, str]) -> None:
    """The answer is missing from the first document, so the question cannot be answered without the last."""
    assert question["answer"] not in texts[question["gold_sources"][0]]
