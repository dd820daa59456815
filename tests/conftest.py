"""What the whole suite shares: `tests` on the path, and Hypothesis that times no busy machine.

The toy machines can be imported as `toys.<name>`. How long a drawn example took says nothing here.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "suite", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("suite")
