"""``python -m grover_probe.nextkmer``."""

from grover_probe.command import run
from grover_probe.nextkmer.command import app

if __name__ == "__main__":
    run(app, "python -m grover_probe.nextkmer")
