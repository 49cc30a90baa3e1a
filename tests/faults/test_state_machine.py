"""The small profile of the state machine; the full one is `make faults`."""

from tests.faults.machine import machine_in_memory, run


def test_anything_may_happen_in_any_order() -> None:
    with machine_in_memory() as machine:
        worlds = run(machine, examples=60, steps=40, seed=1)
        # Counted before the end of each run, where everything left is delivered.
        assert machine.worlds_with_sends > worlds / 3
        assert machine.given_up > 10
