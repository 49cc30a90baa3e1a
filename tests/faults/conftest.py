from tests.support.runtime_world import world

__all__ = ["world"]
