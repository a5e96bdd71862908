"""`parametrize_conformance`: one test per check, and strict expected failures."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

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
    """A built-in architecture passes in tests made as an author makes them."""
    conformance()


@parametrize_conformance("digits", kind="task")
def test_task(conformance):
    """A built-in task passes in tests made as an author makes them."""
    conformance()


def run(pytester, net, test):
    """Run pytest on a one-file plugin and on tests of it with this decorator, and return the result."""
    test_net = HEADER + test + "\ndef test(conformance):\n    conformance()\n"
    pytester.makepyfile(net=net, test_net=test_net)
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-rA")


@pytest.fixture
def pytester(pytester, monkeypatch):
    """Return pytest's own `pytester`, without this project's settings."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    yield pytester
    sys.modules.pop("test_net", None)


def test_failures_name_hint_and_command(pytester):
    """A failed check shows its hint and its command; the checks that it blocks are skipped."""
    result = run(pytester, WITH_SOFTMAX, "@parametrize_conformance(NET)")

    result.assert_outcomes(passed=9, failed=1, skipped=29)
    result.stdout.fnmatch_lines(["*FAILED*test_net.py::test[[]B103[]]*"])
    result.stdout.fnmatch_lines(["*hint:*before softmax*", "*again: benchmark check*--only B103*"], consecutive=True)


def test_expected_failure_is_reported_as_such(pytester):
    """A failure that was expected for a reason is an xfail that shows the reason."""
    reason = '@parametrize_conformance(NET, expected_failures={"B103": "it is a study of calibration"})'

    result = run(pytester, WITH_SOFTMAX, reason)

    result.assert_outcomes(passed=9, xfailed=1, skipped=29)
    result.stdout.fnmatch_lines(["*B103*calibration*"])


def test_expected_failure_that_passes_fails(pytester):
    """An expected failure that passes fails its test and shows the reason."""
    result = run(pytester, SOUND, '@parametrize_conformance(NET, expected_failures={"B103": "it once had a softmax"})')

    outcomes = result.parseoutcomes()
    assert outcomes["failed"] == 1
    result.stdout.fnmatch_lines(["*B103*XPASS*it once had a softmax*"])


def declare(**more):
    """Return a sound architecture with more declarations."""
    return Architecture(name="net", build=build, inputs=("image",), summary="A net", **more)


def build(task, options):
    """Return a network of two layers."""
    width = task.input_shape[0] * task.input_shape[1] * task.input_shape[2]
    return nn.Sequential(nn.Flatten(), nn.Linear(width, 32), nn.ReLU(), nn.Linear(32, task.outputs))


def test_expected_failure_needs_a_reason():
    """An expected failure without a reason is an error, both in a declaration and as an argument."""
    with pytest.raises(DeclarationError, match="no reason for 'B403'"):
        declare(expected_failures={"B403": " "})
    with pytest.raises(DeclarationError, match="no reason for 'B403'"):
        check_architecture(declare(), expected_failures={"B403": ""})


def test_expected_failure_is_strict():
    """A declared failure that passes is an error marked XPASS, and has no hint."""
    (result,) = check_architecture(declare(expected_failures={"B103": "once true"}), only=["B103"])

    assert result.is_error
    assert result.message.startswith("XPASS")
    assert not result.hint


def test_message_does_not_decide_about_the_hint():
    """A fault keeps its hint even if its message begins as that of a declared failure that passed."""
    reply = "XPASS is what the network said"

    def fail(task, options):
        raise DeclarationError(reply)

    (result,) = check_architecture(replace(declare(), build=fail), only=["B101"])

    assert result.message == reply
    assert result.hint


@dataclass(frozen=True)
class Size:
    """Options with one value to change."""

    width: int = 4


def test_expected_failure_may_pass_under_other_options():
    """A declared failure may pass under other options than the default ones, for which it was declared."""
    item = declare(expected_failures={"B103": "once true"}, options=Size)
    statuses = [check_architecture(item, options=Size(width), only=["B103"])[0].status for width in (4, 5)]

    assert statuses == ["failed", "passed"]


class Branches(nn.Module):
    """A network with a branch that depends on the data, which torch.compile cannot trace."""

    def __init__(self, task):
        super().__init__()
        self.net = build(task, None)

    def forward(self, x):
        """Map images to logits."""
        logits = self.net(x)
        return logits if logits.sum() > 0 else logits * 1.0


def test_warning_level_does_not_fail():
    """A failed check of level `warning` is a ConformanceWarning and does not fail its test."""
    undeclared = replace(declare(), build=lambda task, options: Branches(task))
    (check,) = [p.values[0] for p in parametrize_conformance(undeclared).mark.args[1] if p.id == "B403"]

    with pytest.warns(ConformanceWarning, match="B403  WARN"):
        check()


class Recurrent(nn.Module):
    """An LSTM, whose fused kernels torch.compile does not trace."""

    def __init__(self, task):
        super().__init__()
        self.core, self.head = nn.LSTM(task.input_shape[1], 8, batch_first=True), nn.Linear(8, task.outputs)
        self.last = slice(None) if task.per_step else -1

    def forward(self, x):
        """Map sequences to logits."""
        return self.head(self.core(x)[0][:, self.last])


def test_fused_recurrence_gets_no_warning():
    """A network with nn.LSTM is no cause for a warning: B403 is skipped, and says why."""
    lstm = replace(declare(), build=lambda task, options: Recurrent(task), inputs=("sequence",))
    (result,) = check_architecture(lstm, only=["B403"])

    assert result.status == "skipped"
    assert "nn.LSTM" in result.message


def test_codes_are_stable():
    """The codes are exactly these: people write them into their plugins, so none may disappear."""
    assert check_codes("architecture") == (
        *("B001", "B002", "B003", "B101", "B102", "B103", "B104", "B105", "B106", "B107", "B108", "B109", "B110"),
        *("B111", "B112", "B201", "B202", "B203", "B204", "B205", "B206", "B207", "B208", "B209", "B301", "B302"),
        *("B303", "B304", "B305", "B401", "B402", "B403", "B404", "B405", "B406", "B501", "B502", "B601", "B602"),
    )
    assert check_codes("task") == (
        *("T001", "T002", "T003", "T004", "T101", "T102", "T103", "T104", "T105", "T106", "T201", "T202", "T203"),
        *("T204", "T205", "T301", "T302", "T303", "T304", "T305", "T401", "T402", "T501"),
    )
