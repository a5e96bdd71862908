"""The compiled loops: their elementary functions, and where networks take them."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from numba import njit
from torch.utils.flop_counter import FlopCounterMode

from archbench_plugins.shared import loops

FUNCTIONS = {  # function, the exact one, the end of its range, the largest error
    "exp": (loops.exp, np.exp, 86.0, 1.5),
    "sigmoid": (loops.sigmoid, lambda x: 1 / (1 + np.exp(-x)), 86.0, 2.5),
    "tanh": (loops.tanh, np.tanh, 12.0, 1.5),
}


def values(name: str, x: np.ndarray) -> np.ndarray:
    """Return what an elementary function of the loops gives for each number."""
    function = FUNCTIONS[name][0]

    @njit
    def loop(x, y):
        for i in range(x.size):
            y[i] = function(x[i])

    y = np.empty_like(x)
    loop(x, y)
    return y


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_exact_to_some_units_in_the_last_place(name):
    """Over their whole range, and near 0, functions differ from float64 by 1.5 units, the sigmoid by 2.5 as torch's."""
    _, exact, bound, error = FUNCTIONS[name]
    x = np.concatenate([np.linspace(-end, end, 200_001) for end in (bound, 1.0, 1e-4)]).astype(np.float32)
    expected = exact(x.astype(np.float64))
    unit = np.spacing(np.abs(expected).astype(np.float32))

    assert (np.abs(values(name, x) - expected) / unit).max() < error


@pytest.mark.parametrize(
    ("name", "low", "high"), [("exp", np.exp(-87.0), np.exp(88.0)), ("sigmoid", 0.0, 1.0), ("tanh", -1.0, 1.0)]
)
def test_functions_far_out(name, low, high):
    """Far out the values are the bounds, and NaN stays NaN."""
    found = values(name, np.array([-np.inf, -1e30, 1e30, np.inf, np.nan], np.float32))

    np.testing.assert_allclose(found[:4], [low, low, high, high], rtol=1e-5, atol=1e-37)
    assert np.isnan(found[4])


def test_where_loops_are_taken(monkeypatch):
    """In float32 on a CPU; not where torch traces the network, or where something watches its operations."""
    x = torch.zeros(2)
    assert loops.takes_loops(x)
    assert not loops.takes_loops(x.double())
    assert not loops.takes_loops(x.to("meta"))
    with FlopCounterMode(display=False):
        assert not loops.takes_loops(x)

    for module, name in ((torch.compiler, "is_compiling"), (torch.jit, "is_tracing")):
        with monkeypatch.context() as patched:
            patched.setattr(module, name, lambda: True)
            assert not loops.takes_loops(x)


def test_loops_without_a_folder_to_keep_them_in(tmp_path):
    """A loop is compiled, and not kept, where no folder is open to writing."""
    code = (
        "import archbench_plugins.shared.loops as loops, numba, numpy as np\n"
        "def double(x):\n    x[0] *= 2\n"
        "made = loops.compiled(1)(double)\n"
        "x = np.ones(1, np.float32)\nmade(x)\nprint(x[0])\n"
    )
    nowhere = tmp_path / "nowhere"
    nowhere.touch()  # a file: not even root can make a folder below it
    environment = {"PATH": "", "NUMBA_CACHE_DIR": str(nowhere / "below"), "PYTHONPATH": ":".join(sys.path)}
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert found.stdout == "2.0\n", found.stderr
