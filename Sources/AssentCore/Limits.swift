/// Every bound of the program, each with its unit in its name or its type.
///
/// Nothing else in the sources holds a literal limit. The relations between bounds are checked by
/// ``Limits/relationsHold()``, which the tests call.
public enum Limits {
    // MARK: Requests

    /// Longest body of `POST /v1/events`, in bytes.
    public static let eventsBodyBytesMax = 64 * 1024
    /// Longest body of `POST /v1/consent` and of `POST /v1/withdraw`, in bytes.
    public static let consentBodyBytesMax = 4 * 1024
    /// Longest chunk of an import that the staff listener takes in one request, in bytes.
    public static let importChunkBytesMax = 8 * 1024 * 1024
    /// Longest request line and headers together, in bytes; more is answered 431.
    public static let headerBytesMax = 16 * 1024
    /// Most events in one request.
    public static let eventsPerRequestMax = 64
    /// Most header fields of one request; more is answered 431.
    public static let headerFieldsMax = 100
    /// How deep JSON may nest; the wire needs three levels.
    public static let jsonDepthMax = 8
    /// Time in which a request must have arrived whole, counted from its first byte, in seconds.
    public static let requestSecondsMax = 10
    /// Time a connection may stay open without a request, in seconds.
    public static let idleSecondsMax = 75
    /// Most open connections of the public listener; one more is closed at once.
    public static let connectionsMax = 10_000
    /// Most of them that one address prefix (/24 of IPv4, /48 of IPv6) may have, unless it is a trusted proxy.
    public static let connectionsPerPrefixMax = 1_000
    /// Most open connections of the staff listener; one more is closed at once.
    public static let staffConnectionsMax = 64
    /// Most requests of one connection that may wait for their answers; then it is not read on.
    public static let pipelinedRequestsMax = 64
    /// Bytes of answers from which on a write begins, so that a client that does not listen fills only that much.
    public static let writeBytesMax = 64 * 1024
    /// Connections that may wait to be accepted.
    public static let listenBacklog = 1_024
    /// Time for which the rest of a refused request is read and thrown away, in seconds.
    public static let lingerSecondsMax = 2
    /// `Retry-After` where the collector cannot store anything just now, in seconds.
    public static let retrySeconds = 5
    /// For how long nothing is read from a client that was told that it asks too often.
    public static let pauseMilliseconds: Int64 = 1_000
    /// How long browsers may keep the script, in seconds.
    public static let scriptSeconds = 300
    /// How long browsers may keep the answer to a preflight, in seconds.
    public static let preflightSeconds = 7_200
    /// Open files that are kept for the store beside those of connections.
    public static let reservedFiles = 128
    /// Time in which the same message is logged once, in milliseconds.
    public static let logRepeatMilliseconds: Int64 = 10_000
    /// Messages that are remembered to log each once.
    public static let logMessagesMax = 256
    /// Most address prefixes that the rate limit remembers; beyond it the oldest window is forgotten.
    public static let rateLimitPrefixesMax = 65_536

    // MARK: Fields of an event

    /// Times that an event can have, in milliseconds since 1970: until the end of the year 9999.
    public static let eventTimes: ClosedRange<Int64> = 0...253_402_300_799_999
    /// Shortest and longest id of an event, in characters of `[A-Za-z0-9_-]`.
    public static let eventIDLength = 8...64
    /// Oldest event that is taken, in milliseconds before its receipt.
    public static let ageMillisecondsMax: Int64 = 86_400_000
    /// Longest time that one engagement event can claim, in seconds.
    public static let engagementSecondsMax = 3_600
    /// Deepest scroll, in percent of the page.
    public static let scrollPercentMax = 100
    /// Longest name of an action, in characters.
    public static let actionNameLengthMax = 32
    /// Longest field that is a name or a sentence, on the wire and in answers of the collector, in bytes. Addresses and titles
    /// may be as long as a body; what is stored of them is cut.
    public static let fieldBytesMax = 4_096
    /// Longest path that is stored, in bytes of UTF-8; longer ones are cut at a character.
    public static let pathBytesMax = 1_024
    /// Longest value of an allow-listed query parameter that is stored, in bytes of UTF-8.
    public static let queryValueBytesMax = 256
    /// Longest fragment that is stored, in characters.
    public static let fragmentLengthMax = 64
    /// Longest title that is stored, in bytes of UTF-8; longer ones are cut at a character.
    public static let titleBytesMax = 512
    /// How many bytes of a text are cleaned at most for each byte that may be stored of it.
    public static let uncleanedTextRatio = 8
    /// Longest locale or time-zone name on the wire, in bytes.
    public static let localeBytesMax = 64
    /// Longest host name, in bytes (RFC 1035).
    public static let hostBytesMax = 253
    /// A run of this many letters and digits in a path or title that also mixes both is a token and is redacted.
    public static let tokenLengthMin = 20
    /// A run of this many digits is redacted: numbers of cards, accounts and orders, but no date.
    public static let tokenDigitsMin = 16
    /// A run of this many ASCII letters is redacted: no word of a language is that long.
    public static let tokenLettersMin = 40
    /// How often a text is percent-decoded to find what must be redacted.
    public static let percentDecodingsMax = 3

