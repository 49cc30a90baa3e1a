"""The commands around mutmut: nothing is left out, and what is equivalent is known again."""

import pytest

from tests.mutation.equivalent import Change, read_equivalents
from tests.mutation.groups import GROUPS, ROOT, Group
from tests.mutation.report import Score, read_change
from tests.mutation.runner import forget_other_files, undecorate

SOURCE = '''
class Pair:
    def __init__(self, left, right):
        self.left, self.right = left, right

    @property
    def total(self):
        """The sum."""
        return self.left + self.right

    @staticmethod
    def name():
        return "pair"
'''


def test_a_property_without_its_decorator_is_the_same_and_can_be_mutated() -> None:
    written = undecorate(SOURCE)
    assert "@property" not in written
    assert "@staticmethod" in written
    names: dict = {}
    exec(written, names)
    pair = names["Pair"](2, 3)
    assert (pair.total, pair.name()) == (5, "pair")
    assert names["Pair"].total.__doc__ == "The sum."


def test_every_file_that_is_mutated_is_there_and_in_one_group() -> None:
    files = [file for group in GROUPS for file in group.files]
    assert len(files) == len(set(files))
    assert all((ROOT / file).is_file() for file in files)
    assert "runtime/domain/decision.py" in files
    tests = [test.partition("::")[0] for group in GROUPS for test in group.tests]
    assert all((ROOT / test).exists() for test in tests)


def test_one_file_is_held_to_the_goal_and_by_the_tests_of_its_group() -> None:
    alone = Group.of("runtime/store.py")
    assert alone.files == ("runtime/store.py",)
    (whole,) = (group for group in GROUPS if "runtime/store.py" in group.files)
    assert (alone.tests, alone.goal_percent) == (whole.tests, whole.goal_percent)
    with pytest.raises(SystemExit, match=r"runtime/store\.py"):
        Group.of("runtime/nothing.py")


def test_a_copy_with_a_file_that_the_project_has_no_more_is_made_anew(tmp_path) -> None:
    work = tmp_path / "group"
    for name in ("tests/a.py", "mutants/tests/gone.py", "mutmut.log"):
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).touch()
    forget_other_files(work, {"tests/a.py", "tests/new.py"})
    assert (work / "mutants/tests/gone.py").exists()
    forget_other_files(work, {"tests/new.py"})
    assert not work.exists()


def test_a_change_is_known_by_its_function_and_its_lines_wherever_they_are() -> None:
    diff = """--- runtime/a.py
+++ runtime/a.py
@@ -7,3 +7,3 @@
 def f(self):
     x = 1
-        return x and y
+        return x or y
"""
    expected = Change("runtime/a.py", "Step.rank", "return x and y", "return x or y")
    assert read_change("runtime/a.py", "runtime.a.xǁStepǁrank__mutmut_3", diff) == expected
    moved = diff.replace("-7,3", "-90,3").replace("        return", "    return")
    assert read_change("runtime/a.py", "runtime.a.xǁStepǁrank__mutmut_8", moved) == expected
    function = read_change("runtime/a.py", "runtime.a.x__first__mutmut_1", diff).function
    assert function == "_first"


def test_what_changes_nothing_counts_for_nothing() -> None:
    assert Score("f", killed=9, survived=1, equivalent=90).percent == 90
    assert Score("f", killed=0, survived=0, equivalent=1).percent == 100


def test_each_equivalent_mutant_has_a_reason_and_a_file() -> None:
    files = {file for group in GROUPS for file in group.files}
    for change, reason in read_equivalents().items():
        assert change.file in files, change
        assert change.old != change.new, change
        assert len(reason) > 20, change
