# What the scripts here share; sourced, not run.
#
# PYTHON   an interpreter that has the judge's packages, instead of a new environment
# PEER     a folder with the judge's sources or its unpacked wheel, instead of what is cloned or fetched
# BINARY   our side, built already, instead of building it
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Packages of Python, as pip writes them.
packages() {
  [ -n "${PYTHON:-}" ] && return
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" -q install "$@"
  PYTHON="$work/venv/bin/python"
}

# A repository on GitHub at a commit.
sources() {
  [ -n "${PEER:-}" ] && return
  PEER="$work/peer"
  git clone -q --filter=blob:none "https://github.com/$1" "$PEER"
  git -C "$PEER" checkout -q "$2"
}

# A package whose files are all that is asked for; what it depends on is large.
wheel() {
  [ -n "${PEER:-}" ] && return
  PEER="$work/peer"
  "$PYTHON" -m pip -q install --no-deps --target "$PEER" "$@"
}

target() {
  cargo metadata --format-version 1 --no-deps | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])'
}

# An example of a crate of ours.
example() {
  [ -n "${BINARY:-}" ] && return
  cd "$root"
  cargo build -q --profile bench -p "$1" --example "$2"
  BINARY=$(target)/release/examples/$2
}

# Files as they are found from anywhere.
paths() {
  files=()
  for file in "$@"; do files+=("$(realpath "$file")"); done
}
