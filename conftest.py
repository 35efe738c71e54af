"""A run as a whole: browser tests come last and one after the other; without a browser they are named."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tools import chromium

JOURNEYS = "tests/journeys/"
# Whole sites of many processes: never beside each other.
WHOLE_SITES = (JOURNEYS, "tests/fire/test_fire.py")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """All journeys and the fire on one worker: journeys share a running site, and two on two cores slow each other.

    By the scheduler itself: pytest-xdist 3.8 writes groups where pytest 9.2 no longer reads them.
    """
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class OneSite(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return JOURNEYS if nodeid.startswith(WHOLE_SITES) else nodeid

    return OneSite(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    browser = [item for item in items if item.get_closest_marker("browser")]
    items[:] = [item for item in items if item not in set(browser)] + browser
    if chromium.find() is None:
        for item in browser:
            item.add_marker(pytest.mark.skip(reason="no Chromium"))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    # In CI a missing browser is a fault of the machine, not a reason to say all is well.
    if _not_run(session.config) and os.environ.get("CI") == "true" and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    names = _not_run(config)
    if not names:
        return
    failing = os.environ.get("CI") == "true"
    terminalreporter.section(
        "browser tests NOT RUN: no Chromium" + (" (CI=true: this fails)" if failing else "")
    )
    for name in names:
        terminalreporter.write_line(f"  {name}")
    terminalreporter.write_line(f"To run them: {chromium.HOW_TO_INSTALL}")


def _not_run(config: pytest.Config) -> list[str]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return []
    skipped = reporter.stats.get("skipped", [])
    return sorted(
        {report.nodeid.split("@")[0] for report in skipped if "no Chromium" in str(report.longrepr)}
    )
