"""What an operator does about dead letters and quarantined events, from any machine.

Nothing here prints content, addresses or numbers: queue messages carry ids, and what may carry
more (the raw events) is shown by its size and digest.
"""
