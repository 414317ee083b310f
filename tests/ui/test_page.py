"""The chat page in a real browser: Chromium, driven by selenium, against a server on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from agent.followup import Rewritten
from hopcite.budget import Budget
from hopcite.chat import Completion, Message
from hopcite.errors import Unreachable
from hopcite.settings import AnswerSettings, RerankSettings, SearchSettings, ServerSettings, Settings
from tests.fakes import HashingEncoder, ScriptedChat
from tests.ui.browser import CHROMIUM, DRIVER, Browser, chrome
from tests.ui.conftest import DOCUMENTS, QUESTION, RAILWAY, REPLY, listening, until
from ui.server import create_app
from ui.state import Parts

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium: set HOPCITE_TEST_CHROMIUM or put chromium on the PATH"),
    pytest.mark.skipif(not DRIVER, reason="no chromedriver on the PATH"),
]
ENDLESS = "Once upon a time"
TRAP = "<script>window.trapped = 1</script><img src=x onerror='window.trapped = 1'>"
TRAPPED_TEXT = f"The Ninth Lamp was lit by Oda Brask {TRAP} in 1804."


class PageChat(ScriptedChat):
    """Replies from its script; the reply `ENDLESS` never ends."""

    was_cancelled = False

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        budget: Budget,
        stop: Sequence[str] = (),
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        done = await super().complete(messages, max_tokens=max_tokens, budget=budget, stop=stop, on_text=on_text)
        if done.text == ENDLESS:
            try:
                await asyncio.Event().wait()
            finally:
                self.was_cancelled = True
        return done


@dataclass(frozen=True)
class Site:
    url: str
    chat: PageChat


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server for the module: the page's toolkit keeps one app for each process."""
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("page"),
        answer=AnswerSettings(mode="never"),
        rerank=RerankSettings(method="none"),
        search=SearchSettings(hops=False),
        server=ServerSettings(max_upload_mb=1),
    )
    chat = PageChat([])
    app = create_app(settings, parts=Parts(settings, encoder=HashingEncoder(), chat=chat))
    with listening(app) as url:
        trap = {"id": "trap", "title": f"Lamp {TRAP}", "text": TRAPPED_TEXT, "source": "lamp.html"}
        httpx.post(f"{url}/v1/documents", json={"documents": [*DOCUMENTS, trap]}).raise_for_status()
        yield Site(url, chat)


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    driver = chrome(profile=tmp_path_factory.mktemp("chromium"))
    yield driver
    driver.quit()


@pytest.fixture
def page(site: Site, driver: webdriver.Chrome) -> Browser:
    browser = Browser(driver)
    browser.width(1280, 800)
    browser.prefers("light")
    driver.get("about:blank")
    site.chat.script.clear()
    browser.requested()
    driver.get(site.url)
    browser.find(".entry")
    return browser


def test_a_question_its_answer_and_the_words_behind_it(site: Site, page: Browser) -> None:
    site.chat.script.append(REPLY)
    page.ask(QUESTION)
    assert page.find(".short-answer").text == "Ottilie Brandvold"
    assert page.find(".badge").text == "Answered"
    assert "1 model call" in page.find(".facts").text
    page.click(".prose button.chip")
    mark = page.find(".source mark")
    until(lambda: mark.text == "The Harrow Pass Railway was surveyed by Ottilie Brandvold.")
    until(lambda: bool(page.run("const r = document.querySelector('.source mark').getBoundingClientRect();"
                                "return r.top >= 0 && r.bottom <= innerHeight && r.right <= innerWidth")))  # fmt: skip
    assert page.find(".source-title").text == "Harrow Pass Railway"
    assert page.find(".source-text").text.startswith("The Harrow Pass Railway is a narrow-gauge line")
    hosts = {urlsplit(url).hostname for url in page.requested() if urlsplit(url).scheme in ("http", "https", "ws")}
    assert hosts == {"127.0.0.1"}
    assert [entry for entry in page.log("browser") if entry["level"] == "SEVERE"] == []


def test_the_keyboard_alone_opens_and_closes_a_source(site: Site, page: Browser) -> None:
    site.chat.script.append(REPLY)
    page.ask(QUESTION)
    page.press(".prose button.chip", Keys.ENTER)
    page.find(".source mark")
    page.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    page.gone(".source")