    // MARK: Consent

    /// How long a consent record and a refusal are valid, in days and in milliseconds. It never slides.
    public static let consentDays = 182
    /// ``consentDays`` in milliseconds.
    public static let consentMilliseconds: Int64 = 182 * 86_400_000
    /// ``consentDays`` in seconds: the `Max-Age` of both cookies.
    public static let consentSeconds = 15_724_800
    /// Longest text of a notice, in bytes of UTF-8.
    public static let noticeBytesMax = 8_192
    /// Longest retention that a site can ask for, in days.
    public static let retentionDaysMax = 760

    /// Most sites whose visitors one ledger can number: what ten bits hold.
    public static let sitesMax = 1_023

    // MARK: Journal and partitions

    /// Most events in one segment.
    public static let segmentEventsMax = 65_536
    /// Runs of one size in an open partition: that many are joined into one of the next size.
    public static let runsPerLevelMax = 8
    /// Ids of one visitor that a merge of runs remembers.
    public static let mergedIDsMax = 1_048_576
    /// Most bytes of one column once it is inflated; a larger claim is damage.
    public static let columnBytesMax = 64 * 1024 * 1024
    /// Most events that wait for a commit; full means 503.
    public static let queueEventsMax = 131_072
    /// Most bytes that wait for a commit; full means 503.
    public static let queueBytesMax = 32 * 1024 * 1024
    /// Events that may wait in the journal to be drained: further ones are refused, so that a start after a crash, which
    /// looks at all of them, takes no longer than two seconds.
    public static let journalEventsMax = 1_048_576
    /// Events that may wait in the journal for a start to drain them before it serves, and for a stop before it ends: more
    /// are drained while it serves.
    public static let drainedAtStartMax = 65_536
    /// Most events that one commit takes.
    public static let commitEventsMax = 16_384
    /// Oldest event that may wait in the journal before it is drained into its partition, in seconds.
    public static let drainSeconds = 60
    /// Time between two looks for partitions that can be sealed, and between two mentions of one damage, in milliseconds.
    public static let sealMilliseconds: Int64 = 3_600_000
    /// Time between two looks for partitions whose retention has ended, in milliseconds.
    public static let pruneMilliseconds: Int64 = 86_400_000
    /// Event ids that are remembered to answer duplicates at once.
    public static let recentIDsMax = 1_048_576
    /// Time for which an id is remembered, in milliseconds.
    public static let duplicateMilliseconds: Int64 = 86_400_000
    /// Lines of an import that are gathered before they are written.
    public static let importBatchEvents = 98_304
    /// Bytes of lines of an import that are read by several threads at a time.
    public static let importBlockBytes = 8 * 1024 * 1024
    /// Heaps of the C library among which the threads of an import without a collector divide their memory.
    public static let importHeapsMax: Int32 = 1
    /// Texts of each kind of which an import remembers what cleaning made of them.
    public static let rememberedTextsOfImportMax = 16_384
    /// Bytes from which on the collector's memory comes from the system piece by piece, and goes back when it is free.
    public static let mappedBytesMin: Int32 = 256 * 1024
    /// Heaps of the C library among which the collector's threads divide their memory.
    public static let collectorHeapsMax: Int32 = 2
    /// Texts of each kind of which an event loop remembers what cleaning made of them.
    public static let rememberedTextsOfLoopMax = 4_096
    /// Bytes of a text that is remembered.
    public static let rememberedTextBytesMax = 512
    /// Bytes of lines of an import that are gathered before they are written, though they are fewer than
    /// ``importBatchEvents``.
    public static let importBatchBytes = 48 * 1024 * 1024
    /// Bad lines of an import that are named; the others are counted.
    public static let badLinesNamedMax = 20
    /// Longest line of an import, in bytes.
    public static let importLineBytesMax = 65_536
    /// Longest ground of an import, in bytes of UTF-8.
    public static let basisBytesMax = 1_024
    /// Receipts of finished erasures that a process keeps until they are asked for.
    public static let receiptsKeptMax = 256
    /// Longest receipt of an erasure that is read, in bytes.
    public static let receiptBytesMax = 8 * 1024 * 1024
    /// Faults of a ledger that are named; the others are counted.
    public static let ledgerFaultsNamedMax = 20
    /// Days for which a request of a visitor may have waited when it is noted.
    public static let requestAgeDaysMax = 366
    /// Longest manifest of a backup, in bytes.
    public static let backupManifestBytesMax = 256 * 1024 * 1024
    /// Numbers of visitors of each site that a restored ledger passes over, because tokens may name them that were given
    /// after the backup.
    public static let restoredNumbersSkipped: Int64 = 10_000_000
    /// Time from which on a command says on a terminal how far it is, in seconds.
    public static let progressSeconds = 2
    /// Time in which the collector must have answered a command, in seconds.
    public static let staffAnswerSeconds = 300
    /// Time in which a stopping collector must be done, in seconds.
    public static let stopSeconds = 10

