#!/bin/sh
# The tests of the token atlas open it in a real browser. Installs Chromium with apt when root; otherwise those tests skip.
set -eu
for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing chromium with apt-get" >&2
    apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null && exit 0
fi
echo "no Chromium: the tests of the token atlas will be skipped (sudo apt-get install chromium)" >&2
