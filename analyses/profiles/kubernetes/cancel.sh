#!/bin/sh
# Deletes the Jobs that are named; Snakemake calls it after Ctrl-C.
exec kubectl delete jobs --ignore-not-found --wait=false "$@"
