#!/usr/bin/env bash
# Trains classifiers with the C++ library and with us, side by side, on files of its format:
#   tests/conformance/fasttext/train.sh LEARNED HELD_OUT epoch=5 lr=0.5 wordNgrams=2 dim=100
# or writes what the C++ library answers for models of ours:
#   tests/conformance/fasttext/train.sh --golden models/fasttext/golden/train.txt > models/fasttext/golden/trained.expected.json
source "$(dirname "$0")/../common.sh"
packages fasttext-wheel==0.9.2 'numpy<2'
arguments=()
for argument in "$@"; do
  if [ -f "$argument" ]; then argument=$(realpath "$argument"); fi
  arguments+=("$argument")
done
example wanjuan-models fasttext_train
"$PYTHON" "$here/train.py" "$BINARY" "$work" "${arguments[@]}"
