"""Asks DuckDB who had an endpoint at a time: over compressed lines, and over Parquet made of them."""
import json, resource, sys, time
import duckdb

lines, parquet, asked = sys.argv[1], sys.argv[2], json.load(open(sys.argv[3]))
duckdb.execute("SET enable_progress_bar = false; SET threads = 1; SET memory_limit = '2GB'; SET preserve_insertion_order = false")
duckdb.execute(f"SET temp_directory = '{parquet}.tmp'")
columns = "{s: 'BIGINT', d: 'BIGINT', c: 'VARCHAR', x: 'VARCHAR', r: 'VARCHAR', id: 'UUID', sb: 'BIGINT', rb: 'BIGINT', e: 'VARCHAR'}"
read = f"read_json('{lines}', format = 'newline_delimited', compression = 'zstd', columns = {columns})"


def ask(table, questions):
    took = []
    for endpoint, at in questions:
        begun = time.perf_counter()
        found = duckdb.execute(f"SELECT * FROM {table} WHERE x = ? AND s <= ? AND s + d >= ?", [endpoint, at, at]).fetchall()
        took.append((time.perf_counter() - begun) * 1e3)
        assert found, endpoint
    return {"ms": took, "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


told = {"lines": ask(read, asked[:3])}
begun = time.perf_counter()
records = duckdb.execute(f"COPY (SELECT * FROM {read} ORDER BY x, s) TO '{parquet}' (FORMAT parquet, COMPRESSION zstd)").fetchone()[0]
rate = records / (time.perf_counter() - begun)
told["parquet"] = ask(f"'{parquet}'", asked) | {"records_per_s": rate}
print(json.dumps(told))
