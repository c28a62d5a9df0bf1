"""What a DAG file with fifty of our tasks costs Airflow's Dag processor."""

from __future__ import annotations

import cProfile
import pstats
import runpy
import shutil
import signal
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.measure import PYTHON, SUBJECTS, BenchFailed, environ, run, say
from bench.table import Figure, Section, ms, ratio_of

FILES = {"ours": "fifty_octopost", "http": "fifty_http", "empty": "fifty_empty"}
PATIENCE = 300.0  # seconds until every file was parsed often enough
REASON = (
    "most of it is the Dag processor's own, which starts a process and builds and writes 50 tasks (the line with 50 "
    "EmptyOperators); what is left above that floor is compared in the last line. Airflow preloads what a file "
    "imports of `airflow.*`, so the import of the http provider is hidden; no other package can have that."
)


def measure(quick: bool) -> Section:
    """Let ``airflow dag-processor`` parse three files in turns, and read its own figures from the database."""
    rounds, figures = 1 if quick else 15, []
    with tempfile.TemporaryDirectory(prefix="octopost-bench-") as folder:
        for preload, words in (
            ("True", "Airflow preloads its own providers (default)"),
            ("False", "nothing preloaded"),
        ):
            figures += compare(words, parse(Path(folder), rounds, preload))
    return Section("Parsing", figures, HOW, profile())


HOW = (
    "One `airflow dag-processor` with one parsing process reads the files over and over; the times are its own, from "
    "the column `last_parse_duration`: start of the parsing process to its end, with imports. With "
    "`[dag_processor] parsing_pre_import_modules` on, which is the default, the processor imports what a file wants of "
    "`airflow.*`, the http provider included, once before it starts the parsing process; other packages it never "
    "preloads. A task that runs parses its file in a process where nothing is preloaded."
)


def compare(words: str, values: dict[str, list[float]]) -> list[Figure]:
    """Judge the parse times of one setting."""
    middle = {name: statistics.median(found) for name, found in values.items()}
    ratio = ratio_of(values["ours"], values["http"])
    above = [
        statistics.median(a - b for a, b in zip(values[name], values["empty"], strict=True))
        for name in ("ours", "http")
    ]
    return [
        Figure(f"a DAG file with 50 announcements, parsed; {words}", ms(middle["ours"]), "50 HttpOperators",
               ms(middle["http"]), f"{ratio:.2f}", "at most half", ratio <= 0.5, "" if ratio <= 0.5 else REASON),
        Figure("the same", ms(middle["ours"]), "50 EmptyOperators, the processor's floor", ms(middle["empty"]),
               f"{ratio_of(values['ours'], values['empty']):.2f}"),
        Figure("above that floor", ms(above[0]), "HttpOperators above it", ms(above[1]), f"{above[0] / above[1]:.2f}"),
    ]  # fmt: skip


def parse(folder: Path, rounds: int, preload: str) -> dict[str, list[float]]:
    """Run the Dag processor until each file was parsed ``rounds`` times, after one that is thrown away."""
    dags = folder / "dags"
    dags.mkdir(exist_ok=True)
    for name in FILES:
        shutil.copy(SUBJECTS / f"dag_{name}.py", dags)
    database = folder / "airflow.db"
    env = environ(
        AIRFLOW_HOME=str(folder),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__CORE__DAGS_FOLDER=str(dags),
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{database}",
        AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES="1",
        AIRFLOW__DAG_PROCESSOR__PARSING_PRE_IMPORT_MODULES=preload,
        AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL="0",
    )
    seen: dict[str, dict[str, float]] = {dag: {} for dag in FILES.values()}
    if not database.exists():
        say("parsing: airflow db migrate")
        run([PYTHON, "-m", "airflow", "db", "migrate"], env=env)
    until = time.monotonic() + PATIENCE
    with (folder / "processor.log").open("w") as log, processor(env, log) as process:
        while min(map(len, seen.values())) <= rounds:
            if process.poll() is not None or time.monotonic() > until:
                raise BenchFailed(f"the Dag processor did not parse the files:\n{Path(log.name).read_text()[-3000:]}")
            time.sleep(0.1)
            for dag, parsed_at, took in rows(database):
                if dag in seen and took is not None:
                    seen[dag][parsed_at] = took
    return {name: list(seen[dag].values())[1 : rounds + 1] for name, dag in FILES.items()}


def rows(database: Path) -> list[tuple[str, str, float | None]]:
    """Return what the processor has written of its last parse of each file."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30) as connection:
        return connection.execute("select dag_id, last_parsed_time, last_parse_duration from dag").fetchall()


@contextmanager
def processor(env: dict[str, str], log: object) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``airflow dag-processor``; end it with its children."""
    process = subprocess.Popen(
        [PYTHON, "-m", "airflow", "dag-processor"],
        env=env,
        stdout=log,
        stderr=subprocess.STDOUT,  # type: ignore[call-overload]
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def profile() -> list[str]:
    """Return where building our fifty tasks spends its time, by cProfile in a process of its own."""
    code = f"from bench.parsing import print_profile; print_profile({str(SUBJECTS / 'dag_ours.py')!r})"
    said = run([PYTHON, "-c", code], env=environ(PYTHONPATH=str(SUBJECTS.parents[1])))
    return [f"cProfile of the file itself, by own time: {said.strip()}"]


def print_profile(path: str) -> None:
    """Profile the second time a DAG file is run (the first one imports)."""
    runpy.run_path(path)
    with cProfile.Profile() as profiler:
        runpy.run_path(path)
    stats = pstats.Stats(profiler)
    top = sorted(stats.stats.items(), key=lambda item: item[1][2], reverse=True)[:6]  # type: ignore[attr-defined]
    names = [f"`{name}` ({Path(file).name}) {own * 1000:.1f} ms" for (file, _, name), (_, _, own, *_) in top]
    print(f"{stats.total_tt * 1000:.0f} ms in all; " + ", ".join(names))  # type: ignore[attr-defined]
