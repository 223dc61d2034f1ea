"""``python -m grover_probe.evaluate``."""

from grover_probe.command import run
from grover_probe.evaluate.command import app

if __name__ == "__main__":
    run(app, prog="python -m grover_probe.evaluate")
