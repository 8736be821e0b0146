#!/usr/bin/env bash
# The other side of the comparison: PostgreSQL keeps the same records durably, both directions of the graph indexed.
# It checks no signature and no rule; `oreledger bench` does. Usage: tests/bench/postgres.sh [records]
# Needs an installed server (initdb, pg_ctl, psql, pgbench); without one it says so and ends with 0.
set -euo pipefail

records=${1:-200000}
batch=1000
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)
if [ -z "$bin" ]; then echo "skipped: no PostgreSQL server is installed"; exit 0; fi

dir=$(mktemp -d)
owner=$(id -un)
if [ "$(id -u)" = 0 ]; then owner=postgres; chown postgres "$dir"; fi
as() { if [ "$(id -u)" = 0 ]; then su "$owner" -s /bin/bash -c "$*"; else bash -c "$*"; fi; }
stop() { as "$bin/pg_ctl -D $dir/data -m immediate stop" >/dev/null 2>&1 || true; rm -rf "$dir"; }
trap stop EXIT

as "$bin/initdb -D $dir/data -A trust -E UTF8 --no-locale" >/dev/null
cat >> "$dir/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$dir'
shared_buffers = 1GB
max_wal_size = 8GB
fsync = on
synchronous_commit = on
CONF
as "$bin/pg_ctl -D $dir/data -w -l $dir/log start" >/dev/null
sql() { as "psql -h $dir -d postgres -qAtX $*"; }

sql -c "'create table record (leaf bigserial primary key, id bytea not null unique, body bytea not null);
  create table edge (child bytea not null, parent bytea not null);
  create index on edge (child); create index on edge (parent);'" >/dev/null

# 450 bytes a record, two parents among the last thousand, as the ledger's bench makes them.
python3 - "$records" "$batch" > "$dir/load.sql" <<'PY'
import hashlib, os, sys
records, batch = int(sys.argv[1]), int(sys.argv[2])
ident = lambda n: hashlib.sha256(b"record %d" % n).hexdigest()
out = sys.stdout
for start in range(0, records, batch):
    numbers = range(start, min(start + batch, records))
    out.write("begin;\ncopy record (id, body) from stdin;\n")
    for n in numbers:
        out.write("\\\\x%s\t\\\\x%s\n" % (ident(n), os.urandom(450).hex()))
    out.write("\\.\ncopy edge from stdin;\n")
    for n in numbers:
        for back in (1 + n % 7, 8 + n % 990):
            out.write("\\\\x%s\t\\\\x%s\n" % (ident(n), ident(max(0, n - back))))
    out.write("\\.\ncommit;\n")
PY
chmod a+r "$dir/load.sql"
before=$(date +%s.%N)
sql -f "$dir/load.sql" >/dev/null
after=$(date +%s.%N)
echo "copy, $batch records a transaction: $(echo "$records / ($after - $before)" | bc -l | cut -d. -f1) records/s"
sql -c checkpoint >/dev/null
used=$(du -sb "$dir/data/base/5" 2>/dev/null | cut -f1 || true)
[ -n "$used" ] || used=$(du -sb "$dir/data/base" | cut -f1)
echo "disk: $((used / records)) bytes a record of 450, indexes included, write-ahead log not counted"

cat > "$dir/one.sql" <<'SQL'
\set n random(1, 1000000000)
begin;
insert into record (id, body) values (sha256((:n || clock_timestamp()::text)::bytea), decode(repeat('ab', 450), 'hex'));
insert into edge values (sha256((:n)::text::bytea), sha256((:n + 1)::text::bytea)), (sha256((:n)::text::bytea), sha256((:n + 2)::text::bytea));
commit;
SQL
chmod a+r "$dir/one.sql"
for clients in 1 64; do
  rate=$(as "$bin/pgbench -h $dir -n -M prepared -c $clients -j 2 -T 8 -f $dir/one.sql postgres" 2>/dev/null | sed -n 's/^tps = \([0-9.]*\).*/\1/p')
  echo "one record a transaction, $clients in flight: ${rate%.*} records/s, $(echo "1000000 * $clients / $rate" | bc -l | cut -d. -f1) us each"
done
