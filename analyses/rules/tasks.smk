# The fine-tuning tasks: data sets, and every system on each.


rule task:
    input:
        ancient(S.fetched),
        lambda wildcards: S.tracked(*S.task_files(wildcards.task)),
    output:
        S.at("tasks", "{task}", "data.run.json"),
        S.at("tasks", "{task}", "data.tsv"),
    log:
        S.at("logs", "task-{task}.log"),
    benchmark:
        S.at("benchmarks", "task-{task}.tsv")
    threads: NEED["task"].threads
    resources:
        **NEED["task"].resources(),
    params:
        kind=lambda wildcards: S["tasks"][wildcards.task]["task"],
        words=lambda wildcards: S.task_words(wildcards.task),
        out=folder,
    shell:
        "python -m grover_probe.tasks {params.kind:q} {params.words:q} --out {params.out:q} &> {log:q}"


rule compare:
    # A stopped comparison goes on from compare/TASK/cells.
    input:
        ancient(S.fetched),
        S.model_files,
        [S.at("nextkmer", "nextkmer.run.json")] if S["compare"]["models_of_sweep"] else [],
        task=S.at("tasks", "{task}", "data.run.json"),
    output:
        S.at("compare", "{task}", "compare.run.json"),
    log:
        S.at("logs", "compare-{task}.log"),
    benchmark:
        S.at("benchmarks", "compare-{task}.tsv")
    threads: NEED["compare"].threads
    resources:
        **NEED["compare"].resources(),
    params:
        script=S.source("analyses/sweep_model.py"),
        sweep=lambda wildcards: S.at("nextkmer"),
        swept=S["compare"]["models_of_sweep"],
        task=lambda wildcards, input: str(Path(input.task).parent),
        words=lambda wildcards: S.compare_words(wildcards.task),
        out=folder,
    shell:
        "models=()\n"
        "for system in {params.swept:q}; do\n"
        '    folder=$(python {params.script:q} --sweep {params.sweep:q} --system "$system" 2> {log:q})\n'
        '    models+=(--model "$system=$folder")\n'
        "done\n"
        'python -m grover_probe.compare --task {params.task:q} {params.words:q} "${{models[@]}}" --threads {threads} '
        "--no-progress --out {params.out:q} &>> {log:q}"
