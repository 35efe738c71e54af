"""`make reset`: forget all data of this instance, after a phrase typed by hand."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import config  # noqa: E402
from marketplace.storage import embedded  # noqa: E402

PHRASE = "forget everything"


def main() -> int:
    settings = config.load()
    if not settings.embedded_database or not settings.demo:
        print("  DATABASE_URL or ENV=production is set: a database of your own is not dropped from here.")
        return 1
    folders = [
        folder for folder in (embedded.home_of(settings.data_dir), settings.data_dir) if folder.exists()
    ]
    if not folders:
        print(f"  There is nothing under {settings.data_dir}.")
        return 0
    if embedded.running(settings.data_dir):
        print("  This instance runs: stop it first (Ctrl-C where `make run` was called).")
        return 1
    print("  This removes, for good:")
    for folder in folders:
        print(f"    {folder}")
    try:
        typed = input(f"  Type “{PHRASE}” to go on: ")
    except EOFError:
        typed = ""
    if typed.strip() != PHRASE:
        print("  Nothing was removed.")
        return 1
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    print("  Removed. `make run` starts anew.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
