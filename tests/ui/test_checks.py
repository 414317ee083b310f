"""The checks of `hopcite doctor`: each tells a part that works from one that does not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr

from hopcite.errors import HopciteError, OperatorError, WorkFailed
from hopcite.settings import Settings, ThreadSettings
from tests.fakes import HashingEncoder, ScriptedChat
from ui.checks import _data_folder, _found, _logprobs, _reply, _round_trip, _threads, check_all


def test_the_store_is_written_searched_and_left_as_it_was(tmp_path: Path) -> None:
    assert _round_trip(Settings(data_dir=tmp_path), HashingEncoder()) == "Lighthouses"
    assert list(tmp_path.iterdir()) == []


def test_a_data_folder_that_cannot_be_is_a_finding_in_every_check_that_needs_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = Settings(data_dir=tmp_path / "file" / "data")
    with pytest.raises(OperatorError, match="HOPCITE_DATA_DIR"):
        _round_trip(settings, HashingEncoder())
    finding = asyncio.run(_found("data folder", lambda: _data_folder(settings)))
    assert (finding.ok, str(settings.data_dir) in finding.fix) == (False, True)


def test_where_conversations_are_kept_is_opened_and_named_without_its_password(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    assert asyncio.run(_threads(settings)) == f"{tmp_path / 'data'}: 0 conversations"
    url = ThreadSettings(url=SecretStr("mysql://me:secret@box/hopcite"))
    finding = asyncio.run(_found("threads", lambda: _threads(settings.model_copy(update={"threads": url}))))
    assert (finding.ok, "postgresql://" in finding.fix, "secret" in repr(finding)) == (False, True, False)


def test_every_part_is_checked_though_the_others_are_away(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path / "data",
        model_dir=tmp_path / "models",  # none are there
        threads=ThreadSettings(url=SecretStr("mysql://box/hopcite")),
    )
    begun: list[str] = []
    findings = asyncio.run(check_all(settings, on_start=begun.append))
    assert begun == [finding.part for finding in findings]
    assert {"data folder", "encoder", "store", "threads", "llm reply", "reranker"} <= set(begun)
    [fix] = [finding.fix for finding in findings if finding.part == "threads"]
    assert "threads.url" in fix


def test_a_model_that_cannot_count_is_told_by_what_it_said() -> None:
    assert "answers" in asyncio.run(_reply(ScriptedChat(["It is 42."])))
    with pytest.raises(WorkFailed, match=r"'Bananas'.*llm\.model"):
        asyncio.run(_reply(ScriptedChat(["Bananas"])))


@pytest.mark.parametrize(("found", "error"), [({}, OperatorError), ({"A": -0.1, "B": -2.0}, WorkFailed)])
def test_log_probabilities_must_be_there_and_make_sense(found: dict[str, float], error: type[HopciteError]) -> None:
    assert "2 of 2" in asyncio.run(_logprobs(ScriptedChat([{"A": -2.0, "B": -0.1}])))
    with pytest.raises(error):
        asyncio.run(_logprobs(ScriptedChat([found])))
