"""How busy this machine is: speed limits are meant for one where nothing else runs."""

import time

SPIN_SECONDS = 0.2


def slowdown() -> float:
    """Return by how much the other programs delay this one: 1.0 on an idle machine."""
    wall, cpu = time.perf_counter(), time.process_time()
    while time.process_time() - cpu < SPIN_SECONDS:
        pass
    return (time.perf_counter() - wall) / (time.process_time() - cpu)
