/// What cleaning made of texts that came before: most lines of an import say what others said already.
///
/// It changes no result, only the time. Bounded by ``Limits/rememberedTextsMax`` texts of each kind; for one thread.
public struct GateMemory: Sendable {
    var pages: Memo<Page?>
    var titles: Memo<String>
    var referrers: Memo<Referrer?>
    var locales: Memo<String>
    var targets: Memo<String>
    var families: Memo<String>

    /// Remembers nothing yet.
    public init() { self.init(texts: Limits.rememberedTextsMax) }

    private init(texts: Int) {
        pages = Memo(countMax: texts)
        titles = Memo(countMax: texts)
        referrers = Memo(countMax: texts)
        locales = Memo(countMax: texts)
        targets = Memo(countMax: texts)
        families = Memo(countMax: texts)
    }

    /// Never remembers anything: for a request, whose few texts are not worth the look-up.
    static let none = GateMemory(texts: 0)
}

/// Results of a function of a text.
struct Memo<Value: Sendable>: Sendable {
    private let countMax: Int
    private var table = IndexTable()
    private var known: [(text: String, value: Value)] = []
    /// The place of the text that was asked for last, which often comes again at once.
    private var last = 0

    init(countMax: Int) { self.countMax = countMax }

    /// The value of a text, made only where it is not known.
    mutating func value(of text: String, _ make: (String) -> Value) -> Value {
        guard countMax > 0 else { return make(text) }
        if last < known.count, known[last].text.hasSameBytes(as: text) { return known[last].value }
        var hasher = TextHasher()
        hasher.feed(text)
        if let index = table.index(of: hasher.value, where: { known[$0].text.hasSameBytes(as: text) }) {
            last = index
            return known[index].value
        }
        if known.count == countMax {
            known.removeAll()
            table.removeAll()
        }
        let value = make(text)
        last = table.insert(hasher.value)
        known.append((text, value))
        return value
    }
}
