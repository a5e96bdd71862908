"""Each check of an architecture finds its mutants, and no other check fails on them."""

from __future__ import annotations

import pytest

from archbench.testing import check_architecture
from archbench.testing.architecture import CHECKS
from support.mutants import MUTANTS

IN_OTHER_TESTS = {"B001", "B501", "B502"}  # they need a plugin, a file or processes


def test_mutant_is_caught_by_the_right_check(mutant):
    """Only the check that a mutant is made for fails, and it says why."""
    results = {result.code: result for result in check_architecture(mutant.architecture)}
    failed = [code for code, result in results.items() if result.status == "failed"]

    assert failed == [mutant.code], [str(results[code]) for code in failed]
    assert mutant.says in results[mutant.code].message
    assert results[mutant.code].hint
    assert f"--only {mutant.code}" in results[mutant.code].reproduce


def test_every_check_has_a_mutant():
    """Each check finds at least one mutant here, or is tested in another file."""
    assert {check.code for check in CHECKS} == {mutant.code for mutant in MUTANTS} | IN_OTHER_TESTS


def test_codes_are_unique_and_prerequisites_exist():
    """No two checks share a code, and the checks that another one requires exist."""
    codes = [check.code for check in CHECKS]

    assert len(set(codes)) == len(codes)
    assert {code for check in CHECKS for code in check.requires} <= set(codes)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_check_explains_itself(check):
    """Title and hint are one line each."""
    assert check.title
    assert check.hint
    assert "\n" not in check.title + check.hint
