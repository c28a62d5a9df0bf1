"""The inbox in a real Chromium: what people see, live, in the dark and on a phone.

With OCTOPOST_SCREENSHOTS naming a directory, the pages are also kept there as pictures for the documentation.
"""

from __future__ import annotations

import base64
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from octopost_sandbox.process import Sandbox

pytestmark = pytest.mark.browser
PATIENCE = 15  # seconds
DESK, PHONE = (1180, 820), (390, 844)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--hide-scrollbars",
)  # fmt: skip
RELEASE = (
    "Octopost for Airflow 1.0 is out 🎉\n\nOne post, many networks: never twice, never lost, always told.\n\n"
    "https://example.org/releases/1.0 #airflow"
)
LONG = "The new guide is online. " + "It shows how to plan, run and watch a release announcement. " * 8


class Browser:
    """Chromium, and what the tests do with it."""

    def __init__(self, root: str, profile: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        self.root = root
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.look()

    def look(self, size: tuple[int, int] = DESK, dark: bool = False) -> None:
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        screen = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)

    def open(self, path: str = "/") -> None:
        self.driver.get(self.root + path)

    def all(self, css: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def text(self, css: str) -> str:
        return self.driver.find_element(By.CSS_SELECTOR, css).text

    def until(self, true: Callable[[], Any]) -> None:
        end = time.monotonic() + PATIENCE
        while True:
            with suppress(StaleElementReferenceException, NoSuchElementException):  # the page is about to change
                if true():
                    return
            assert time.monotonic() < end, self.driver.page_source[:4000]
            time.sleep(0.05)

    def script(self, code: str) -> Any:
        return self.driver.execute_script(code)

    def errors(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def keep(self, name: str, whole: bool = False) -> None:
        folder = os.environ.get("OCTOPOST_SCREENSHOTS")
        if folder:
            shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": whole})
            Path(folder).mkdir(parents=True, exist_ok=True)
            Path(folder, f"{name}.png").write_bytes(base64.b64decode(shot["data"]))


@pytest.fixture(scope="module")
def chromium(octopost_sandbox_process: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if not (shutil.which("chromium") or shutil.which("google-chrome")) or not shutil.which("chromedriver"):
        pytest.skip("needs chromium and chromedriver (Debian: chromium chromium-driver)")
    browser = Browser(octopost_sandbox_process.root, tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.driver.quit()


@pytest.fixture
def browser(chromium: Browser, octopost_sandbox: Sandbox) -> Iterator[Browser]:
    chromium.look()
    yield chromium
    chromium.driver.get("about:blank")  # the page must not see the next test's reset
    assert chromium.errors() == []  # neither a script's error nor a breach of the content security policy


@pytest.fixture
def sample(octopost_sandbox: Sandbox, api: Any) -> dict[str, str]:
    """Fill the inbox with a bit of everything; return ids by name."""
    octopost_sandbox.clock(set="2026-04-03T12:00:00Z")
    thread = [{"content": "1. Create a draft. That is harmless."}, {"content": "2. Publish it, once. #exactlyonce"}]
    media = {"images": [{"url": "https://example.org/a.png", "alt_text": "Three octopuses at a table"}], "video": None}
    film = {"images": [], "video": {"url": "https://example.org/film.mp4"}}
    ids = {
        "draft": api.create("Notes for next week", ("bluesky",))["id"],
        "scheduled": api.create(
            "Maintenance on Sunday, 08:00 UTC.", ("twitter", "mastodon"), scheduled_for="2026-04-05T07:00:00Z"
        )["id"],
        "film": api.announce("Behind the scenes\nNinety seconds. #opensource", ("youtube", "tiktok"), media=film)["id"],
        "image": api.announce("Release day!", ("instagram", "facebook", "mastodon"), media=media)["id"],
        "thread": api.announce(
            "How a post goes out exactly once:", ("twitter", "bluesky", "mastodon", "linkedin"), segments=thread
        )["id"],
        "chat": api.announce("Nightly refresh: 1,204 tables in 38 minutes.", ("slack", "discord", "telegram"))["id"],
    }
    octopost_sandbox.expire_account("linkedin")
    ids["long"] = api.announce(LONG, ("linkedin", "facebook", "mastodon", "bluesky"))["id"]
    octopost_sandbox.expire_account("linkedin", active=True)
    ids["release"] = api.announce(RELEASE, ("twitter", "bluesky", "mastodon", "linkedin"))["id"]
    return ids


def test_a_post_arrives_and_changes_live(browser: Browser, api: Any) -> None:
    browser.open()
    assert "Nothing has been posted yet" in browser.text("#live")
    browser.keep("inbox-empty")
    post_id = api.create(RELEASE, ("twitter", "bluesky"))["id"]
    browser.until(lambda: browser.all(f"#row-{post_id}"))
    assert "draft" in browser.text(f"#row-{post_id}")
    assert browser.script("return document.getElementById('told').textContent") == "Posts: 1"
    api.publish(post_id)
    browser.until(lambda: browser.all(f"#row-{post_id} .s-published"))
    assert len(browser.all(f"#row-{post_id} .c-live")) == 2
    second = api.create("The next one", ("mastodon",))["id"]
    browser.until(
        lambda: [row.get_attribute("id") for row in browser.all(".row")] == [f"row-{second}", f"row-{post_id}"]
    )


def test_the_inbox(browser: Browser, sample: dict[str, str]) -> None:
    browser.open()
    assert len(browser.all(".row")) == len(sample)
    assert "partly published" in browser.text(f"#row-{sample['long']}")
    assert "thread of 3" in browser.text(f"#row-{sample['thread']}")
    browser.keep("inbox")
    browser.all("input[name=q]")[0].send_keys("harmless", Keys.ENTER)
    browser.until(lambda: len(browser.all(".row")) == 1)
    browser.open("/?network=slack")
    assert [row.get_attribute("id") for row in browser.all(".row")] == [f"row-{sample['chat']}"]


def test_a_thread(browser: Browser, sample: dict[str, str]) -> None:
    browser.open(f"/posts/{sample['thread']}")
    assert [len(browser.all(f"#{name} .bubble")) for name in ("twitter", "bluesky", "linkedin")] == [3, 3, 1]
    assert "2 replies not shown" in browser.text("#linkedin")
    assert browser.all("#twitter .bubble")[2].find_element(By.CSS_SELECTOR, ".tag").text == "#exactlyonce"
    assert "/ 280 weighted characters" in browser.text("#twitter .counter")
    browser.keep("post-thread", whole=True)


def test_a_long_text_and_failed_networks(browser: Browser, sample: dict[str, str]) -> None:
    browser.open(f"/posts/{sample['long']}")
    assert "token of octo has expired" in browser.text("#linkedin .refused")
    assert "too many" in browser.text("#bluesky .counter.over")
    assert "live" in browser.text("#facebook .badge")
    folded = browser.all("#facebook .more")[0]
    assert folded.get_attribute("open") is None
    browser.keep("post-partly-failed", whole=True)
    folded.find_element(By.TAG_NAME, "summary").click()
    assert LONG.strip().endswith(folded.find_element(By.CLASS_NAME, "text").text.strip()[-30:])


def test_every_kind_of_card(browser: Browser, sample: dict[str, str]) -> None:
    for name, networks in (("image", 3), ("film", 2), ("chat", 3), ("release", 4)):
        browser.open(f"/posts/{sample[name]}")
        assert len(browser.all(".card")) == networks
        assert browser.script("return document.documentElement.scrollWidth") <= DESK[0]
        browser.keep(f"post-{name}", whole=True)
    assert browser.all("#twitter .text a")[0].get_attribute("href") == "https://example.org/releases/1.0"


def test_a_duplicate_raises_the_banner_at_once(browser: Browser, api: Any, sample: dict[str, str]) -> None:
    browser.open()
    assert browser.all(".alarm") == []
    again = api.announce(RELEASE, ("twitter", "bluesky"))["id"]
    browser.until(lambda: browser.all(".alarm"))
    alarm = browser.all(".alarm")[0]
    assert alarm.get_attribute("role") == "alert"
    assert "X, Bluesky each show the same text 2 times" in alarm.text
    assert again in alarm.text
    browser.keep("duplicate")
    api.call("DELETE", f"/posts/{again}")
    browser.until(lambda: not browser.all(".alarm"))


def test_publishing_with_the_keyboard_alone(
    browser: Browser, octopost_sandbox: Sandbox, sample: dict[str, str]
) -> None:
    browser.open()
    body = browser.driver.switch_to.active_element
    body.send_keys(Keys.TAB)
    assert browser.driver.switch_to.active_element.text == "Skip to content"
    for _ in range(40):
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)
        if browser.driver.switch_to.active_element.get_attribute("id") == f"a-{sample['draft']}":
            break
    browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    browser.until(lambda: browser.all(".card"))
    button = browser.all("button.primary")[0]
    assert button.text == "Publish now"
    button.send_keys(Keys.ENTER)
    browser.until(lambda: browser.all(".said"))
    assert "Published: published." in browser.text(".said")
    assert octopost_sandbox.post(sample["draft"])["status"] == "published"
    assert "said=" not in browser.driver.current_url


def test_buttons_fail_a_network_and_move_the_clock(
    browser: Browser, octopost_sandbox: Sandbox, sample: dict[str, str]
) -> None:
    browser.open(f"/posts/{sample['scheduled']}")
    next(button for button in browser.all("button") if button.text == "Fail Mastodon").click()
    browser.until(lambda: "Let Mastodon work" in browser.text("#mastodon"))
    next(button for button in browser.all("button") if button.text.startswith("Move clock")).click()
    browser.until(lambda: "did not accept" in browser.text("#mastodon"))
    assert "partly published" in browser.text(".post-head")
    browser.open("/controls")
    assert "fails" in browser.text("main")
    browser.keep("controls")


def test_focus_and_open_details_survive_an_update(browser: Browser, api: Any, sample: dict[str, str]) -> None:
    browser.open(f"/posts/{sample['draft']}")
    browser.all(".calls summary")[0].click()
    before = len(browser.all(".calls li"))
    browser.all("button.primary")[0].send_keys("")
    browser.script("document.querySelector('button.primary').focus()")
    api.get(sample["draft"])
    browser.until(lambda: len(browser.all(".calls li")) == before + 1)
    assert browser.all(".calls details")[0].get_attribute("open")
    assert browser.driver.switch_to.active_element.text == "Publish now"


def test_hostile_text_runs_nothing(browser: Browser, api: Any) -> None:
    hostile = (
        "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"> javascript:alert(1) "
        "https://example.org/\"onmouseover=\"document.title='owned' \u202etxt.exe\u202c after \x00 " + "w" * 600
    )
    post_id = api.announce(hostile, ("twitter", "discord", "telegram", "linkedin"))["id"]
    for path in ("/", f"/posts/{post_id}"):
        browser.look(PHONE)
        browser.open(path)
        assert browser.driver.title.startswith(("Inbox", "<script>"))
        assert browser.script("return document.documentElement.scrollWidth") == PHONE[0]
        assert browser.script("return document.querySelectorAll('main script, main img').length") == 0
        links = [link.get_attribute("href") for link in browser.all("main a")]
        assert all(link.startswith((browser.root, "https://example.org/")) for link in links)
    assert "<script>" in browser.text("#discord .text")
    # The override ends with the text it is in: the button below still reads from left to right.
    assert browser.script("return getComputedStyle(document.querySelector('.text')).unicodeBidi") == "isolate"


@pytest.mark.parametrize("dark", [False, True])
def test_phone_and_dark(browser: Browser, sample: dict[str, str], dark: bool) -> None:
    suffix = "-dark" if dark else ""
    browser.look(PHONE, dark)
    for name, path in {"inbox": "/", "thread": f"/posts/{sample['thread']}", "controls": "/controls"}.items():
        browser.open(path)
        assert browser.script("return document.documentElement.scrollWidth") == PHONE[0]
        browser.keep(f"phone-{name}{suffix}")
    ground = browser.script("return getComputedStyle(document.documentElement).backgroundColor")
    red = int(ground.removeprefix("rgb(").split(",")[0])
    assert red < 60 if dark else red > 200
    browser.look(DESK, dark)
    browser.open()
    browser.keep(f"inbox{suffix or '-light'}")
    browser.open(f"/posts/{sample['release']}")
    browser.keep(f"post-release{suffix or '-light'}", whole=True)


def contrast(browser: Browser, css: str) -> float:
    """Return the contrast of an element's text with what is behind it (WCAG 2)."""
    code = """
      const channel = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
      const luminance = (c) => { const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map(Number).map(channel);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
      const it = document.querySelector(arguments[0]);
      let back = it;
      while (/, 0\\)|transparent/.test(getComputedStyle(back).backgroundColor)) back = back.parentElement;
      const [a, b] = [getComputedStyle(it).color, getComputedStyle(back).backgroundColor].map(luminance);
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    """
    return float(browser.driver.execute_script(code, css))


@pytest.mark.parametrize("dark", [False, True])
def test_words_can_be_read(browser: Browser, api: Any, sample: dict[str, str], dark: bool) -> None:
    api.announce(RELEASE, ("twitter",))
    browser.look(DESK, dark)
    pages = {
        "/": [
            ".row-text",
            ".row-meta time",
            ".s-published",
            ".s-partial",
            ".s-scheduled",
            ".s-draft",
            ".alarm li",
            ".now",
        ],
        f"/posts/{sample['chat']}": ["#discord .text", "#discord .handle", "#telegram .text", "#slack .counter"],
        f"/posts/{sample['film']}": ["#tiktok .text", "#tiktok .handle", "#tiktok .tag"],
        f"/posts/{sample['release']}": [
            "#twitter .text a",
            "#linkedin .text a",
            "#twitter .handle",
            ".card-foot button",
        ],
    }
    for path, places in pages.items():
        browser.open(path)
        for css in places:
            assert contrast(browser, css) >= 4.5, (path, css)
    browser.open(f"/posts/{sample['draft']}")
    assert contrast(browser, "button.primary") >= 4.5


def test_everything_has_a_name_for_a_screen_reader(browser: Browser, sample: dict[str, str]) -> None:
    for path in ("/", f"/posts/{sample['thread']}", "/controls", "/_sandbox/docs"):
        browser.open(path)
        assert browser.script("return document.documentElement.lang") == "en"
        tree = browser.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        for node in tree:
            if not node["ignored"] and node["role"]["value"] in ("button", "link", "textbox", "searchbox", "combobox"):
                assert node["name"]["value"].strip(), node
        levels = [int(it.tag_name[1]) for it in browser.all("h1, h2, h3, h4")]
        assert levels.count(1) == 1


def test_the_api_page(browser: Browser) -> None:
    browser.open("/_sandbox/docs")
    assert browser.all(".b-documented")
    assert browser.all(".b-guess") or browser.all(".b-inferred")
    browser.keep("api")
