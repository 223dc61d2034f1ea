"""``python -m grover_probe.predict``."""

from grover_probe.command import run
from grover_probe.predict.command import app

if __name__ == "__main__":
    run(app, prog="python -m grover_probe.predict")
