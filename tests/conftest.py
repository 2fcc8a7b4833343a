"""No test sees the caller's project or store."""

from __future__ import annotations

import os

for _name in ("RISKENGINE_STORE", "RISKENGINE_PROJECT"):
    os.environ.pop(_name, None)
