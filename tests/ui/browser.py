"""Chromium, driven by selenium, and what a person does in it on the chat page."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM = os.environ.get("HOPCITE_TEST_CHROMIUM") or shutil.which("chromium")
DRIVER = shutil.which("chromedriver")
_FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


def chrome(*, profile: Path) -> webdriver.Chrome:
    """A browser with a profile of its own that records its requests and its console."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in _FLAGS.split():
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={profile}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service(DRIVER))


class Browser:
    """What a person does on the page."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def find(self, selector: str) -> WebElement:
        found = WebDriverWait(self.driver, 15).until(lambda d: d.find_elements(By.CSS_SELECTOR, selector))
        return found[-1]

    def click(self, selector: str) -> None:
        """Click as soon as it can be clicked: panels slide in."""

        def clicked(driver: webdriver.Chrome) -> bool:
            driver.find_elements(By.CSS_SELECTOR, selector)[-1].click()
            return True

        in_motion = (IndexError, ElementNotInteractableException, ElementClickInterceptedException)
        WebDriverWait(self.driver, 15, ignored_exceptions=in_motion).until(clicked)

    def press(self, selector: str, key: str) -> None:
        """Give a key to what may be drawn anew at that moment."""

        def pressed(driver: webdriver.Chrome) -> bool:
            driver.find_elements(By.CSS_SELECTOR, selector)[-1].send_keys(key)
            return True

        redrawn = (IndexError, StaleElementReferenceException)
        WebDriverWait(self.driver, 15, ignored_exceptions=redrawn).until(pressed)

    def gone(self, selector: str) -> None:
        WebDriverWait(self.driver, 15, ignored_exceptions=(StaleElementReferenceException,)).until_not(
            lambda d: any(one.is_displayed() for one in d.find_elements(By.CSS_SELECTOR, selector))
        )

    def ask(self, question: str) -> None:
        self.find(".question-box textarea").send_keys(question, Keys.ENTER)

    def run(self, script: str) -> object:
        return self.driver.execute_script(script)

    def width(self, width: int, height: int) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def prefers(self, scheme: str) -> None:
        wishes = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in wishes.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def log(self, kind: str) -> list[dict[str, Any]]:
        """Entries since the last call."""
        entries: list[dict[str, Any]] = self.driver.get_log(kind)  # type: ignore[no-untyped-call] # selenium's omission
        return entries

    def requested(self) -> list[str]:
        """Addresses that the page asked for since the last call."""
        messages = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        sent = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        return sent + [m["params"]["url"] for m in messages if m["method"] == "Network.webSocketCreated"]
