#!/usr/bin/env bash
# Shares and recall beside PostgreSQL: the same graph, edges indexed both ways, asked for the same lots in one run.
# Two ways: everything in SQL (a recursive CTE that carries shares), and the edges fetched by a recursive CTE and the
# shares computed afterwards. Usage: tests/bench/postgres_graph.sh [lots]
# Needs an installed server (initdb, pg_ctl, psql); without one it says so and ends with 0.
set -euo pipefail

lots=${1:-1000000}
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)
if [ -z "$bin" ]; then echo "skipped: no PostgreSQL server is installed"; exit 0; fi
root=$(cd "$(dirname "$0")/../.." && pwd)

dir=$(mktemp -d)
owner=$(id -un)
if [ "$(id -u)" = 0 ]; then owner=postgres; chown postgres "$dir"; fi
as() { if [ "$(id -u)" = 0 ]; then su "$owner" -s /bin/bash -c "$*"; else bash -c "$*"; fi; }
stop() { as "$bin/pg_ctl -D $dir/data -m immediate stop" >/dev/null 2>&1 || true; rm -rf "$dir"; }
trap stop EXIT

(cd "$root" && ORE_BENCH_LOTS=$lots ORE_BENCH_DUMP=$dir cargo bench -q -p ore-generate --bench audit)
chmod a+r "$dir"/edges.csv

as "$bin/initdb -D $dir/data -A trust -E UTF8 --no-locale" >/dev/null
cat >> "$dir/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$dir'
shared_buffers = 1GB
work_mem = 256MB
jit = off
CONF
as "$bin/pg_ctl -D $dir/data -w -l $dir/log start" >/dev/null
sql() { as "psql -h $dir -d postgres -qAtX $*"; }
cat > "$dir/load.sql" <<SQL
create table edge (child int not null, parent int not null, share float8 not null);
copy edge from '$dir/edges.csv' csv;
create index on edge (child) include (parent, share);
create index on edge (parent) include (child, share);
vacuum analyze edge;
SQL
chmod a+r "$dir/load.sql"; sql -f "$dir/load.sql" >/dev/null

# Fastest of five, in microseconds, by the server's own clock.
fastest() {
  printf '\\timing on\n' > "$dir/ask.sql"
  for _ in 1 2 3 4 5; do printf '%s\n' "$1" >> "$dir/ask.sql"; done
  chmod a+r "$dir/ask.sql"
  sql -f "$dir/ask.sql" | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | sort -n | head -n 1
}

echo "direction     lots met      ours us   fetch, then compute       x"
while read -r way lot met ours_ns; do
  if [ "$way" = back ]; then from=child; to=parent; else from=parent; to=child; fi
  fetch="with recursive met(lot) as (select $lot union select e.$to from edge e join met on e.$from = met.lot) select count(*), sum(e.share) from met join edge e on e.$from = met.lot;"
  pg_ms=$(fastest "$fetch")
  python3 - "$way" "$met" "$ours_ns" "$pg_ms" <<'PY'
import sys
way, met, ours, pg = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) / 1e3, float(sys.argv[4]) * 1e3
print(f"{way:9} {met:>12} {ours:>12.1f} {pg:>21.1f} {pg / ours:>7.1f}")
PY
  # A CTE that carries shares follows every path by itself: their number explodes, so only small answers are asked.
  if [ "$met" -le 2000 ]; then
    paths="set statement_timeout = '20s'; with recursive walk(lot, share, depth) as (select $lot, 1::float8, 0 union all select e.$to, walk.share * e.share, depth + 1 from edge e join walk on e.$from = walk.lot where walk.share > 1e-9) select lot, sum(share) from walk group by lot having count(*) > 1000000000;"
    pg_ms=$(fastest "$paths" | head -n 1 || true)
    if [ -n "$pg_ms" ]; then echo "          all in SQL, shares above 1e-9: $pg_ms ms"; else echo "          all in SQL: not within 20 s"; fi
  fi
done < "$dir/asked.txt"
