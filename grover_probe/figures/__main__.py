"""``python -m grover_probe.figures``."""

from grover_probe.command import run
from grover_probe.figures.command import app

run(app, prog="python -m grover_probe.figures")
