"""Figures: what the functions cost in time, calls, write units and dollars, next to a naive design.

`python -m bench` measures, `python -m bench.scale` simulates, `python -m bench.cost` counts money.
"""
