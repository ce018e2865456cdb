"""`python -m dashlight`."""

from __future__ import annotations

import sys

from dashlight.cli import main

sys.exit(main())
