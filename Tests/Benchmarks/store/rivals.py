"""What the rivals do with the same events, each step a program of its own: `rivals.py STEP ARGUMENTS`. A step writes
one JSON object to standard output.

`lines` is the file of events as it is imported. `tidy` is a DuckDB file with the columns that Assent stores, as the
types that suit a rival best: the visitor as 16 bytes, numbers as numbers, an address as host, path, query and fragment.
"""

import datetime
import json
import os
import sqlite3
import sys
import time
import zlib

import duckdb

THREADS = 2
DAY = 86_400_000

# Fields of a line as an import's table has them.
FIELDS = {
    "time": "BIGINT", "visitor": "VARCHAR", "type": "VARCHAR", "id": "VARCHAR", "url": "VARCHAR", "title": "VARCHAR",
    "referrer": "VARCHAR", "locale": "VARCHAR", "country": "VARCHAR", "device": "VARCHAR", "browser": "VARCHAR",
    "system": "VARCHAR", "name": "VARCHAR", "target": "VARCHAR", "seconds": "DOUBLE", "scroll": "UTINYINT",
}

# Columns that Assent stores: name, type for DuckDB, type for ClickHouse, how it comes from the fields.
COLUMNS = [
    ("visitor", "BLOB", "FixedString(16)", "unhex(visitor)"),
    ("time", "BIGINT", "Int64", "time"),
    ("record", "UINTEGER", "UInt32", "1"),
    ("kind", "UTINYINT", "UInt8", "list_position(['pageview', 'engagement', 'action'], type) - 1"),
    ("host", "VARCHAR", "LowCardinality(String)", "regexp_extract(url, '^https?://([^/?#]+)', 1)"),
    ("path", "VARCHAR", "LowCardinality(String)", "regexp_extract(url, '^https?://[^/?#]+([^?#]*)', 1)"),
    ("query", "VARCHAR", "LowCardinality(String)", "regexp_extract(url, '^[^?#]*[?]([^#]*)', 1)"),
    ("fragment", "VARCHAR", "LowCardinality(String)", "regexp_extract(url, '#(.*)$', 1)"),
    ("title", "VARCHAR", "LowCardinality(String)", "coalesce(title, '')"),
    ("referrer_host", "VARCHAR", "LowCardinality(String)",
     "coalesce(regexp_extract(referrer, '^https?://([^/]+)', 1), '')"),
    ("referrer_class", "UTINYINT", "UInt8",
     "CASE WHEN referrer IS NULL THEN 0 WHEN regexp_matches(referrer, '^https?://[^/]+/?$') THEN 1 ELSE 2 END"),
    ("locale", "VARCHAR", "LowCardinality(String)", "coalesce(locale, '')"),
    ("country", "VARCHAR", "LowCardinality(String)", "coalesce(country, '')"),
    ("device", "VARCHAR", "LowCardinality(String)", "coalesce(device, '')"),
    ("browser", "VARCHAR", "LowCardinality(String)", "coalesce(browser, '')"),
    ("system", "VARCHAR", "LowCardinality(String)", "coalesce(system, '')"),
    ("name", "VARCHAR", "LowCardinality(String)", "coalesce(name, '')"),
    ("target", "VARCHAR", "LowCardinality(String)", "coalesce(target, '')"),
    ("engaged", "UINTEGER", "UInt32", "round(coalesce(seconds, 0) * 1000)"),
    ("scroll", "UTINYINT", "UInt8", "coalesce(scroll, 255)"),
]
NAMES = ", ".join(name for name, *_ in COLUMNS)
# What takes the fewest bytes in each layout, of all that were tried.
TIME_ENCODINGS = {"time": "DELTA_BINARY_PACKED", "day": "BYTE_STREAM_SPLIT", "visitor": "PLAIN"}
ORDERS = {"time": "time, visitor", "visitor": "visitor, time", "day": f"time // {DAY}, visitor, time"}


def connect(path=":memory:", read_only=False):
    database = duckdb.connect(config={"threads": THREADS})
    if path != ":memory:":
        # Without it DuckDB would write as older versions did, in more bytes.
        options = "READ_ONLY" if read_only else "STORAGE_VERSION 'latest'"
        database.execute(f"ATTACH '{path}' AS store ({options})")
        database.execute("USE store")
    return database


def one(database, query):
    return database.execute(query).fetchall()[0]


def columns(time="BIGINT"):
    return "{" + ", ".join(f"{name}: '{time if name == 'time' else kind}'" for name, kind in FIELDS.items()) + "}"


# MARK: Import

UNQUOTED = "SETTINGS output_format_json_quote_64bit_integers = 0"


def duckdb_import(lines, path):
    database = connect(path)
    database.execute(f"CREATE TABLE events ({', '.join(f'{name} {kind}' for name, kind in FIELDS.items())})")
    database.execute(f"COPY events FROM '{lines}' (FORMAT json, columns {columns()})")
    events, = one(database, "SELECT count(*) FROM events")
    database.close()
    return {"events": events}


