# Files that everything else reads: fetched by manifest, selected, trained.


rule fetch:
    # Verified files of the data cache. Ancient everywhere: their content is fixed by checksum, so their age says nothing.
    output:
        S.at("inputs.tsv"),
    log:
        S.at("logs", "fetch.log"),
    threads: NEED["fetch"].threads
    resources:
        **NEED["fetch"].resources(),
    params:
        ids=S.config.get("fetch") or [],
    shell:
        "python -m grover_probe.data fetch --no-progress {params.ids:q} > {output:q} 2> {log:q}"


rule genome:
    input:
        ancient(S.fetched),
        S.tracked(S.source(S["genome"]["file"])),
    output:
        S.at("genome", f"{S['name']}.2bit"),
    log:
        S.at("logs", "genome.log"),
    threads: NEED["genome"].threads
    resources:
        **NEED["genome"].resources(),
    params:
        script=S.source("analyses/select_chromosomes.py"),
        words=[
            *words({"genome": S.source(S["genome"]["file"])}),
            *repeated("--chromosome", S["genome"].get("chromosomes") or []),
        ],
    shell:
        "python {params.script:q} {params.words:q} --out {output:q} &> {log:q}"


if config.get("make_annotation"):

    rule annotation:
        # The script of the profile writes BED files under the names of its `makes`.
        input:
            ancient(S.fetched),
        output:
            expand(S.at("annotation", "{file}"), file=S["make_annotation"]["makes"]),
        log:
            S.at("logs", "annotation.log"),
        threads: NEED["annotation"].threads
        resources:
            **NEED["annotation"].resources(),
        params:
            script=S.source(S["make_annotation"]["script"]),
            out=folder,
            words=S.options("make_annotation"),
        shell:
            "python {params.script:q} {params.words:q} --out {params.out:q} &> {log:q}"


rule tokenizer:
    input:
        ancient(S.fetched),
        S.tracked(S.genome),
    output:
        S.at("tokenizer", "tokenizer.json"),
        S.at("tokenizer", "tokenizer.run.json"),
    log:
        S.at("logs", "tokenizer.log"),
    benchmark:
        S.at("benchmarks", "tokenizer.tsv")
    threads: NEED["tokenizer"].threads
    resources:
        **NEED["tokenizer"].resources(),
    params:
        words=[*words({"genome": S.genome}), *S.options("bpe")],
        out=folder,
    shell:
        "python -m grover_probe.bpe train {params.words:q} --threads {threads} --no-progress --out {params.out:q} "
        "&> {log:q}"


rule pretrain:
    input:
        ancient(S.fetched),
        S.tracked(S.genome),
        S.tokenizer_files,
    output:
        S.at("pretrain", "checkpoint", "config.json"),
        S.at("pretrain", "checkpoint", "model.safetensors"),
    log:
        S.at("logs", "pretrain.log"),
    benchmark:
        S.at("benchmarks", "pretrain.tsv")
    threads: NEED["pretrain"].threads
    resources:
        **NEED["pretrain"].resources(),
    params:
        launch=S.launch("pretrain"),
        words=[*words({"genome": S.genome, "tokenizer": S.tokenizer}), *S.options("pretrain")],
        out=lambda wildcards, output: str(Path(output[0]).parents[1]),
    shell:
        "{params.launch:q} -m grover_probe.pretrain {params.words:q} --no-progress --out {params.out:q} &> {log:q}"


rule untrained:
    # The controls: the model as its training began, and random weights of its shape.
    input:
        S.model_files,
    output:
        S.at("{start}", "config.json"),
        S.at("{start}", "model.safetensors"),
    log:
        S.at("logs", "untrained-{start}.log"),
    benchmark:
        S.at("benchmarks", "untrained-{start}.tsv")
    threads: NEED["untrained"].threads
    resources:
        **NEED["untrained"].resources(),
    params:
        words=lambda wildcards: [*words({"model": S.model, "start": wildcards.start}), *S.options("untrained")],
        out=folder,
    shell:
        "python -m grover_probe.untrained {params.words:q} --out {params.out:q} &> {log:q}"
