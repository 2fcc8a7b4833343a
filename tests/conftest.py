"""No test sees the caller's project or store."""

from __future__ import annotations

import os

for _name in ("RISKENGINE_STORE", "RISKENGINE_PROJECT", "RISKENGINE_PERSONAL_KEY"):
    os.environ.pop(_name, None)
