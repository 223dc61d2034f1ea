# Choosing a vocabulary: a model for each, asked for the next k bases and for masked tokens.

TRAINED = [name for name, is_here in S.is_trained_here.items() if is_here]
SEEDS = {
    **{name: [0] for name in S.systems},
    **{name: S["nextkmer"]["train_seeds"] for name in TRAINED},
}


rule nextkmer_cell:
    # A stopped cell goes on from nextkmer/models/NAME/states.
    input:
        ancient(S.fetched),
        S.tracked(*S.sweep_genomes, *S.sweep_files),
    output:
        touch(S.at("nextkmer", "done", "{system}-seed{seed}")),
    log:
        S.at("logs", "nextkmer-{system}-seed{seed}.log"),
    benchmark:
        S.at("benchmarks", "nextkmer-{system}-seed{seed}.tsv")
    threads: NEED["nextkmer_cell"].threads
    resources:
        **NEED["nextkmer_cell"].resources(),
    params:
        words=lambda wildcards: [
            *words({"system": S.systems[wildcards.system], "train_seed": wildcards.seed}),
            *words({"genome": S.sweep_genomes}),
            *S.options("nextkmer"),
        ],
        out=lambda wildcards, output: str(Path(output[0]).parents[1]),
    shell:
        "python -m grover_probe.nextkmer cell {params.words:q} --threads {threads} --no-progress --out {params.out:q} "
        "&> {log:q}"


rule nextkmer_sweep:
    input:
        ancient(S.fetched),
        S.tracked(*S.sweep_genomes),
        [
            S.at("nextkmer", "done", f"{system}-seed{seed}")
            for system in S.systems
            for seed in SEEDS[system]
        ],
    output:
        S.at("nextkmer", "nextkmer.run.json"),
    log:
        S.at("logs", "nextkmer.log"),
    benchmark:
        S.at("benchmarks", "nextkmer.tsv")
    threads: NEED["nextkmer_sweep"].threads
    resources:
        **NEED["nextkmer_sweep"].resources(),
    params:
        words=[
            *words({"genome": S.sweep_genomes}),
            *S.sweep_words(),
            *S.options("nextkmer"),
            *words(S.resolve(S["nextkmer"].get("choice"))),
        ],
        out=folder,
    shell:
        "python -m grover_probe.nextkmer sweep {params.words:q} --threads {threads} --no-progress --out {params.out:q} "
        "&> {log:q}"


rule evaluate:
    input:
        ancient(S.fetched),
        S.tracked(S.genome),
        S.model_files,
    output:
        S.at("evaluate", "checkpoint", "evaluate.run.json"),
    log:
        S.at("logs", "evaluate-checkpoint.log"),
    benchmark:
        S.at("benchmarks", "evaluate-checkpoint.tsv")
    threads: NEED["evaluate"].threads
    resources:
        **NEED["evaluate"].resources(),
    params:
        words=[
            *words({"model": S.model, "genome": S.genome}),
            *words(S.resolve({"train_genome": S["evaluate"].get("train_genome")})),
            *S.options("evaluate"),
        ],
        out=folder,
    shell:
        "python -m grover_probe.evaluate {params.words:q} --no-progress --out {params.out:q} &> {log:q}"


rule evaluate_sweep:
    # Models of the sweep, on the same sequence; their n-grams are counted where they were trained.
    input:
        ancient(S.fetched),
        S.tracked(S.genome),
        sweep=S.at("nextkmer", "nextkmer.run.json"),
    output:
        S.at("evaluate", "{system}", "evaluate.run.json"),
    log:
        S.at("logs", "evaluate-{system}.log"),
    benchmark:
        S.at("benchmarks", "evaluate-{system}.tsv")
    wildcard_constraints:
        system="|".join(TRAINED),
    threads: NEED["evaluate_sweep"].threads
    resources:
        **NEED["evaluate_sweep"].resources(),
    params:
        script=S.source("analyses/sweep_model.py"),
        sweep=lambda wildcards, input: str(Path(input.sweep).parent),
        words=[
            *words({"genome": S.genome}),
            *words({"train_genome": S.sweep_genomes}),
            *S.options("evaluate"),
        ],
        out=folder,
    shell:
        "model=$(python {params.script:q} --sweep {params.sweep:q} --system {wildcards.system:q} 2> {log:q})\n"
        'python -m grover_probe.evaluate --model "$model" {params.words:q} --no-progress --out {params.out:q} '
        "&>> {log:q}"
