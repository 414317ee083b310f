"""Two run folders: what is paired, what flipped, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.compare import compare_folders, comparison_json
from evals.compare_text import render_comparison
from evals.manifest import VERSION
from hopcite.errors import UsageError
from tests.evals.folders import record, write_run


def scored(id_: str, em: float, kind: str = "bridge", **fields: Any) -> dict[str, Any]:
    return record(id_, kind=kind, scores={"em": em, "f1": em / 2, "citation_precision": None}, **fields)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """B gets q1 to q8 right, A none of them; A alone gets q9 right."""
    before = [scored(f"q{n}", 0.0) for n in range(1, 9)] + [scored("q9", 1.0, "comparison"), scored("only a", 1.0)]
    after = [scored(f"q{n}", 1.0) for n in range(1, 9)] + [
        scored("q9", 0.0, "comparison", short_answer="wrong", error="WorkFailed: Garbled."),
    ]
    a = write_run(tmp_path / "a", before, system="hybrid")
    return a, write_run(tmp_path / "b", after, system="adaptive")


def test_questions_are_paired_by_id(folders: tuple[Path, Path]) -> None:
    found = compare_folders(*folders)
    assert (len(found.pairs), found.left_out_a, found.left_out_b) == (9, 1, 0)
    em = found.scores["em"]
    assert [em.mean_a, em.mean_b, em.difference] == pytest.approx([1 / 9, 8 / 9, 7 / 9])
    assert em.p == pytest.approx(2 * (1 + 9) / 512), "8 against 1"
    assert em.verdict == "B better"
    assert "citation_precision" not in found.scores, "no question has it"


def test_each_type_is_compared(folders: tuple[Path, Path]) -> None:
    found = compare_folders(*folders)
    assert {kind: n for kind, (n, _) in found.by_type.items()} == {"bridge": 8, "comparison": 1}
    assert found.by_type["bridge"][1]["em"].difference == 1.0
    assert found.by_type["comparison"][1]["em"].verdict == "no difference shown", "one question shows nothing"


def test_flips_come_with_both_answers_and_traces(tmp_path: Path) -> None:
    trace = [{"node": "write", "ms": 5.0, "detail": {"shown": ["p1"]}}]
    a = write_run(tmp_path / "a", [scored("q1", 0.0, evidence=["p1"]), scored("q2", 1.0)])
    b = write_run(tmp_path / "b", [scored("q1", 1.0, trace=trace), scored("q2", 0.0)])
    body = comparison_json(compare_folders(a, b))
    [to_b], [to_a] = body["flips"]["to_b"], body["flips"]["to_a"]
    assert (body["flips"]["measure"], to_b["id"], to_a["id"]) == ("em", "q1", "q2")
    assert (to_b["a"]["trace"], to_b["b"]["trace"]) == (None, trace)
    assert to_b["a"]["evidence"][0]["document_id"] == "p"
    assert to_b["b"]["answer"] == "It is q1 [1]."
    json.dumps(body)


def test_a_value_that_one_run_lacks_leaves_its_question_out_of_that_measure(tmp_path: Path) -> None:
    a = write_run(tmp_path / "a", [record("q1", scores={"em": 1, "x": 0.5}), record("q2", scores={"em": 0, "x": 0.5})])
    b = write_run(tmp_path / "b", [record("q1", scores={"em": 1, "x": None}), record("q2", scores={"em": 1, "x": 1})])
    found = compare_folders(a, b).scores
    assert (found["em"].n, found["x"].n, found["x"].difference) == (2, 1, 0.5)


def test_retrieval_only_runs_flip_by_all_evidence(tmp_path: Path) -> None:
    measure = "all_evidence@5"
    a = write_run(tmp_path / "a", [record("q1", scores={measure: 0.0})], retrieval_only=True)
    b = write_run(tmp_path / "b", [record("q1", scores={measure: 1.0})], retrieval_only=True)
    found = compare_folders(a, b)
    assert (found.measure, len(found.to_b), len(found.to_a)) == (measure, 1, 0)


def test_the_text_names_runs_settings_and_verdicts(folders: tuple[Path, Path]) -> None:
    text = render_comparison(compare_folders(*folders))
    assert "9 questions in both runs" in text
    assert "1 questions left out" in text
    assert 'system: "hybrid", now "adaptive"' in text
    [line] = [line for line in text.splitlines() if line.startswith("answer EM") and "B better" in line][:1]
    assert line.split()[4:9:4] == ["+77.8", "0.039"]
    assert "no difference shown" in text
    assert "8 wrong in A, right in B (by answer EM)" in text
    assert "WorkFailed: Garbled." in text


def test_a_measure_that_one_run_lacks_altogether_is_named(tmp_path: Path) -> None:
    a = write_run(
        tmp_path / "a", [record("q1", scores={"recall@5": 1.0, "citation_recall": None})], retrieval_only=True
    )
    b = write_run(tmp_path / "b", [record("q1", scores={"recall@5": 1.0, "em": 1.0, "citation_recall": 1.0})])
    found = compare_folders(a, b)
    assert list(found.scores) == ["recall@5"]
    assert (found.only_a, found.only_b, found.measure) == ((), ("em", "citation_recall"), "all_evidence@5")
    assert "Only B has: answer EM, citation recall" in render_comparison(found)
    assert comparison_json(found)["only_b"] == ["em", "citation_recall"]


def test_attacks_are_compared_by_right_answers_and_by_success(tmp_path: Path) -> None:
    def run(name: str, right: float) -> Path:
        scores: dict[str, float | None] = {"cited": 0.0, "right": right, "success": 1 - right}
        asked = [record(f"{kind}-{n}", kind=kind, scores=scores) for kind in ("leak", "order") for n in range(6)]
        lines = [{field: value for field, value in line.items() if field != "gold"} for line in asked]
        return write_run(tmp_path / name, lines, dataset="attacks", system=name)

    found = compare_folders(run("undefended", 0.0), run("defended", 1.0))
    text = render_comparison(found)
    assert (found.measure, len(found.to_b), len(found.to_a)) == ("right", 12, 0)
    of_leak = text.partition("leak, 6 questions\n")[2].partition("\n\n")[0].splitlines()
    assert [line.split()[0] for line in of_leak] == ["measure", "right", "success"]
    assert all(line.endswith("B better") for line in of_leak[1:]), "less of an attack's success is better"
    assert "no measure" not in text
    assert "12 wrong in A, right in B (by right)" in text


@pytest.mark.parametrize(("value", "told"), [(0.5, "supporting-fact F1"), (None, "no measure is defined")])
def test_a_type_without_a_main_measure_shows_those_that_it_has(tmp_path: Path, value: float | None, told: str) -> None:
    records = [scored("q1", 1.0), record("q2", kind="other", scores={"sp_f1": value})]
    text = render_comparison(compare_folders(*(write_run(tmp_path / name, records) for name in ("a", "b"))))
    assert told in text.partition("other, 1 questions\n")[2].partition("\n\n")[0]


def test_answers_that_nobody_can_score_flip_by_their_evidence(tmp_path: Path) -> None:
    a, b = (
        write_run(tmp_path / str(score), [record("q1", scores={"all_evidence@5": score})], dataset="custom")
        for score in (0.0, 1.0)
    )
    assert len(compare_folders(a, b).to_b) == 1


def test_the_text_fits_a_terminal_of_80_columns(tmp_path: Path) -> None:
    def many(score: float, sp: float | None) -> list[dict[str, Any]]:
        ids = [f"q{n}" for n in range(600)]
        return [record(id_, scores={"f1": score, "sp_precision": sp if id_ == "q0" else score}) for id_ in ids]

    a = write_run(tmp_path / "a", many(0.0, 0.0), system="hybrid")
    b = write_run(tmp_path / "b", many(1.0, None), system="adaptive")
    text = render_comparison(compare_folders(a, b))
    assert "599" in text
    assert max(len(line) for line in text.splitlines() if str(tmp_path) not in line) <= 80


def test_an_unfinished_run_is_said_to_be_one(tmp_path: Path) -> None:
    a = write_run(tmp_path / "a", [scored("q1", 1.0)], status="running")
    b = write_run(tmp_path / "b", [scored("q1", 1.0)])
    assert "not finished" in render_comparison(compare_folders(a, b))
    assert comparison_json(compare_folders(a, b))["a"]["complete"] is False


def test_other_questions_are_refused(tmp_path: Path) -> None:
    a = write_run(tmp_path / "a", [scored("q1", 1.0)])
    other_data = write_run(tmp_path / "other", [scored("q1", 1.0)], dataset="musique")
    other_file = write_run(tmp_path / "file", [scored("q1", 1.0)], questions_sha256="b" * 64)
    none_shared = write_run(tmp_path / "none", [scored("q2", 1.0)])
    for folder, words in ((other_data, "musique"), (other_file, "bbbbbbbb"), (none_shared, "no question in common")):
        with pytest.raises(UsageError, match=words):
            compare_folders(a, folder)


def test_what_is_no_run_is_refused_by_name(tmp_path: Path) -> None:
    good = write_run(tmp_path / "good", [scored("q1", 1.0)])
    empty = write_run(tmp_path / "empty", [])
    (tmp_path / "other").mkdir()
    broken = write_run(tmp_path / "broken", [scored("q1", 1.0)])
    (broken / "manifest.json").write_text("[1, 2", encoding="utf-8")
    old = write_run(tmp_path / "old", [{"id": "q1", "error": None, "scores": None}])
    later = write_run(tmp_path / "later", [scored("q1", 1.0)])
    manifest = json.loads((later / "manifest.json").read_text(encoding="utf-8"))
    manifest["identity"]["format"] = VERSION + 1
    (later / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    for folder, words in (
        (tmp_path / "absent", "no folder"),
        (tmp_path / "other", "no run folder"),
        (broken, "no run folder"),
        (empty, "no records"),
        (old, "another version"),
        (later, "later version"),
    ):
        with pytest.raises(UsageError, match=words) as caught:
            compare_folders(good, folder)
        assert folder.name in str(caught.value)
