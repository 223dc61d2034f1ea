"""What can be read from embeddings, beside controls; on the command line ``python -m grover_probe.probes``.

From Python: targets and features of your own make a `run.Level`, `run.run_level` fills its cells and
`table.probe_table` compares them (docs/probes.md has an example).
"""
