/// What cleaning and classifying made of texts that came before: most events say what others said already.
///
/// It changes no result, only the time; nothing of it leaves the memory of the process. Texts are kept as they came, so
/// few of them are, and none for long: of each kind as many as it was made for, none longer than
/// ``Limits/rememberedTextBytesMax``, and all are forgotten when one more comes. For one thread, and for gates of one
/// configuration.
public struct GateMemory: Sendable {
    var pages: Memo<Page?>
    var titles: Memo<String>
    var referrers: Memo<Referrer?>
    var locales: Memo<String>
    var targets: Memo<String>
    var families: Memo<String>
    var clients: Memo<Client?>
    var brands: Memo<ClientHints.Brand>
    /// Tokens that were found genuine, with the site whose they are.
    var tokens: Memo<(site: String, token: Token)>

    /// Remembers nothing yet.
    /// - Parameter texts: how many of each kind it may remember: ``Limits/rememberedTextsOfImportMax`` for an import,
    ///   ``Limits/rememberedTextsOfLoopMax`` for the requests of an event loop.
    public init(texts: Int) {
        pages = Memo(countMax: texts)
        titles = Memo(countMax: texts)
        referrers = Memo(countMax: texts)
        locales = Memo(countMax: texts)
        targets = Memo(countMax: texts)
        families = Memo(countMax: texts)
        clients = Memo(countMax: texts)
        brands = Memo(countMax: texts)
        tokens = Memo(countMax: texts)
    }
}

/// Results of a function of a text.
struct Memo<Value: Sendable>: Sendable {
    private let countMax: Int
    private var table = IndexTable()
    private var texts: [String] = []
    private var values: [Value] = []
    /// The place of the text that was asked for last, which often comes again at once.
    private var last = 0

    init(countMax: Int) { self.countMax = countMax }

    /// The value of a text, made only where it is not known.
    mutating func value(of text: String, _ make: (String) -> Value) -> Value {
        valueIfAny(of: text, make) ?? make(text)
    }

    /// The same where there may be no value: then nothing is remembered.
    mutating func valueIfAny(of text: String, _ make: (String) -> Value?) -> Value? {
        guard text.utf8.count <= Limits.rememberedTextBytesMax else { return make(text) }
        if last < texts.count, texts[last].hasSameBytes(as: text) { return values[last] }
        var hasher = TextHasher()
        hasher.feed(text)
        if let index = table.index(of: hasher.value, where: { texts[$0].hasSameBytes(as: text) }) {
            last = index
            return values[index]
        }
        guard let value = make(text) else { return nil }
        if texts.count == countMax {
            texts.removeAll()
            values.removeAll()
            table.removeAll()
        }
        last = table.insert(hasher.value)
        texts.append(text)
        values.append(value)
        return value
    }
}
