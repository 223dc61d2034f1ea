#!/bin/sh
# Makes sure that bedtools is there (pybedtools calls it): installs it with apt when root, otherwise says how.
set -eu
command -v bedtools >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing bedtools with apt-get" >&2
    apt-get update -qq && apt-get install -y -qq bedtools >/dev/null
    command -v bedtools >/dev/null 2>&1 && exit 0
fi
echo "error: bedtools is not installed; install it with one of: sudo apt-get install bedtools |" \
    "conda install -c bioconda bedtools | brew install bedtools" >&2
exit 2