    // MARK: Reports

    /// Most campaigns of one site: the bits of a ``CampaignSet``.
    public static let campaignsPerSiteMax = 256
    /// Longest period of a report, in days.
    public static let reportDaysMax = 800
    /// Weeks that a report can set side by side.
    public static let reportTrendWeeks = 1...104
    /// Weeks of the small line beside a campaign, where nothing else is asked for.
    public static let reportTrendWeeksUsual = 8
    /// Passes over a period's events after the first in which it is found what must be folded.
    public static let foldingPassesMax = 6
    /// A gap longer than this ends a visit, in milliseconds.
    public static let visitGapMilliseconds: Int64 = 30 * 60 * 1_000
    /// Engaged time from which a visit with one pageview is no bounce, in milliseconds.
    public static let bounceEngagedMilliseconds = 10_000
    /// Threads that count the visits of a report: each has tables of its own.
    public static let reportThreadsMax = 4
    /// Choices from which on an estimate is given.
    public static let estimateChoicesMin: UInt64 = 30
    /// Narrowest and widest line of a report's table, in cells of a terminal.
    public static let tableCells = 60...160
    /// Cells in a line of the text of a mail.
    public static let mailCells = 76
    /// Most rows that a mail shows of pages, sources and so on.
    public static let mailRowsMax = 15
    /// Most rows that a report's table shows of pages, sources and so on; its JSON has all of them.
    public static let tableRowsMax = 10

    /// Most rows that a report shows of them where it can be scrolled and searched: as Markdown and as HTML.
    public static let documentRowsMax = 50

    // MARK: Exports

    /// Events that an export sorts at a time, unless one minute has more.
    public static let exportSliceEvents = 1_048_576

    // MARK: What is held of a visitor

    /// Bytes of the document of what is held from which on a piece of it is handed out.
    public static let heldPieceBytes = 64 * 1024
    /// Most events in a piece of the document.
    public static let heldPieceEvents = 2_048
    /// Most consents that are read at a time.
    public static let heldPieceConsents = 16
    /// Most consents that the privacy page shows; the document has all of them.
    public static let heldConsentsShown = 20
    /// Requests for what is held that may wait for their turn or be on their way at a time; one more is answered 503.
    public static let heldRequestsMax = 64
    /// Time in which a document must have been taken, in seconds.
    public static let heldDocumentSeconds = 600

    // MARK: Simulations

    /// Weeks that one simulation can cover.
    public static let simulatedWeeks = 1...104
    /// Visitors who can agree in one simulation.
    public static let simulatedVisitors = 1...10_000_000

    // MARK: Configuration

    /// Longest configuration file, in bytes.
    public static let configurationBytesMax = 4 * 1024 * 1024
    /// Requests per minute and address prefix that can be asked for; 0 is no limit.
    public static let requestsPerMinuteRange = 0...1_000_000
    /// Fewest visitors of a row that a site can ask for.
    public static let minimumGroupRange = 1...10_000
    /// Problems of a configuration that are told at once.
    public static let configurationProblemsMax = 50
    /// Longest name of a site or campaign, in bytes of UTF-8.
    public static let nameBytesMax = 256
    /// Longest rule of a campaign, in bytes of UTF-8.
    public static let ruleBytesMax = 512

    /// Whether the bounds agree with one another.
    public static func relationsHold() -> Bool {
        consentSeconds == consentDays * 86_400
            && consentMilliseconds == Int64(consentSeconds) * 1_000
            && eventsPerRequestMax <= commitEventsMax
            && commitEventsMax <= segmentEventsMax
            && queueEventsMax >= commitEventsMax
            && fieldBytesMax <= eventsBodyBytesMax
            && noticeBytesMax >= titleBytesMax
            && ageMillisecondsMax == duplicateMilliseconds
    }
}
