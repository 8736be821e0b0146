#!/usr/bin/env bash
# Shares and recall beside PostgreSQL: the same graph, edges indexed both ways, asked for the same lots in one run,
# ours and theirs in turn. A turn asks three times, so that neither side meets cold caches, and counts the fastest;
# the table has the medians of the turns. Two ways to ask PostgreSQL: the edges fetched by a recursive CTE
# (neither their transfer nor the computing afterwards is counted, which favours PostgreSQL), and everything in SQL
# (a recursive CTE that carries shares: it follows every path by itself, so only small answers come back in time).
# Usage: tests/bench/postgres_graph.sh [lots [rounds]]. ORE_BENCH_BIN: the bench as a built program.
# Needs an installed server (initdb, pg_ctl, psql); without one it says so and ends with 0.
set -euo pipefail

lots=${1:-1000000}
rounds=${2:-7}
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)
if [ -z "$bin" ]; then echo "skipped: no PostgreSQL server is installed"; exit 0; fi
root=$(cd "$(dirname "$0")/../.." && pwd)

dir=$(mktemp -d)
owner=$(id -un)
if [ "$(id -u)" = 0 ]; then owner=postgres; chown postgres "$dir"; fi
as() { if [ "$(id -u)" = 0 ]; then su "$owner" -s /bin/bash -c "$*"; else bash -c "$*"; fi; }
stop() {
  exec 3>&- 4>&- 2>/dev/null || true
  as "$bin/pg_ctl -D $dir/data -m immediate stop" >/dev/null 2>&1 || true
  rm -rf "$dir"
}
trap stop EXIT

# Our side tells its story, writes the graph down, and then answers one question a line.
mkfifo "$dir/questions" "$dir/answers"
ours() { if [ -n "${ORE_BENCH_BIN:-}" ]; then "$ORE_BENCH_BIN" --bench none; else cargo bench -q -p ore-generate --bench audit; fi; }
(cd "$root" && ORE_BENCH_LOTS=$lots ORE_BENCH_ASK=none ORE_BENCH_DUMP=$dir ours <"$dir/questions" >"$dir/answers") &
exec 3>"$dir/questions" 4<"$dir/answers"
until read -r line <&4 && [ "$line" = ready ]; do :; done
chmod a+r "$dir/edges.csv"

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

# A turn of theirs in microseconds, by the clock of one session; nothing when it ran out of time.
theirs() {
  printf "set statement_timeout = '10s';\n\\\\timing on\n%s\n%s\n%s\n" "$1" "$1" "$1" > "$dir/ask.sql"
  chmod a+r "$dir/ask.sql"
  sql -f "$dir/ask.sql" 2>"$dir/said" | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | awk '{ printf "%.0f\n", $1 * 1000 }' > "$dir/turn"
  if ! grep -q ERROR "$dir/said"; then sort -n "$dir/turn" | head -n 1; fi
}
# A turn of ours in nanoseconds.
ours_once() { for _ in 1 2 3; do echo "$1" >&3; read -r ns <&4; echo "$ns"; done | sort -n | head -n 1; }
median() { sort -n | awk '{ all[NR] = $1 } END { if (NR) print all[int((NR + 1) / 2)] }'; }

printf '%9s %-8s %8s %14s %14s %9s %14s %9s\n' lots walk met 'ours us' 'fetched us' times 'all in SQL us' times
while read -r way lot met; do
  if [ "$way" = back ]; then from=child; to=parent; else from=parent; to=child; fi
  fetch="with recursive met(lot) as (select $lot union select e.$to from edge e join met on e.$from = met.lot) select count(*), sum(e.share) from met join edge e on e.$from = met.lot;"
  paths="with recursive walk(lot, share) as (select $lot, 1::float8 union all select e.$to, walk.share * e.share from edge e join walk on e.$from = walk.lot where walk.share > 1e-9) select count(*) from (select lot, sum(share) from walk group by lot) as lots;"
  : > "$dir/us"; : > "$dir/fetched"; : > "$dir/all"
  for _ in $(seq "$rounds"); do
    ours_once "$way $lot" >> "$dir/us"
    theirs "$fetch" >> "$dir/fetched"
    if [ "$met" -le 2000 ]; then theirs "$paths" >> "$dir/all"; fi
  done
  awk -v lots="$lots" -v way="$way" -v met="$met" -v ns="$(median < "$dir/us")" -v fetched="$(median < "$dir/fetched")" \
    -v all="$(median < "$dir/all")" 'BEGIN {
      us = ns / 1000
      printf "%9d %-8s %8d %14.1f %14.0f %9.1f", lots, way, met, us, fetched, fetched / us
      if (all != "") printf " %14.0f %9.1f\n", all, all / us; else print "              -         -"
    }'
done < "$dir/asked.txt"
