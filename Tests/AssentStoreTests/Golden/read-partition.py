"""Reads a partition of format version 1, written from PartitionFormat.md alone and with the standard library only.

Prints one line for each event, its fields separated by U+001F, in the order of runs and segments; then a line with the
SHA-256 of the content. Ends with an error where the file is not what the format says.
"""

import hashlib
import sqlite3
import sys
import zlib


class Stream:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def raw(self, count):
        assert self.at + count <= len(self.data), "a stream is too short"
        self.at += count
        return self.data[self.at - count : self.at]

    def byte(self):
        return self.raw(1)[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def zigzag(self):
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def text(self):
        return self.raw(self.varint()).decode("utf-8", "strict")

    def end(self):
        assert self.at == len(self.data), "a stream is longer than its events"


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def text(value):
    data = value.encode()
    return varint(len(data)) + data


def inflated(database, segment, column):
    row = database.execute("SELECT inflated, crc, bytes FROM stream WHERE number=?", (segment * 32 + column,)).fetchone()
    if row is None:
        return None
    length, crc, data = row
    assert zlib.crc32(data) == crc, "a CRC is wrong"
    data = zlib.decompress(data)
    assert len(data) == length, "a length is wrong"
    return Stream(data)


def events_of(database, segment, count):
    def column(number, read):
        stream = inflated(database, segment, number)
        values = read(stream)
        stream.end()
        assert len(values) == count, "a column has another number of events"
        return values

    def dictionary(number, value, context):
        def read(stream):
            known = [value(stream) for _ in range(stream.varint())]
            last = {}
            indices = []
            for event in range(count):
                place = stream.varint()
                index = last[context(event)] if place == 0 else place - 1
                last[context(event)] = index
                indices.append(index)
            places[number] = indices
            return [known[index] for index in indices]

        return column(number, read)

    places = {}

    def read_visitors(stream):
        distinct, visitor = [], 0
        for _ in range(stream.varint()):
            visitor += stream.varint()
            distinct.append(visitor)
        return [visitor for visitor in distinct for _ in range(stream.varint())]

    visitors = column(1, read_visitors)
    starts = [event == 0 or visitors[event] != visitors[event - 1] for event in range(count)]

    def read_times(stream):
        earliest = stream.zigzag()
        times = [earliest + stream.varint() if first else None for first in starts]
        for event in range(count):
            if not starts[event]:
                times[event] = times[event - 1] + stream.varint()
        return times

    def read_records(stream):
        records, record, visitor = [], 0, 0
        for each in visitors:
            record += stream.zigzag() + each - visitor
            visitor = each
            records.append(record)
        return records

    def read_id(stream):
        half = stream.varint()
        data = stream.raw(half // 2)
        return data.hex() if half & 1 else data.decode("ascii")

    def read_engaged(stream):
        unit = stream.varint()
        return [stream.varint() * unit for _ in range(count)]

    times = column(2, read_times)
    records = column(3, read_records)
    kinds = column(4, lambda stream: list(stream.raw(count)))
    has_ids = inflated(database, segment, 5) is not None
    ids = column(5, lambda stream: [read_id(stream) for _ in range(count)]) if has_ids else [""] * count
    nothing = lambda event: None
    kind = lambda event: kinds[event]
    page = lambda event: places[6][event]
    page_and_kind = lambda event: (places[6][event], kinds[event])
    pages = dictionary(6, lambda s: (s.text(), s.text(), s.text(), s.text()), nothing)
    titles = dictionary(7, Stream.text, page_and_kind)
    referrers = dictionary(8, lambda s: (s.text(), s.byte()), kind)
    locales = dictionary(9, Stream.text, page)
    countries = dictionary(10, Stream.text, nothing)
    clients = dictionary(11, lambda s: (s.byte(), s.text(), s.text()), nothing)
    names = dictionary(12, Stream.text, kind)
    targets = dictionary(13, Stream.text, page_and_kind)
    engaged = column(14, read_engaged)
    scrolls = column(15, lambda stream: list(stream.raw(count)))
    return [
        (ids[e], visitors[e], records[e], times[e], kinds[e], *pages[e], titles[e], *referrers[e], locales[e],
         countries[e], *clients[e], names[e], targets[e], engaged[e], scrolls[e])
        for e in range(count)
    ]  # fmt: skip


def content(event):
    """The row of an event without its length and id."""
    _, visitor, record, time, kind, *rest = event
    row = varint(visitor) + varint(record) + varint(time * 2) + bytes([kind])
    host, path, query, fragment, title, referrer, path_class, locale, country, device, *rest = rest
    browser, system, name, target, engaged, scroll = rest
    for value in (host, path, query, fragment, title, referrer):
        row += text(value)
    row += bytes([path_class]) + text(locale) + text(country) + bytes([device])
    for value in (browser, system, name, target):
        row += text(value)
    return row + varint(engaged) + bytes([scroll])


def main(path):
    database = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    pragma = lambda name: database.execute(f"PRAGMA {name}").fetchone()[0]
    assert pragma("application_id") == int.from_bytes(b"ASNT", "big"), "this is no partition"
    assert pragma("user_version") == 1, "this is another version of the format"
    state, count, stored = database.execute("SELECT state, events, content_sum FROM partition").fetchone()
    total, found, last = 0, 0, None
    segments = database.execute("SELECT * FROM segment ORDER BY run, number").fetchall()
    for number, run, size, first_visitor, last_visitor, first_time, last_time in segments:
        events = events_of(database, number, size)
        assert (events[0][1], events[-1][1]) == (first_visitor, last_visitor), "visitors are out of bounds"
        times = [event[3] for event in events]
        assert (min(times), max(times)) == (first_time, last_time), "times are out of bounds"
        for event in events:
            place = (run, event[1], event[3])
            assert last is None or last[0] != run or last <= place, "a run is not in order"
            last = place
            assert state == "open" or event[0] == "", "a sealed partition has ids"
            total += int.from_bytes(hashlib.sha256(content(event)).digest(), "big")
            found += 1
            print("\x1f".join(map(str, event)))
    total = (total % 2**256).to_bytes(32, "big")
    assert (found, total) == (count, stored), "the content is not what was written"
    print(hashlib.sha256(total + count.to_bytes(8, "big")).hexdigest())


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    main(sys.argv[1])
