"""The rules of fallback messaging: pure functions over immutable values, standard library only."""
