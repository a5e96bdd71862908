"""`parametrize_conformance`: one id per check, strict expected failures."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest
from torch import nn

from archbench import Architecture, DeclarationError
from archbench.testing import ConformanceWarning, check_architecture, check_codes, parametrize_conformance

pytest_plugins = ["pytester"]

HEADER = """
from pathlib import Path
from archbench.testing import parametrize_conformance
NET = Path(__file__).parent / "net.py"
"""
SOUND = """
import archbench
def build(task, options):
    import math
    from torch import nn
    width = math.prod(task.input_shape)
    return nn.Sequential(nn.Flatten(), nn.Linear(width, 32), nn.ReLU(), nn.Linear(32, task.outputs))
@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(name="net", build=build, inputs=("image",), summary="A net")
"""
WITH_SOFTMAX = SOUND.replace("nn.Linear(32, task.outputs))", "nn.Linear(32, task.outputs), nn.Softmax(-1))")


@parametrize_conformance("mlp")
def test_architecture(conformance):
    """The helper, used as an author uses it."""
    conformance()


@parametrize_conformance("digits", kind="task")
def test_task(conformance):
    """The same for a task."""
    conformance()


def run(pytester, net, test):
    """Outcomes of the generated tests, by name."""
    test_net = HEADER + test + "\ndef test(conformance):\n    conformance()\n"
    pytester.makepyfile(net=net, test_net=test_net)
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-rA")


@pytest.fixture
def pytester(pytester, monkeypatch):
    """Pytest inside pytest, without this project's settings."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    yield pytester
    sys.modules.pop("test_net", None)


def test_failures_name_hint_and_command(pytester):
    """One test per code; the failing one explains itself; what it blocks is skipped."""
    result = run(pytester, WITH_SOFTMAX, "@parametrize_conformance(NET)")

    result.assert_outcomes(passed=7, failed=1, skipped=16)
    result.stdout.fnmatch_lines(["*FAILED*test_net.py::test[[]B103[]]*"])
    result.stdout.fnmatch_lines(["*hint:*before softmax*", "*again: benchmark check*--only B103*"], consecutive=True)


def test_expected_failure_is_reported_as_such(pytester):
    """With a reason, a failure is an xfail."""
    reason = '@parametrize_conformance(NET, expected_failures={"B103": "it is a study of calibration"})'

    result = run(pytester, WITH_SOFTMAX, reason)

    result.assert_outcomes(passed=7, xfailed=1, skipped=16)
    result.stdout.fnmatch_lines(["*B103*calibration*"])


def test_expected_failure_that_passes_fails(pytester):
    """No exception outlives its reason."""
    result = run(pytester, SOUND, '@parametrize_conformance(NET, expected_failures={"B103": "it once had a softmax"})')

    outcomes = result.parseoutcomes()
    assert outcomes["failed"] == 1
    result.stdout.fnmatch_lines(["*B103*XPASS*it once had a softmax*"])


def declare(**more):
    """A sound architecture."""
    return Architecture(name="net", build=build, inputs=("image",), summary="A net", **more)


def build(task, options):
    """Two layers."""
    width = task.input_shape[0] * task.input_shape[1] * task.input_shape[2]
    return nn.Sequential(nn.Flatten(), nn.Linear(width, 32), nn.ReLU(), nn.Linear(32, task.outputs))


def test_expected_failure_needs_a_reason():
    """An empty reason is refused, whether declared or given to a function."""
    with pytest.raises(DeclarationError, match="no reason for 'B403'"):
        declare(expected_failures={"B403": " "})
    with pytest.raises(DeclarationError, match="no reason for 'B403'"):
        check_architecture(declare(), expected_failures={"B403": ""})


def test_expected_failure_is_strict():
    """A declared failure that passes is an error, named XPASS."""
    (result,) = check_architecture(declare(expected_failures={"B103": "once true"}), only=["B103"])

    assert result.is_error
    assert result.message.startswith("XPASS")


@dataclass(frozen=True)
class Size:
    """An option to change."""

    width: int = 4


def test_expected_failure_may_pass_under_other_options():
    """The declaration is about the default options; under others the same check may pass."""
    item = declare(expected_failures={"B103": "once true"}, options=Size)
    statuses = [check_architecture(item, options=Size(width), only=["B103"])[0].status for width in (4, 5)]

    assert statuses == ["failed", "passed"]


class Recurrent(nn.Module):
    """torch.compile cannot trace torch's fused kernels."""

    def __init__(self, task):
        super().__init__()
        self.core, self.head = nn.LSTM(task.input_shape[1], 8, batch_first=True), nn.Linear(8, task.outputs)
        self.last = slice(None) if task.per_step else -1

    def forward(self, x):
        """Sequences to logits."""
        return self.head(self.core(x)[0][:, self.last])


def test_warning_level_does_not_fail():
    """A failure of level `warning` is a ConformanceWarning."""
    undeclared = Architecture(
        name="lstm", build=lambda task, options: Recurrent(task), inputs=("sequence",), summary="LSTM"
    )
    (check,) = [p.values[0] for p in parametrize_conformance(undeclared).mark.args[1] if p.id == "B403"]

    with pytest.warns(ConformanceWarning, match="B403  WARN"):
        check()


def test_codes_are_stable():
    """Codes are written into people's plugins: none disappears."""
    assert check_codes("architecture") == (
        *("B001", "B002", "B101", "B102", "B103", "B104", "B105", "B106", "B107", "B201", "B202", "B203"),
        *("B301", "B302", "B303", "B304", "B305", "B401", "B402", "B403", "B404", "B405", "B501", "B502"),
    )
    assert check_codes("task") == (
        *("T001", "T002", "T101", "T102", "T103", "T104", "T201", "T202", "T203", "T204", "T205"),
        *("T301", "T302", "T303", "T501"),
    )
