# What can be read from the embeddings of tokens, of windows and of the token at a position.


if config.get("positions"):

    rule positions:
        input:
            ancient(S.fetched),
            S.tracked(S.genome),
        output:
            multiext(S.at("positions", ""), "stretches.bed", "positions.bed"),
        log:
            S.at("logs", "positions.log"),
        threads: NEED["positions"].threads
        resources:
            **NEED["positions"].resources(),
        params:
            script=S.source("analyses/draw_positions.py"),
            words=[*words({"genome": S.genome}), *S.options("positions")],
            out=folder,
        shell:
            "python {params.script:q} {params.words:q} --out {params.out:q} &> {log:q}"

    rule extract_positions:
        input:
            ancient(S.fetched),
            S.tracked(S.genome),
            lambda wildcards: S.control_files(wildcards.which),
            S.tokenizer_files,
            stretches=S.at("positions", "stretches.bed"),
            positions=S.at("positions", "positions.bed"),
        output:
            S.at("pass-positions{which}", "extract.run.json"),
        log:
            S.at("logs", "pass-positions{which}.log"),
        benchmark:
            S.at("benchmarks", "pass-positions{which}.tsv")
        threads: NEED["extract_positions"].threads
        resources:
            **NEED["extract_positions"].resources(),
        params:
            words=lambda wildcards: [
                *words({"model": S.control_model(wildcards.which), "genome": S.genome}),
                *words(S.resolve(S["positions"]["pass"]["options"])),
            ],
            out=folder,
        shell:
            "python -m grover_probe.extract {params.words:q} --regions {input.stretches:q} --bed {input.positions:q} "
            "--no-progress --out {params.out:q} &> {log:q}"


rule probes:
    # A stopped run goes on from cells in its folder.
    input:
        ancient(S.fetched),
        lambda wildcards: S.tracked(S.genome, *S.annotation_files(*S.probed(wildcards.probes))),
        lambda wildcards: [f"{name}/extract.run.json" for name in S.probed_passes(wildcards.probes).values()],
        S.tokenizer_files,
        overlap=S.at("overlap", "tokens.parquet"),
    output:
        S.at("{probes}", "probes.run.json"),
    log:
        S.at("logs", "{probes}.log"),
    benchmark:
        S.at("benchmarks", "{probes}.tsv")
    wildcard_constraints:
        probes="|".join(S["probes"]),
    threads: NEED["probes"].threads
    resources:
        **NEED["probes"].resources(),
    params:
        words=lambda wildcards: [
            *words(S.probed_passes(wildcards.probes)),
            *words({"genome": S.genome, "tokenizer": S.tokenizer}),
            *S.probe_words(wildcards.probes),
            *S.options("probes", wildcards.probes),
        ],
        out=folder,
    shell:
        "python -m grover_probe.probes {params.words:q} --overlap {input.overlap:q} --no-progress --out {params.out:q} "
        "&> {log:q}"
