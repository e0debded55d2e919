#!/usr/bin/env bash
# Whether migrations are safe on a live table, by the SQL that the database named in DATABASE_URL would be given.
set -euo pipefail
cd "$(dirname "$0")/.."
export DEBUG=true ENV_FILE=/dev/null EXTRA_APPS=django_migration_linter DATA_DIR
DATA_DIR=$(mktemp -d)
trap 'rm -rf "$DATA_DIR"' EXIT
# SQLite makes a table anew for every column: a NOT NULL or a unique index in its SQL says nothing. PostgreSQL's SQL is
# checked for them.
without=()
if [[ ${DATABASE_URL:-} != postgres* ]]; then without=(--exclude-migration-tests NOT_NULL ADD_UNIQUE); fi
"${BIN:-.venv/bin}/python" manage.py lintmigrations --quiet ok ignore --ignore-initial-migrations --no-cache \
  --project-root-path . --include-apps activity accounts customers messaging "${without[@]}"
