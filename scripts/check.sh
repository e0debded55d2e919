#!/usr/bin/env bash
# `make check`: everything that can be seen without running the tests. Two steps at a time; goes on after a failure and
# reports all of them. CHECK_CACHE names the folder in which mypy keeps what it knows from one run to the next.
set -uo pipefail
cd "$(dirname "$0")/.."

data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
# Nothing of the developer's own settings: a folder that goes again, and production's values.
production=(env -i "PATH=$PATH" "HOME=$data" ENV_FILE=/dev/null "DATA_DIR=$data" DEBUG=false
  ALLOWED_HOSTS=crm.example.com PUBLIC_BASE_URL=https://crm.example.com)
while read -r line; do production+=("$line"); done < <("$BIN/python" scripts/make_keys.py)
manage=("${production[@]}" "$BIN/python" manage.py)
AT_ONCE=2

names=()
# step <name> <command…>: start it as soon as fewer than AT_ONCE others run.
step() {
  local name=$1 number=${#names[@]}
  shift
  names+=("$name")
  while [ "$(jobs -rp | wc -l)" -ge "$AT_ONCE" ]; do wait -n || true; done
  (
    begun=$SECONDS
    "$@" >"$data/output.$number" 2>&1
    echo "$? $((SECONDS - begun))" >"$data/outcome.$number"
  ) &
}

# The longest first, so that the others fill the time beside it.
step "types" "${production[@]}" "$BIN/mypy" --cache-dir "${CHECK_CACHE:-.}/.mypy_cache" $OURS tests bench
step "format" "$BIN/ruff" format --check $CODE
step "lint" "$BIN/ruff" check $CODE
step "imports" "$BIN/lint-imports"
step "templates: lint" "$BIN/djlint" templates --lint --quiet
step "templates: format" "$BIN/djade" --target-version 5.2 --check $(git ls-files 'templates/*.html')
step "migrations are made" "${manage[@]}" makemigrations --check --dry-run
step "migrations are safe" env -u DATABASE_URL -u REDIS_URL bash scripts/check_migrations.sh
step "templates compile; compose file" "$BIN/python" -m pytest -q tests/architecture/test_templates.py tests/architecture/test_compose.py
step "production settings" "${manage[@]}" check --deploy --fail-level WARNING
step "API schema" "${manage[@]}" spectacular --validate --fail-on-warn --file /dev/null
wait

failed=()
for number in "${!names[@]}"; do
  # A step that left no outcome did not run to its end.
  read -r code seconds <"$data/outcome.$number" 2>/dev/null || { code=1 seconds="?"; }
  if [ "$code" = 0 ]; then
    printf 'ok      %s (%s s)\n' "${names[$number]}" "$seconds"
  else
    printf 'FAILED  %s (%s s)\n%s\n' "${names[$number]}" "$seconds" "$(cat "$data/output.$number" 2>/dev/null)"
    failed+=("${names[$number]}")
  fi
done
if [ ${#failed[@]} -gt 0 ]; then
  printf '\n%s failed: %s\n' "${#failed[@]}" "$(IFS=,; echo "${failed[*]}")"
  exit 1
fi
