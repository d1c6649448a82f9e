package import AssentCore

/// A value of which each byte of text counts.
///
/// `String` takes texts as equal that are so as characters, such as an é of one scalar and one of two. What is stored
/// must come back byte for byte, since hashes are taken over it.
package protocol ByteIdentified: Sendable {
    func isSame(as other: Self) -> Bool
    func feed(_ hasher: inout TextHasher)
}

extension String: ByteIdentified {
    package func isSame(as other: String) -> Bool {
        hasSameBytes(as: other)
    }

    package func feed(_ hasher: inout TextHasher) {
        hasher.feed(self)
    }
}

extension Page: ByteIdentified {
    package func isSame(as other: Page) -> Bool {
        path.isSame(as: other.path) && query.isSame(as: other.query) && fragment.isSame(as: other.fragment)
            && host.isSame(as: other.host)
    }

    package func feed(_ hasher: inout TextHasher) {
        host.feed(&hasher)
        path.feed(&hasher)
        query.feed(&hasher)
        fragment.feed(&hasher)
    }
}

extension Referrer: ByteIdentified {
    package func isSame(as other: Referrer) -> Bool { pathClass == other.pathClass && host.isSame(as: other.host) }

    package func feed(_ hasher: inout TextHasher) {
        hasher.feed(UInt64(pathClass.rawValue))
        host.feed(&hasher)
    }
}

extension Client: ByteIdentified {
    package func isSame(as other: Client) -> Bool {
        device == other.device && browser.isSame(as: other.browser) && system.isSame(as: other.system)
    }

    package func feed(_ hasher: inout TextHasher) {
        hasher.feed(UInt64(device.rawValue))
        browser.feed(&hasher)
        system.feed(&hasher)
    }
}

/// Dictionaries that turn repeated values into indices while columns are built.
package struct Interning {
    package struct Table<Value: ByteIdentified>: Sendable {
        private var table = IndexTable()
        private var last = 0

        package init() {}

        /// The index of a value in `values`, where it is put if it is new. Mostly it is that of the event before.
        package mutating func index(of value: Value, in values: inout [Value]) -> UInt32 {
            if last < values.count, values[last].isSame(as: value) { return UInt32(last) }
            var hasher = TextHasher()
            value.feed(&hasher)
            if let index = table.index(of: hasher.value, where: { values[$0].isSame(as: value) }) {
                last = index
                return UInt32(index)
            }
            last = table.insert(hasher.value)
            values.append(value)
            return UInt32(last)
        }
    }

    var pages = Table<Page>()
    var titles = Table<String>()
    var referrers = Table<Referrer>()
    var locales = Table<String>()
    var countries = Table<String>()
    var clients = Table<Client>()
    var names = Table<String>()
    var targets = Table<String>()
}
