"""The evaluation report in a real browser, from its file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from evals.report import write_report
from tests.evals.folders import record, write_run

CHROMIUM = os.environ.get("HOPCITE_TEST_CHROMIUM") or shutil.which("chromium")
DRIVER = shutil.which("chromedriver")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium: set HOPCITE_TEST_CHROMIUM or put chromium on the PATH"),
    pytest.mark.skipif(not DRIVER, reason="no chromedriver on the PATH"),
]
FLAGS = "--headless=new --no-sandbox --disable-gpu --no-first-run --disable-background-networking"
TRAP = "<img src=x onerror='window.trapped = 1'></script><script>window.trapped = 1</script>"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """The report of two runs over three questions, open in the browser."""
    folder = tmp_path_factory.mktemp("report")

    def scored(id_: str, em: float, **fields: Any) -> dict[str, Any]:
        return record(id_, scores={"em": em, "f1": em, "recall@5": 1.0}, evidence=["a1"], gold=[["a"]], **fields)

    trapped = scored("q1", 0.0, question=f"Trap {TRAP}", answer=TRAP, short_answer=TRAP, error=TRAP)
    trapped["evidence"][0].update(title=TRAP, text=TRAP)
    a = write_run(folder / "a", [trapped, scored("q2", 0.0), scored("q3", 1.0)], system="hybrid")
    b = write_run(folder / "b", [scored("q1", 1.0), scored("q2", 1.0), scored("q3", 1.0)], system="adaptive")
    report = write_report([a, b], folder / "report.html")
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in FLAGS.split():
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    try:
        driver.get(report.as_uri())
        yield driver
    finally:
        driver.quit()


def counted(page: webdriver.Chrome, words: str) -> None:
    """Wait until the list has drawn so many questions."""
    WebDriverWait(page, 15).until(lambda d: words in d.find_element(By.ID, "count").text)


def choose(page: webdriver.Chrome, outcome: str) -> None:
    Select(page.find_element(By.ID, "outcome")).select_by_visible_text(outcome)


def test_questions_can_be_filtered_by_outcome_and_words(page: webdriver.Chrome) -> None:
    counted(page, "3 of 3 questions")
    choose(page, "adaptive right, hybrid wrong")
    counted(page, "2 of 3 questions")
    choose(page, "failed in some run")
    counted(page, "1 of 3 questions")
    choose(page, "all outcomes")
    words = page.find_element(By.ID, "words")
    words.send_keys("q3")
    counted(page, "1 of 3 questions")
    words.send_keys(Keys.BACKSPACE, Keys.BACKSPACE)
    counted(page, "3 of 3 questions")


def test_a_question_opens_to_its_trace_and_markup_in_it_stays_text(page: webdriver.Chrome) -> None:
    counted(page, "3 of 3 questions")
    page.find_element(By.CSS_SELECTOR, "#list summary").click()
    opened = WebDriverWait(page, 15).until(lambda d: d.find_element(By.CSS_SELECTOR, "#list .opened"))
    for words in ("Evidence", "Gold passages", "ignored by the writer", "Steps", "retrieval 1", TRAP):
        assert words in opened.text, words
    assert page.execute_script("return window.trapped") is None
    assert page.find_elements(By.TAG_NAME, "img") == []


def test_nothing_is_fetched_and_nothing_fails(page: webdriver.Chrome) -> None:
    counted(page, "3 of 3 questions")
    fetched = page.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert fetched == []
    assert page.get_log("browser") == []  # type: ignore[no-untyped-call] # selenium's omission


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_is_no_wider_than_the_screen(page: webdriver.Chrome, width: int) -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
