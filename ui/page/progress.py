"""What is seen while an answer is made."""

from __future__ import annotations

from agent import StageEvent
from ui.page.parts import box, set_text, text
from ui.page.render import draft_text
from ui.text import stage_line


class Progress:
    """One line that says what is being done, and the draft below it while it is written."""

    def __init__(self) -> None:
        self._draft = ""
        with box("progress") as self._element:
            with box("progress-line"):
                self._spinner = box("spinner")
                self._line = text("Searching…", "progress-text")
            self._shown = text("", "draft")

    def tell(self, event: StageEvent) -> None:
        """Follow the run."""
        if self._element.is_deleted:  # another conversation is shown
            return
        if event.stage == "write" and event.state == "start":  # a later draft takes the place of the one before
            self._draft = ""
        if event.state == "text":
            self._draft += str(event.detail.get("text", ""))
            set_text(self._shown, draft_text(self._draft))
        elif (line := stage_line(event)) is not None:
            set_text(self._line, line)

    def end(self, line: str, *, classes: str = "") -> None:
        """Stop here: what was drafted stays to be seen."""
        if self._element.is_deleted:
            return
        self._spinner.delete()
        set_text(self._line, line)
        self._line.classes(classes)

    def delete(self) -> None:
        """Make room for the answer."""
        self._element.delete()
