"""The planted enterprises' one night and one review, built once a session and shared by all workers."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from planted_night import Answers, answers, build


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "planted"
    folder.mkdir(exist_ok=True)
    made = folder / "institution"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RISKENGINE_STORE", raising=False)
        patch.setenv("RISKENGINE_PERSONAL_KEY", "a key for planted cases, of no use elsewhere")
        with (folder / "lock").open("a") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            if not (folder / "ready").exists():
                shutil.rmtree(made, ignore_errors=True)
                build(made)
                (folder / "ready").touch()
        yield answers(made)
