#!/usr/bin/env bash
# Writes the locked requirements: every version, every hash, for every system, and no index's address.
set -euo pipefail
cd "$(dirname "$0")/.."
compile=("$BIN/uv" pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url
  --no-emit-find-links --no-header --no-annotate --quiet)
"${compile[@]}" requirements.in -o requirements.txt "$@"
"${compile[@]}" requirements-dev.in -c requirements.txt -o requirements-dev.txt "$@"
