#!/usr/bin/env bash
# Compares `url_lists@datatrove` with datatrove's URLFilter, URL by URL:
#   tests/conformance/datatrove/url.sh DOMAINS URLS FILE...
# DOMAINS and URLS are lists to block, as in the package's assets/url_filterblacklistsv0_3_0.tar.gz; of
# FILEs, plain or .zst, every URL in the text is judged. Exits 1 below 99.5 % agreement.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" -q install datatrove==0.10.1 tldextract==5.4.0 pyahocorasick fasteners zstandard
  PYTHON="$work/venv/bin/python"
fi
files=("$@"); for i in "${!files[@]}"; do files[i]=$(realpath "${files[i]}"); done
cd "$root"
cargo build -q --profile bench -p wanjuan-filters --example judge_urls
binary=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')/release/examples/judge_urls
"$PYTHON" "$here/url.py" "$binary" "${files[@]}"
