"""Each import contract is shown to hold, and shown to fail when somebody breaks it."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

pytestmark = pytest.mark.slow

ROOMS = ("semantic_layer", "data_products", "tasks", "flows", "deployments")

BREACHES = [
    pytest.param(
        "semantic_layer/periods.py", "import tasks.ports", "Storeys", id="meaning asks a task"
    ),
    pytest.param(
        "tasks/ingestion/steps.py",
        "import tasks.anomaly",
        "Inside tasks",
        id="a capability imports another",
    ),
    pytest.param(
        "tasks/adapters/system_clock.py",
        "import tasks.wiring",
        "Inside tasks",
        id="an adapter asks the wiring",
    ),
    pytest.param(
        "tasks/surprise/__init__.py",
        "import tasks.ports",
        "Inside tasks",
        id="a room that the plan does not know",
    ),
    pytest.param(
        "tasks/curation/steps.py",
        "import prefect",
        "only tasks.step imports Prefect",
        id="the orchestrator seeps into a step",
    ),
    pytest.param(
        "flows/score_cells.py", "import ray", "Only adapters", id="a flow imports a client"
    ),
    pytest.param(
        "tasks/anomaly/findings.py",
        "import tasks.wiring",
        "only steps.py imports wiring",
        id="a pure module asks for services",
    ),
]


@pytest.fixture
def copy_of_the_house(tmp_path: Path) -> Path:
    for room in ROOMS:
        shutil.copytree(
            REPOSITORY / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    return tmp_path


def full_name(contract: str) -> str:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    names = [each["name"] for each in settings["tool"]["importlinter"]["contracts"]]
    return next(name for name in names if contract in name)


def lint_imports(house: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=house,
        env={"PYTHONPATH": str(house), "PATH": "", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_house_keeps_every_contract(copy_of_the_house: Path):
    verdict = lint_imports(copy_of_the_house)
    assert verdict.returncode == 0, verdict.stdout
    assert "5 kept, 0 broken" in verdict.stdout


@pytest.mark.parametrize(("module", "line", "contract"), BREACHES)
def test_a_breach_is_found_and_named(
    copy_of_the_house: Path, module: str, line: str, contract: str
):
    path = copy_of_the_house / module
    path.parent.mkdir(exist_ok=True)
    already = path.read_text(encoding="utf-8") if path.exists() else '"""A room of surprises."""\n'
    path.write_text(f"{already}\n{line}\n", encoding="utf-8")
    verdict = lint_imports(copy_of_the_house)
    assert verdict.returncode == 1, verdict.stdout
    assert f"{full_name(contract)} BROKEN" in " ".join(verdict.stdout.split()), verdict.stdout
