# What the hidden states of the model and of its controls hold: one pass each, and what is read off the passes.


rule extract:
    # A stopped pass goes on from pass/parts, part by part.
    input:
        ancient(S.fetched),
        S.tracked(S.genome),
        S.model_files,
        S.tokenizer_files,
    output:
        S.at("pass", "extract.run.json"),
    log:
        S.at("logs", "pass.log"),
    benchmark:
        S.at("benchmarks", "pass.tsv")
    threads: NEED["extract"].threads
    resources:
        **NEED["extract"].resources(),
    params:
        launch=S.launch("pass"),
        words=[*words({"model": S.model, "genome": S.genome}), *S.regions, *S.options("pass")],
        out=folder,
    shell:
        "{params.launch:q} -m grover_probe.extract {params.words:q} --no-progress --out {params.out:q} &> {log:q}"


rule extract_control:
    input:
        ancient(S.fetched),
        S.tracked(S.genome),
        S.at("{start}", "config.json"),
    output:
        S.at("pass-{start}", "extract.run.json"),
    log:
        S.at("logs", "pass-{start}.log"),
    benchmark:
        S.at("benchmarks", "pass-{start}.tsv")
    threads: NEED["extract_control"].threads
    resources:
        **NEED["extract_control"].resources(),
    params:
        launch=S.launch("pass"),
        words=lambda wildcards: [
            *words({"model": S.at(wildcards.start), "genome": S.genome}),
            *S.regions,
            *words({**S.resolve(S["pass"]["options"]), **S.resolve(S["control_pass"]["options"])}),
        ],
        out=folder,
    shell:
        "{params.launch:q} -m grover_probe.extract {params.words:q} --no-progress --out {params.out:q} &> {log:q}"


rule selfsim:
    input:
        ancient(S.fetched),
        S.tracked(S.genome, *S.annotation_files(S["selfsim"]["annotation"])),
        S.tokenizer_files,
        done=S.at("pass{which}", "extract.run.json"),
    output:
        S.at("selfsim{which}", "selfsim.run.json"),
        S.at("selfsim{which}", "selfsim.parquet"),
    log:
        S.at("logs", "selfsim{which}.log"),
    benchmark:
        S.at("benchmarks", "selfsim{which}.tsv")
    threads: NEED["selfsim"].threads
    resources:
        **NEED["selfsim"].resources(),
    params:
        words=[
            *words({"genome": S.genome, "tokenizer": S.tokenizer}),
            *S.regions,
            *words({"annotation": S.annotation_file(S["selfsim"]["annotation"])}),
            *S.options("selfsim"),
        ],
        extracted=lambda wildcards, input: str(Path(input.done).parent),
        out=folder,
    shell:
        "python -m grover_probe.selfsim --extracted {params.extracted:q} {params.words:q} --no-progress "
        "--out {params.out:q} &> {log:q}"


rule maps_tokens:
    input:
        ancient(S.fetched),
        S.tracked(S.genome),
        S.model_files,
        S.at("pass", "extract.run.json"),
    output:
        S.at("maps-tokens", "maps.tokens.run.json"),
    log:
        S.at("logs", "maps-tokens.log"),
    benchmark:
        S.at("benchmarks", "maps-tokens.tsv")
    threads: NEED["maps_tokens"].threads
    resources:
        **NEED["maps_tokens"].resources(),
    params:
        words=[
            *words({"extracted": S.at("pass"), "model": S.model, "genome": S.genome}),
            *S.regions,
            *S.options("maps_tokens"),
        ],
        out=folder,
    shell:
        "python -m grover_probe.maps tokens {params.words:q} --no-progress --out {params.out:q} &> {log:q}"


rule maps_windows:
    input:
        ancient(S.fetched),
        S.tracked(S.genome, *S.annotation_files(*S["maps_windows"]["annotation"])),
        S.at("pass", "extract.run.json"),
    output:
        S.at("maps-windows", "maps.windows.run.json"),
    log:
        S.at("logs", "maps-windows.log"),
    benchmark:
        S.at("benchmarks", "maps-windows.tsv")
    threads: NEED["maps_windows"].threads
    resources:
        **NEED["maps_windows"].resources(),
    params:
        words=[
            *words({"extracted": S.at("pass"), "genome": S.genome}),
            *repeated("--annotation", S.labelled(S["maps_windows"]["annotation"])),
            *S.options("maps_windows"),
        ],
        out=folder,
    shell:
        "python -m grover_probe.maps windows {params.words:q} --no-progress --out {params.out:q} &> {log:q}"
