from tests.support.runtime_world import CONTEXT, ENVIRONMENT, STREAM_ARN, world

# The names in capitals are for tests/faults/world.py.
__all__ = ["CONTEXT", "ENVIRONMENT", "STREAM_ARN", "world"]
