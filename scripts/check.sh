#!/usr/bin/env bash
# `make check`: everything that can be seen without running the tests. Goes on after a failure and tells all of them.
set -uo pipefail
cd "$(dirname "$0")/.."

data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
# Nothing of the developer's own settings: a folder that goes again, and production's values.
production=(env -i "PATH=$PATH" "HOME=$data" ENV_FILE=/dev/null "DATA_DIR=$data" DEBUG=false
  ALLOWED_HOSTS=crm.example.com PUBLIC_BASE_URL=https://crm.example.com)
while read -r line; do production+=("$line"); done < <("$BIN/python" scripts/make_keys.py)
manage=("${production[@]}" "$BIN/python" manage.py)

failed=()
step() {
  local name=$1 output begun=$SECONDS
  shift
  if output=$("$@" 2>&1); then
    printf 'ok      %s (%s s)\n' "$name" $((SECONDS - begun))
  else
    printf 'FAILED  %s\n%s\n' "$name" "$output"
    failed+=("$name")
  fi
}

step "format" "$BIN/ruff" format --check $CODE
step "lint" "$BIN/ruff" check $CODE
step "types" "${production[@]}" "$BIN/mypy" --cache-dir .mypy_cache $OURS tests bench
step "imports" "$BIN/lint-imports"
step "migrations are made" "${manage[@]}" makemigrations --check --dry-run
step "migrations are safe" env -u DATABASE_URL -u REDIS_URL bash scripts/check_migrations.sh
step "templates: format" "$BIN/djade" --target-version 5.2 --check $(git ls-files 'templates/*.html')
step "templates: lint" "$BIN/djlint" templates --lint --quiet
step "templates compile" "$BIN/python" -m pytest -q tests/architecture/test_templates.py
step "production settings" "${manage[@]}" check --deploy --fail-level WARNING
step "API schema" "${manage[@]}" spectacular --validate --fail-on-warn --file /dev/null
step "compose file" "$BIN/python" -m pytest -q tests/architecture/test_compose.py

if [ ${#failed[@]} -gt 0 ]; then
  printf '\n%s failed: %s\n' "${#failed[@]}" "$(IFS=,; echo "${failed[*]}")"
  exit 1
fi
