"""Time of a step of sequence networks against torch.nn.LSTM of the same size, and of the LSTM in other forms.

Run with `pytest -m performance -s`. The sizes are in tests/support/speed/cells.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from support.speed.cells import CELLS, LADDER, H, against_torch, rung
from support.speed.rows import describe

PAIRS = 20


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.performance
@pytest.mark.parametrize("name", CELLS)
def test_time_of_a_step_against_torchs_lstm(name: str) -> None:
    """The median of the paired ratios and the median times are printed; twice the target fails, where there is one."""
    row = against_torch(name, PAIRS)
    print(f"\n{describe(row)}")

    assert row["found"] < (8 if "xlstm" in name else 4 if "default" in name else 20)


@pytest.mark.performance
@pytest.mark.parametrize("name", list(LADDER)[1:])
def test_time_of_a_form_of_the_lstm(name: str) -> None:
    """Each form of the LSTM is printed beside the form with eight products, and none is slower than that."""
    row = rung(name, PAIRS // 2)
    print(f"\n{describe(row)}")

    assert row["found"] < 1.1


@pytest.mark.parametrize("name", LADDER)
def test_forms_of_the_ladder_are_one_function(name: str) -> None:
    """Every form gives the states of torch.nn.LSTM with its weights."""
    torch.manual_seed(0)
    reference, form = nn.LSTM(H, H, batch_first=True), LADDER[name]()
    with torch.no_grad():
        *weights, second_bias = reference.parameters()
        second_bias.zero_()  # torch adds two vectors, the other forms have one
        for target, source in zip(form.parameters(), [*weights, second_bias], strict=False):
            target.copy_(source)
    x = torch.randn(3, 7, H)
    found = form(x)

    torch.testing.assert_close(found[0] if isinstance(found, tuple) else found, reference(x)[0], atol=1e-5, rtol=1e-5)
