"""Each check finds its mutants, and no other check accuses them."""

from __future__ import annotations

import pytest

from archbench.testing import check_architecture
from archbench.testing._architecture import CHECKS
from support.mutants import MUTANTS

IN_OTHER_TESTS = {"B001", "B501", "B502"}  # these need a plugin, a file or processes


def test_mutant_is_caught_by_the_right_check(mutant):
    """The check that is meant fails, says why, and is the only one that fails."""
    results = {result.code: result for result in check_architecture(mutant.architecture)}
    failed = [code for code, result in results.items() if result.status == "failed"]

    assert failed == [mutant.code], [str(results[code]) for code in failed]
    assert mutant.says in results[mutant.code].message
    assert results[mutant.code].hint
    assert f"--only {mutant.code}" in results[mutant.code].reproduce


def test_every_check_has_a_mutant():
    """A check that catches nothing would not be missed."""
    assert {check.code for check in CHECKS} == {mutant.code for mutant in MUTANTS} | IN_OTHER_TESTS


def test_codes_are_unique_and_prerequisites_exist():
    """A code names one check, and what a check requires is there."""
    codes = [check.code for check in CHECKS]

    assert len(set(codes)) == len(codes)
    assert {code for check in CHECKS for code in check.requires} <= set(codes)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_check_explains_itself(check):
    """Title and hint are one line each."""
    assert check.title
    assert check.hint
    assert "\n" not in check.title + check.hint
