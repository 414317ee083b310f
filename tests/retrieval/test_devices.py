"""The device of a model in this process."""

from __future__ import annotations

import pytest

from hopcite.errors import SettingsError
from retrieval.devices import usable_device


def test_what_is_there_is_taken() -> None:
    assert usable_device("cpu", setting="rerank.device") == "cpu"
    assert usable_device("auto", setting="rerank.device") in ("cpu", "cuda")


@pytest.mark.parametrize("wanted", ["tpu", "cuda:99"])
def test_what_is_not_there_names_the_setting(wanted: str) -> None:
    with pytest.raises(SettingsError, match=rf"rerank\.device '{wanted}'.*set auto or cpu"):
        usable_device(wanted, setting="rerank.device")