def test_markup_in_documents_and_replies_is_text(site: Site, page: Browser) -> None:
    site.chat.script.append(f"Answer: Oda Brask\nThe Ninth Lamp was lit by Oda Brask [1]. {TRAP}")
    page.ask("Who lit the Ninth Lamp, Oda Brask?")
    assert TRAP in page.find(".prose").text
    page.click(".prose button.chip")
    page.find(".source mark")
    until(lambda: page.find(".document").text == TRAPPED_TEXT)
    assert page.find(".source-title").text == f"Lamp {TRAP}"
    assert f"Lamp {TRAP}" in page.find(".documents").text
    assert page.run("return window.trapped") is None
    assert page.run("return document.querySelectorAll('.shell img, .shell script, .source img').length") == 0


def test_an_empty_question_cannot_be_sent_and_shift_enter_breaks_the_line(site: Site, page: Browser) -> None:
    asked = len(site.chat.requests)
    box = page.find(".question-box textarea")
    assert not page.find(".send:not(.stop)").is_enabled()
    box.send_keys("  ", Keys.ENTER)
    box.send_keys("first", Keys.SHIFT + Keys.ENTER)
    box.send_keys(Keys.NULL, "second")
    assert str(box.get_attribute("value")).strip() == "first\nsecond"
    assert page.driver.find_elements(By.CSS_SELECTOR, ".turn") == []
    assert len(site.chat.requests) == asked


def test_stop_ends_the_run_and_keeps_what_was_drafted(site: Site, page: Browser) -> None:
    site.chat.script.append(ENDLESS)
    page.ask(QUESTION)
    until(lambda: page.find(".draft").text == ENDLESS)
    page.click(".stop")
    until(lambda: page.find(".progress-text").text == "Stopped.")
    until(lambda: site.chat.was_cancelled)
    assert page.find(".draft").text == ENDLESS


def test_an_error_is_one_line_and_the_page_goes_on(site: Site, page: Browser) -> None:
    site.chat.script += [Unreachable("The model server is away; try again."), REPLY]
    page.ask(QUESTION)
    until(lambda: page.find(".progress-text").text == "The model server is away; try again.")
    page.click(".turn .link-button")
    assert page.find(".short-answer").text == "Ottilie Brandvold"
    assert texts(page, ".question") == [QUESTION]


FOLLOW_UP = "And when did it open?"
REWRITTEN = Rewritten(question="When did the Harrow Pass Railway open?")
OPENED = "Answer: 1911\nThe Harrow Pass Railway opened in 1911 [1]."


def texts(page: Browser, selector: str) -> object:
    """What these elements show, read at one moment."""
    return page.run(f"return [...document.querySelectorAll({json.dumps(selector)})].map((e) => e.innerText.trim())")


def converse(site: Site, page: Browser) -> None:
    """A question and its follow-up."""
    site.chat.script += [REPLY, REWRITTEN, OPENED]
    page.ask(QUESTION)
    page.find(".badge")
    page.ask(FOLLOW_UP)
    until(lambda: texts(page, ".short-answer") == ["Ottilie Brandvold", "1911"])


def test_a_follow_up_says_what_was_searched_and_a_reload_keeps_the_turns(site: Site, page: Browser) -> None:
    converse(site, page)
    assert page.find(".searched").text == f"Searched for: {REWRITTEN.question}"
    until(lambda: texts(page, ".talk.current") == [QUESTION])
    kept = texts(page, ".question, .prose, .source-card, .facts")
    page.driver.refresh()
    # The candidates that the writer was not given are left out of what is kept.
    until(lambda: texts(page, ".question, .prose, .source-card, .facts") == kept)
    assert page.find(".searched").text == f"Searched for: {REWRITTEN.question}"
    page.click(".prose button.chip")
    until(lambda: "1911" in page.find(".source mark").text)


def test_conversations_are_begun_reopened_and_deleted(site: Site, page: Browser) -> None:
    converse(site, page)
    page.click(".history button[aria-label='New conversation']")
    until(lambda: texts(page, ".question") == [])
    assert "thread=" not in page.driver.current_url
    assert page.find(".welcome").is_displayed()
    site.chat.script.append(REPLY)
    page.ask("Who was Ottilie Brandvold?")
    until(lambda: texts(page, ".talk.current") == ["Who was Ottilie Brandvold?"])
    assert len(site.chat.requests[-1]) == len(site.chat.requests[0]), "a first question knows no earlier ones"
    page.click(".talk:nth-child(2) .talk-button")
    until(lambda: texts(page, ".question") == [QUESTION, FOLLOW_UP])
    until(lambda: texts(page, ".talk.current") == [QUESTION])
    known = page.run("return document.querySelectorAll('.talk').length")
    page.click(".talk.current button[aria-label^='Delete']")
    page.click(".sheet .danger")
    until(lambda: texts(page, ".question") == [])
    until(lambda: page.run("return document.querySelectorAll('.talk').length + 1") == known)


