"""``python -m grover_probe.extract``, also under torchrun."""

from grover_probe.command import run
from grover_probe.extract.command import app

if __name__ == "__main__":
    run(app, prog="python -m grover_probe.extract")
