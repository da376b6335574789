"""Hypothesis looks at the same examples each time; `HYPOTHESIS_PROFILE=long` at thousands more."""

import os

from hypothesis import HealthCheck, Phase, settings

_COMMON = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=set(Phase) - {Phase.explain},  # it costs more than it tells
)

settings.register_profile("default", parent=_COMMON, max_examples=100, derandomize=True)
settings.register_profile("long", parent=_COMMON, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
