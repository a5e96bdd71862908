"""The processes that run the tests, with the options of pytest that pyproject.toml sets."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = {
    "one": "import time\ndef test_lives(): time.sleep(0.1)\ndef test_too(): assert False\n",
    "other": "import os\ndef test_dies(): os._exit(3)\ndef test_after(): pass\n",
    "third": "import time\ndef test_lives(): time.sleep(0.1)\ndef test_too(): pass\n",
    "fourth": "import time\ndef test_lives(): time.sleep(0.1)\n",
}


def test_a_process_of_tests_that_dies_ends_the_run(tmp_path: Path) -> None:
    """The run fails and names the test that ended its process; it does not wait for ever."""
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    chosen = [f"{name} = {json.dumps(options[name])}\n" for name in ("addopts", "markers")]
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n" + "".join(chosen))
    for name, code in FILES.items():
        (tmp_path / f"test_{name}.py").write_text(code)
    command = [sys.executable, "-m", "pytest", "-n", "2", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)

    assert done.returncode == 1, done.stdout
    assert "crashed while running 'test_other.py::test_dies'" in done.stdout