def test_a_question_that_was_stopped_goes_on_after_a_reload(site: Site, page: Browser) -> None:
    site.chat.was_cancelled = False
    site.chat.script.append(ENDLESS)
    page.ask(QUESTION)
    until(lambda: page.find(".draft").text == ENDLESS)
    page.click(".stop")
    until(lambda: site.chat.was_cancelled)
    page.driver.refresh()
    until(lambda: texts(page, ".question") == [QUESTION])
    site.chat.script.append(REPLY)
    page.click(".turn .link-button")
    assert page.find(".short-answer").text == "Ottilie Brandvold"
    assert texts(page, ".question") == [QUESTION]


def test_another_collection_begins_another_conversation(site: Site, page: Browser) -> None:
    converse(site, page)
    page.click("button[aria-label='New collection']")
    page.find(".sheet input").send_keys("other", Keys.ENTER)
    until(lambda: texts(page, ".question") == [])
    until(lambda: texts(page, ".talks .note") == ["None yet."])


def test_a_conversation_that_is_gone_says_so(site: Site, page: Browser) -> None:
    page.driver.get(f"{site.url}/?thread=absent")
    until(lambda: "This conversation is gone." in page.find(".q-notification").text)
    assert page.find(".welcome").is_displayed()


def test_files_come_in_by_name_or_say_why_not_and_go_on_request(page: Browser, tmp_path: Path) -> None:
    good, bad = tmp_path / "tarn.md", tmp_path / "nothing.txt"
    good.write_text("# Tarn\n\nTarn is a market town on the Oss.\n")
    bad.write_text("")
    upload = page.find("input[type=file]")
    upload.send_keys(f"{good}\n{bad}")
    until(lambda: "Tarn" in page.find(".documents").text)
    assert "nothing.txt" in page.find(".transfer.failed").text
    row = next(one for one in page.driver.find_elements(By.CSS_SELECTOR, ".entry") if "Tarn" in one.text)
    row.find_element(By.CSS_SELECTOR, "button").click()
    page.click(".sheet .danger")
    until(lambda: "Tarn" not in page.find(".documents").text)


def test_a_new_collection_is_empty_and_says_how_to_begin(page: Browser) -> None:
    page.click("button[aria-label='New collection']")
    page.find(".sheet input").send_keys("letters", Keys.ENTER)
    until(lambda: "Add a few documents" in page.find(".welcome").text)
    assert page.find(".documents").text == "No documents yet."


def test_a_phone_gets_one_column_and_the_documents_on_request(page: Browser) -> None:
    page.width(390, 844)
    assert page.run("return document.documentElement.scrollWidth") == 390
    page.gone(".library")
    page.click(".topbar button[aria-label='Documents']")
    until(lambda: page.find(".library").is_displayed())
    page.click(".library .narrow-only")
    page.gone(".library")


def test_on_a_phone_the_panel_makes_way_for_the_conversation_that_is_chosen(site: Site, page: Browser) -> None:
    converse(site, page)
    page.width(390, 844)
    page.click(".topbar button[aria-label='New conversation']")
    until(lambda: texts(page, ".question") == [])
    page.click(".topbar button[aria-label='Documents']")
    page.click(".talk:first-child .talk-button")
    page.gone(".library")
    until(lambda: texts(page, ".question") == [QUESTION, FOLLOW_UP])


def test_the_page_is_dark_where_the_system_is(page: Browser) -> None:
    brightness = "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
    light = page.run(brightness)
    page.prefers("dark")
    until(lambda: page.run(brightness) != light)
    assert isinstance(light, list)
    dark = page.run(brightness)
    assert isinstance(dark, list)
    assert sum(dark) < 150 < 600 < sum(light)


def test_long_titles_do_not_widen_a_phone(site: Site, page: Browser) -> None:
    long = {"title": "The Harrow Pass Railway and " + "its many stations " * 9, "text": RAILWAY, "source": "long.md"}
    httpx.post(f"{site.url}/v1/documents", json={"documents": [long]}, timeout=60).raise_for_status()
    page.width(390, 844)
    site.chat.script.append(REPLY)
    page.ask(QUESTION)
    page.click("details summary")
    until(lambda: len(str(texts(page, ".passage .source-card-title"))) > len(long["title"]))
    assert page.run("const turns = document.querySelector('.turns'); return turns.scrollWidth - turns.clientWidth") == 0
