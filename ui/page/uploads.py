"""The drop zone, and a line for each file on its way in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import events, ui

from hopcite.errors import HopciteError
from ingest import Outcome
from ui.page.parts import CROSS, UPLOAD, box, button, text
from ui.state import Parts
from ui.text import plural

# The element of the toolkit keeps its uploading; only what is seen of it is replaced.
_ZONE = f"""
<button type="button" class="drop" @click="props.pickFiles">
  <span class="icon"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="{UPLOAD}"/></svg></span>
  <span class="drop-title">Add documents</span>
  <span class="muted small">Drop files here or click to choose</span>
</button>
<span class="picker"><q-uploader-add-trigger /></span>
"""


class Uploads:
    """Files dropped here are ingested into the collection that is chosen at that moment."""

    def __init__(self, parts: Parts, *, collection: Callable[[], str], after: Callable[[], Awaitable[None]]) -> None:
        self._parts = parts
        self._collection = collection
        self._after = after
        self._limit_mb = parts.settings.server.max_upload_mb
        upload = ui.upload(
            multiple=True,
            auto_upload=True,
            max_file_size=self._limit_mb * 2**20,
            on_upload=self._receive,
        ).classes("uploader")
        upload.props("flat")
        upload.add_slot("header", _ZONE)
        upload.add_slot("list", "<span></span>")
        upload.on("rejected", self._rejected, js_handler="(all) => emit(all.map((one) => one.file.name))")
        upload.on("failed", self._failed, js_handler="(info) => emit(info.files.map((file) => file.name))")
        with box("transfers") as self._lines:
            self._lines.props["aria-live"] = "polite"

    async def _receive(self, event: events.UploadEventArguments) -> None:
        name = event.file.name
        collection = self._collection()
        with self._lines, box("transfer") as line:
            box("spinner")
            text(f"Reading {name}…", "transfer-text")
        try:
            report = await self._parts.add_file(name, await event.file.read(), collection=collection)
        except HopciteError as exc:
            self._complain(name, str(exc))
        else:
            for outcome in report.outcomes:
                if outcome.status == "failed":
                    self._complain(name, outcome.reason or "It could not be read.")
            ui.notify(_summary(name, report.outcomes), type="info", position="bottom")
        finally:
            line.delete()
            event.sender.run_method("reset")
        await self._after()

    def _complain(self, name: str, reason: str) -> None:
        with self._lines, box("transfer failed") as line:
            with box("transfer-text"):
                text(name, "entry-title")
                text(reason, "small")
            button("Dismiss", "icon-button", line.delete, paths=CROSS)

    def _rejected(self, event: events.GenericEventArguments) -> None:
        for name in event.args:
            self._complain(str(name), f"It is over {self._limit_mb} MiB; see server.max_upload_mb.")

    def _failed(self, event: events.GenericEventArguments) -> None:
        for name in event.args:
            self._complain(str(name), "The upload broke off; try again.")


def _summary(name: str, outcomes: tuple[Outcome, ...]) -> str:
    stored = [outcome for outcome in outcomes if outcome.status in ("added", "updated")]
    if stored:
        return f"{name}: {plural(sum(outcome.chunks for outcome in stored), 'passage')} added."
    if any(outcome.status == "unchanged" for outcome in outcomes):
        return f"{name} is stored already."
    return f"{name} was not added."
