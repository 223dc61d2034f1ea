# Drawings, each with its tables and its caption.

# The records that vouch for a folder of results (grover_probe.figures.results.LAYOUT).
RECORDS = {
    "vocabulary": [S.at("vocabulary", "vocabulary.run.json")],
    "diagnose": [S.at("diagnose", "diagnostics.run.json")],
    "pass": expand(S.at("{name}", "extract.run.json"), name=S.passes),
    "selfsim": expand(
        S.at("selfsim{which}", "selfsim.run.json"), which=["", *(f"-{name}" for name in S.controls)]
    ),
    "maps-tokens": [S.at("maps-tokens", "maps.tokens.run.json")],
    "maps-windows": [S.at("maps-windows", "maps.windows.run.json")],
    "overlap": [S.at("overlap", "overlap.run.json")],
    "probes": expand(S.at("{folder}", "probes.run.json"), folder=S["probes"]),
    "nextkmer": [S.at("nextkmer", "nextkmer.run.json")],
    "evaluate": expand(
        S.at("evaluate", "{model}", "evaluate.run.json"), model=["checkpoint", *S["evaluate"]["models_of_sweep"]]
    ),
    "compare": expand(S.at("compare", "{task}", "compare.run.json"), task=S["compare"]["tasks"]),
    "region": [S.at("region", "region.run.json")],
}
# What a figure shows besides, where it is there.
MORE = {
    "figure1": expand(S.at("{start}", "config.json"), start=S.controls),  # the model's shape
}


rule figure:
    input:
        lambda wildcards: [
            *(file for need in FIGURES[wildcards.figure].needs for file in RECORDS[need]),
            *MORE.get(wildcards.figure, []),
        ],
    output:
        png=report(
            f"{S.figures}/{{figure}}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels=lambda wildcards: {"figure": wildcards.figure, "what": FIGURES[wildcards.figure].title},
        ),
        caption=f"{S.figures}/{{figure}}.rst",
        record=f"{S.figures}/{{figure}}.run.json",
        others=multiext(f"{S.figures}/{{figure}}", ".svg", ".pdf"),
    log:
        S.at("logs", "figure-{figure}.log"),
    benchmark:
        S.at("benchmarks", "figure-{figure}.tsv")
    threads: NEED["figure"].threads
    resources:
        **NEED["figure"].resources(),
    params:
        results=S.results,
        out=folder,
    shell:
        "python -m grover_probe.figures {wildcards.figure:q} --results {params.results:q} --no-progress "
        "--out {params.out:q} &> {log:q}"
