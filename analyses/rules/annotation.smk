# Tokens as such, and where on the genome they lie.


rule vocabulary:
    input:
        ancient(S.fetched),
        S.tracked(S.genome, *S.annotation_files(*S["vocabulary"]["annotation"])),
        S.tokenizer_files,
    output:
        S.at("vocabulary", "vocabulary.run.json"),
    log:
        S.at("logs", "vocabulary.log"),
    benchmark:
        S.at("benchmarks", "vocabulary.tsv")
    threads: NEED["vocabulary"].threads
    resources:
        **NEED["vocabulary"].resources(),
    params:
        words=[
            *words({"tokenizer": S.tokenizer, "genome": S.genome}),
            *repeated("--annotation", [S.annotation(name) for name in S["vocabulary"]["annotation"]]),
            *S.options("vocabulary"),
        ],
        out=folder,
    shell:
        "python -m grover_probe.vocabulary {params.words:q} --no-progress --out {params.out:q} &> {log:q}"


rule diagnose:
    input:
        ancient(S.fetched),
        S.tracked(S.genome),
        S.tokenizer_files,
    output:
        S.at("diagnose", "diagnostics.run.json"),
    log:
        S.at("logs", "diagnose.log"),
    benchmark:
        S.at("benchmarks", "diagnose.tsv")
    threads: NEED["diagnose"].threads
    resources:
        **NEED["diagnose"].resources(),
    params:
        words=[*words({"tokenizer": S.tokenizer, "genome": S.genome}), *S.options("diagnose")],
        out=folder,
    shell:
        "python -m grover_probe.vocabulary diagnose {params.words:q} --no-progress --out {params.out:q} &> {log:q}"


rule overlap:
    input:
        ancient(S.fetched),
        S.tracked(S.genome, *S.annotation_files(*S["overlap"]["annotation"])),
        S.tokenizer_files,
    output:
        S.at("overlap", "overlap.run.json"),
        S.at("overlap", "tokens.parquet"),
    log:
        S.at("logs", "overlap.log"),
    benchmark:
        S.at("benchmarks", "overlap.tsv")
    threads: NEED["overlap"].threads
    resources:
        **NEED["overlap"].resources(),
    params:
        words=[
            *words({"tokenizer": S.tokenizer, "genome": S.genome}),
            *repeated("--annotation", S.labelled(S["overlap"]["annotation"])),
            *S.options("overlap"),
        ],
        out=folder,
    shell:
        "python -m grover_probe.overlap {params.words:q} --no-progress --out {params.out:q} &> {log:q}"


rule region:
    input:
        ancient(S.fetched),
        S.tracked(S.genome, *S.annotation_files(*S["region"]["annotation"])),
        S.model_files,
    output:
        S.at("region", "region.run.json"),
    log:
        S.at("logs", "region.log"),
    benchmark:
        S.at("benchmarks", "region.tsv")
    threads: NEED["region"].threads
    resources:
        **NEED["region"].resources(),
    params:
        words=[
            *words({"model": S.model, "genome": S.genome}),
            *repeated("--annotation", S.labelled(S["region"]["annotation"])),
            *S.options("region"),
        ],
        out=folder,
    shell:
        "python -m grover_probe.evaluate region {params.words:q} --no-progress --out {params.out:q} &> {log:q}"
