"""The full profile: python -m tests.faults."""

import sys

from tests.faults.full_profile import main

sys.exit(main())
