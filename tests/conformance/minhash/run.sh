#!/usr/bin/env bash
# Compares our signatures with those of the tools whose profiles we have, document by document:
#   tests/conformance/minhash/run.sh PROFILES LANGS FILE.jsonl.zst...
# PROFILES are one or more of `datatrove`, `fineweb`, `data-juicer`, `text-dedup`, `redpajama`, `slimpajama`,
# `nemo-curator`, with commas. LANGS selects rows by their `lang`: one or more with commas, or `all`; `zh`
# has words cut by jieba, any other by spaCy's rules for English. Prints how many signatures are identical,
# and the rate of both per CPU-second of one thread. Exits 1 below 99 %.
# For GOLDEN=FOLDER, writes what the tool answers to `minhash-PROFILE-LANGS.txt` there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" -q install datatrove==0.10.1 'xxhash<4' spacy==3.8.* nltk tldextract ftfy jieba regex zstandard pyyaml tokenizers mmh3==5.3.1
  PYTHON="$work/venv/bin/python"
fi
profiles=$1; langs=$2; shift 2
files=("$@"); for i in "${!files[@]}"; do files[i]=$(realpath "${files[i]}"); done
cd "$root"
cargo build -q --profile bench -p wanjuan-dedup --example sign
binary=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')/release/examples/sign
"$PYTHON" "$here/judge.py" "$binary" "$profiles" "$langs" "${files[@]}"
