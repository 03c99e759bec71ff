"""Many random steps of people, one after the other: how long, and the same ones at each run of the suite."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

STEPS_EACH = 30


def run_steps(machine: type[RuleBasedStateMachine], steps: int, **given: Any) -> None:
    """So many, or STEPS of them in a release run; `given` are attributes of the machine."""
    steps = int(os.environ.get("STEPS", steps))
    run_state_machine_as_test(
        type("Machine", (machine,), given),
        settings=settings(
            max_examples=max(1, steps // STEPS_EACH),
            stateful_step_count=STEPS_EACH,
            deadline=None,
            # The same steps at each run, but in a release run.
            derandomize="STEPS" not in os.environ,
            # Made smaller, a failure would take minutes; the steps are printed as they are.
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
