from tests.runtime.conftest import world

__all__ = ["world"]
