"""The mutants are readable and fit the code; `make mutants` plays them."""

import shutil

import pytest

from tests.faults.mutants import ROOT, Change, MisfitError, Mutant, read_mutants


def test_there_are_the_eighteen_defects_and_many_more() -> None:
    names = [mutant.name for mutant in read_mutants()]
    assert len(names) >= 130
    for defect in range(1, 19):
        assert any(name.startswith(f"defect-{defect:02}-") for name in names), defect


@pytest.mark.parametrize("mutant", read_mutants(), ids=lambda mutant: mutant.name)
def test_a_mutant_says_what_is_wrong_and_fits_the_code(mutant, tmp_path) -> None:
    assert mutant.what.endswith(".")
    assert mutant.tests
    assert all((ROOT / test.partition("::")[0]).is_file() for test in mutant.tests)
    files = {change.file for change in mutant.changes}
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    with mutant.put_in(tmp_path):
        for file in files:
            changed = (tmp_path / file).read_bytes()
            assert changed != (ROOT / file).read_bytes()
            compile(changed, file, "exec")
    assert all((tmp_path / file).read_bytes() == (ROOT / file).read_bytes() for file in files)


@pytest.mark.parametrize(
    ("text", "old"),
    [
        ("a\nb\n", "c\n"),
        ("a\nb\na\n", "a\n"),
        ("    a\n", "a\n"),  # a line is found by its beginning, not by its end
    ],
    ids=["not there", "there twice", "part of a line"],
)
def test_a_mutant_that_does_not_fit_is_no_mutant(tmp_path, text, old) -> None:
    (tmp_path / "code.py").write_text(text)
    change = Change("code.py", old, "x\n")
    with pytest.raises(MisfitError, match=r"code\.py"):
        change.apply(tmp_path)
    mutant = Mutant("name", "Wrong.", ("tests",), (Change("code.py", text, "y\n"), change))
    with pytest.raises(MisfitError), mutant.put_in(tmp_path):
        pass
    assert (tmp_path / "code.py").read_text() == text
