"""What an operator does about dead letters and quarantined events, from any machine.

Nothing here prints content, addresses or numbers: queue messages carry ids, and what may carry
more (the raw events) is shown by its size and digest.
"""

import sys
from pathlib import Path

# In the distribution this folder and the functions' code are inside `fallback_messaging`; both
# import each other by the names that they have in the repository, and in Lambda's archive.
if __name__ != "operations":
    sys.path.append(str(Path(__file__).resolve().parents[1]))