def chdb_import(lines, path):
    session = clickhouse(path)
    kinds = {"BIGINT": "Int64", "VARCHAR": "String", "DOUBLE": "Float64", "UTINYINT": "UInt8"}
    table = ", ".join(
        f"{name} " + (kinds[kind] if kind != "UTINYINT" else f"Nullable({kinds[kind]})")
        for name, kind in FIELDS.items())
    session.query(f"CREATE TABLE events ({table}) ENGINE = MergeTree ORDER BY (visitor, time)")
    session.query(f"INSERT INTO events FROM INFILE '{lines}' FORMAT JSONEachRow")
    events, = asked(session, f"SELECT count() FROM events {UNQUOTED}")
    return {"events": events}


def clickhouse(path):
    from chdb import session as chdb_session

    session = chdb_session.Session(path)
    session.query(f"SET max_threads = {THREADS}, max_insert_threads = {THREADS}, max_parsing_threads = {THREADS}")
    return session


def asked(session, query):
    return json.loads(session.query(query, "JSONCompactEachRow").bytes().decode())


# MARK: The same columns


def source(lines, time="BIGINT"):
    return f"read_json('{lines}', format = 'newline_delimited', columns = {columns(time)})"


def projection(time="time"):
    return ", ".join(
        f"({time if name == 'time' else origin})::{kind} AS {name}" for name, kind, _, origin in COLUMNS)


def tidy(lines, path):
    database = connect(path)
    database.execute(f"CREATE TABLE events AS SELECT {projection()}, unhex(id) AS id FROM {source(lines)}")
    events, first, last, visitors = one(
        database, "SELECT count(*), min(time), max(time), count(DISTINCT visitor) FROM events")
    database.close()
    return {"events": events, "first": first, "last": last, "visitors": visitors}


def fingerprint(database, table):
    """Count and sum of the hashes of all rows, whatever their order."""
    return one(database, f"SELECT count(*), sum(hash({NAMES})::HUGEINT)::VARCHAR FROM {table}")


def check_export(exported, path):
    """Whether the lines of an export say the same as the events."""
    database = connect(path, read_only=True)
    lines = f"(SELECT {projection('epoch_ms(time)')} FROM {source(exported, 'TIMESTAMP')})"
    (events, sum_here), (held, sum_there) = fingerprint(database, lines), fingerprint(database, "events")
    return {"events": events, "same": events == held and sum_here == sum_there}


def report(path, statements):
    """What the statements of a weekly report answer, and in how many seconds from opening the file to the last row."""
    with open(statements) as file:
        asked = json.load(file)
    begun = time.perf_counter()
    database = connect(path, read_only=True)
    answers = {}
    for name, statement in asked:
        answer = database.execute(statement)
        if name:
            answers[name] = {"columns": [each[0] for each in answer.description], "rows": answer.fetchall()}
    return {"answers": answers, "seconds": time.perf_counter() - begun}


