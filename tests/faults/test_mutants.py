"""The mutants are readable and fit the code; `make mutants` plays them."""

import subprocess

import pytest

from tests.faults.mutants import PATCHES, ROOT, Mutant

MUTANTS = [Mutant.read(path) for path in sorted(PATCHES.glob("*.patch"))]


def test_there_are_the_eighteen_defects_and_many_more() -> None:
    names = [mutant.path.stem for mutant in MUTANTS]
    assert len(names) >= 40
    for defect in range(1, 19):
        assert any(name.startswith(f"defect-{defect:02}-") for name in names), defect


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.path.stem)
def test_a_mutant_says_what_is_wrong_and_fits_the_code(mutant) -> None:
    assert mutant.what.endswith(".")
    assert all((ROOT / test).is_file() for test in mutant.tests)
    subprocess.run(["git", "apply", "--check", str(mutant.path)], cwd=ROOT, check=True)
