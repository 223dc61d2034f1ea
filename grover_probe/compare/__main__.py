"""``python -m grover_probe.compare``."""

from grover_probe.command import run
from grover_probe.compare.command import app

if __name__ == "__main__":
    run(app, prog="python -m grover_probe.compare")