def visitors(path):
    """The visitor who stands in the middle by events, and the one with the most."""
    database = connect(path, read_only=True)
    ranked = "SELECT visitor, count(*) AS events, count(DISTINCT time // 86400000) AS days FROM events GROUP BY visitor"
    count, = one(database, "SELECT count(DISTINCT visitor) FROM events")
    found = {}
    for name, place in (("typical", count // 2), ("heaviest", count - 1)):
        visitor, events, days = one(
            database, f"SELECT lower(hex(visitor)), events, days FROM ({ranked}) ORDER BY events, visitor "
            f"LIMIT 1 OFFSET {place}")
        found[name] = {"visitor": visitor, "events": events, "days": days}
    return found


# MARK: Bytes an event


def duckdb_size(path, output, order, with_id="no"):
    """DuckDB's own file."""
    database = connect(output)
    database.execute(f"ATTACH '{path}' AS tidy (READ_ONLY)")
    wanted = NAMES + (", id" if with_id == "id" else "")
    if order != "time":
        # Of 16 bytes that repeat in runs DuckDB makes less as a UUID, else as a BLOB.
        wanted = wanted.replace("visitor", "hex(visitor)::UUID AS visitor", 1)
    database.execute(f"CREATE TABLE events AS SELECT {wanted} FROM tidy.events ORDER BY {ORDERS[order]}")
    database.execute("CHECKPOINT")
    events, = one(database, "SELECT count(*) FROM events")
    database.close()
    return {"events": events, "bytes": os.path.getsize(output)}


def parquet(path, output, layout, level, with_id="no"):
    """Parquet with zstd: `time` one file in order of time, `day` one file a day by visitor and time, `visitor` one file
    by visitor and time over all weeks."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"BLOB": pa.binary(16), "BIGINT": pa.int64(), "UINTEGER": pa.uint32(), "UTINYINT": pa.uint8(),
             "VARCHAR": pa.string()}
    fields = [(name, kinds[kind]) for name, kind, *_ in COLUMNS] + ([("id", pa.binary(16))] if with_id == "id" else [])
    schema = pa.schema([pa.field(name, kind, nullable=False) for name, kind in fields])
    dictionary = [name for name, _ in fields if name not in ("time", "id")]
    settings = {
        "compression": "zstd", "compression_level": int(level), "use_dictionary": dictionary, "store_schema": False,
        # A dictionary of visitors must not be given up halfway.
        "column_encoding": {"time": TIME_ENCODINGS[layout]}, "dictionary_pagesize_limit": 64 << 20,
        "data_page_size": 1 << 20, "write_statistics": True,
    }
    database = connect(path, read_only=True)
    os.makedirs(output, exist_ok=True)
    first, last = one(database, f"SELECT min(time) // {DAY}, max(time) // {DAY} FROM events")
    files = {"events": ""} if layout != "day" else {
        str(datetime.date(1970, 1, 1) + datetime.timedelta(days=day)): f"WHERE time // {DAY} = {day}"
        for day in range(first, last + 1)}
    order = ORDERS["time" if layout == "time" else "visitor"]
    total = 0
    for name, where in files.items():
        file = os.path.join(output, f"{name}.parquet")
        wanted = ", ".join(each for each, _ in fields)
        rows = database.sql(f"SELECT {wanted} FROM events {where} ORDER BY {order}")
        with pq.ParquetWriter(file, schema, **settings) as writer:
            for batch in rows.to_arrow_reader(1 << 20):
                table = pa.Table.from_batches([batch]).cast(schema)
                writer.write_table(table, row_group_size=1 << 20)
        total += os.path.getsize(file)
    events = sum(pq.ParquetFile(os.path.join(output, name)).metadata.num_rows for name in os.listdir(output))
    return {"events": events, "bytes": total, "files": len(files)}


def chdb_size(path, output, codec):
    """MergeTree by visitor and time over all weeks, in one part, with `default` codecs or `ZSTD(3)` for each column.

    Which codec the default is depends on how large a part is, so it is told. Delta for the times takes more bytes.
    """
    os.makedirs(output)
    columns = os.path.join(output, "columns.parquet")
    connect(path, read_only=True).execute(f"COPY (SELECT {NAMES} FROM events) TO '{columns}' (COMPRESSION zstd)")
    session = clickhouse(output)
    suffix = "" if codec == "default" else f" CODEC({codec})"
    table = ", ".join(f"{name} {kind}{suffix}" for name, _, kind, _ in COLUMNS)
    session.query(f"CREATE TABLE events ({table}) ENGINE = MergeTree ORDER BY (visitor, time)")
    session.query(f"INSERT INTO events SELECT {NAMES} FROM file('{columns}', 'Parquet')")
    session.query("OPTIMIZE TABLE events FINAL")
    parts, events, size, taken = asked(
        session, "SELECT count(), toInt64(sum(rows)), toInt64(sum(bytes_on_disk)), any(default_compression_codec) "
        f"FROM system.parts WHERE active AND table = 'events' {UNQUOTED}")
    return {"events": events, "bytes": size, "parts": parts, "codec": taken if codec == "default" else codec}


# MARK: Reading


def duckdb_scan(path):
    """Reads every value of every column."""
    database = connect(path, read_only=True)
    events, total = fingerprint(database, "events")
    return {"events": events, "sum": total}


def duckdb_export(path, output):
    database = connect(path, read_only=True)
    database.execute(f"COPY (SELECT * EXCLUDE id FROM events) TO '{output}' (FORMAT json)")
    return {"bytes": os.path.getsize(output)}


def inflate(*partitions):
    """The time in which zlib alone inflates every stream of these partitions, on one thread."""
    streams = small = large = 0
    took = 0.0
    for partition in partitions:
        database = sqlite3.connect(f"file:{partition}?mode=ro", uri=True)
        try:
            held = [row[0] for row in database.execute("SELECT bytes FROM stream")]
            begun = time.perf_counter()
            for deflated in held:
                large += len(zlib.decompress(deflated))
            took += time.perf_counter() - begun
        except (sqlite3.Error, zlib.error) as error:
            return {"unknown": f"the streams of a partition are no zlib streams ({error})"}
        finally:
            database.close()
        streams += len(held)
        small += sum(map(len, held))
    return {"streams": streams, "bytes": small, "inflated": large, "seconds": took}


def versions():
    import chdb
    import numpy
    import pyarrow

    return {"DuckDB": duckdb.__version__, "chdb": chdb.__version__, "ClickHouse": str(chdb.engine_version),
            "pyarrow": pyarrow.__version__, "numpy": numpy.__version__, "Python": sys.version.split()[0],
            "zlib": zlib.ZLIB_RUNTIME_VERSION}


STEPS = {each.__name__.replace("_", "-"): each for each in (
    duckdb_import, chdb_import, tidy, check_export, report, visitors, duckdb_size, parquet, chdb_size, duckdb_scan,
    duckdb_export, inflate, versions)}

if __name__ == "__main__":
    print(json.dumps(STEPS[sys.argv[1]](*sys.argv[2:])))
