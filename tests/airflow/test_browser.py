"""What a user sees in Airflow's own pages: the connection form, and a run with its links."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_octopost.get_provider_info import get_provider_info
from octopost_sandbox.process import SandboxProcess
from tests.airflow.cluster import Cluster
from tests.airflow.conftest import connection_json

webdriver = pytest.importorskip("selenium.webdriver", reason="the older Airflows' environments have no browser")

from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

# One process of a parallel run takes the whole file: its tests share an Airflow.
pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.browser, pytest.mark.xdist_group("airflow-browser")]


@pytest.fixture(scope="module")
def running() -> Iterator[SandboxProcess]:
    with SandboxProcess("--tier", "unlimited") as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def cluster(running: SandboxProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("airflow")
    with Cluster(home, {"AIRFLOW_CONN_OCTOPOST_DEFAULT": connection_json(running)}) as started:
        yield started


@pytest.fixture(scope="module")
def browser(cluster: Cluster) -> Iterator[Any]:
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("needs chromium and chromedriver (Debian: chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,1000"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    driver.get(cluster.url)  # all visitors are administrators here: this signs in
    yield driver
    driver.quit()


def see(browser: Any, text: str) -> Any:
    """Wait until a text stands on the page; return what shows it."""
    holds = f"contains(normalize-space(.), '{text}')"
    path = f"//body//*[{holds} and not(*[{holds}])]"
    return WebDriverWait(browser, 180).until(lambda page: page.find_element(By.XPATH, path))


def keep(browser: Any, name: str) -> None:
    """Save a picture for the documentation, where OCTOPOST_SCREENSHOTS names a folder."""
    if folder := os.environ.get("OCTOPOST_SCREENSHOTS"):
        browser.save_screenshot(str(Path(folder, name)))


def test_the_connection_form(cluster: Cluster, browser: Any) -> None:
    body = {"connection_id": "octopost_default", "conn_type": "octopost", "host": "https://api.octopost.ink/v1"}
    cluster.api("POST", "/api/v2/connections", body)
    browser.get(f"{cluster.url}/connections")
    see(browser, "octopost_default")
    browser.find_element(By.CSS_SELECTOR, "[aria-label='Edit Connection']").click()
    see(browser, "API key")
    see(browser, "Base URL")
    extra = see(browser, "Extra Fields")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", extra)
    for field in get_provider_info()["connection-types"][0]["conn-fields"].values():
        see(browser, field["label"])
    keep(browser, "airflow-connection.png")


def test_a_run_with_its_links(cluster: Cluster, browser: Any, running: SandboxProcess) -> None:
    cluster.trigger("killed", "links")
    assert cluster.wait_for_run("killed", "links") == "success", cluster.last_words()
    task = f"{cluster.url}/dags/killed/runs/links/tasks/announce"
    browser.get(task)
    see(browser, "Live on bluesky")
    keep(browser, "airflow-run.png")
    browser.get(f"{task}/details")
    [result] = cluster.xcom("killed", "links")
    for network, name in {"bluesky": "Bluesky", "mastodon": "Mastodon"}.items():
        assert see(browser, f"Post on {name}").get_attribute("href") == result["urls"][network]
    keep(browser, "airflow-links.png")
