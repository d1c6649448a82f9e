public import AssentCore
internal import Synchronization

/// How the visitors of one site stand: who has withdrawn, and who goes on under another number since everything was
/// erased. Kept up to date by the store that it is from, and safe from any thread.
public final class Standings: Sendable {
    private struct State {
        var withdrawn: Set<VisitorNumber> = []
        /// The next number of visitors who go on under another one.
        var next: [VisitorNumber: VisitorNumber] = [:]
        /// When what came before a number was erased.
        var erased: [VisitorNumber: Instant] = [:]
        /// Numbers of which the ledger is just being told that nothing more is to be stored.
        var leaving: Set<VisitorNumber> = []

        func isOver(_ visitor: VisitorNumber) -> Bool {
            withdrawn.contains(visitor) || next[visitor] != nil || leaving.contains(visitor)
        }
    }

    /// What an entry of the ledger makes of a visitor.
    enum Change {
        case withdrawn
        /// Everything was erased at that time, and the visitor goes on under that number.
        case restarted(VisitorNumber, Instant)
    }

    private let state = Mutex(State())

    init() {}

    /// How the visitor stands to whom a number was given once. Cost: one look-up, unless the visitor has had others since.
    public func standing(of visitor: VisitorNumber) -> Standing {
        state.withLock { state in
            var current = visitor
            while let next = state.next[current] { current = next }
            return Standing(
                visitor: current, hasWithdrawn: state.withdrawn.contains(current), erased: state.erased[current])
        }
    }

    /// Whether nothing is to be stored under that number any more.
    func isOver(_ visitor: VisitorNumber) -> Bool { state.withLock { $0.isOver(visitor) } }

    /// Whether that is so for any number.
    var hasAnyOver: Bool {
        state.withLock { !$0.withdrawn.isEmpty || !$0.next.isEmpty || !$0.leaving.isEmpty }
    }

    /// For those of the numbers that are still in use and have an earlier one: when that was erased.
    func erasures(of visitors: [VisitorNumber]) -> [VisitorNumber: Instant] {
        state.withLock { state in
            guard !state.erased.isEmpty else { return [:] }
            return Dictionary(
                visitors.compactMap { visitor in state.erased[visitor].map { (visitor, $0) } }, uniquingKeysWith: max)
        }
    }

    /// From now on nothing is stored under that number, whatever the ledger will say.
    /// - Returns: whether anything was until now.
    func leave(_ visitor: VisitorNumber) -> Bool {
        state.withLock { state in
            guard !state.isOver(visitor) else { return false }
            state.leaving.insert(visitor)
            return true
        }
    }

    /// The ledger has been told, or could not be.
    func endLeaving(_ visitor: VisitorNumber) { state.withLock { _ = $0.leaving.remove(visitor) } }

    func apply(_ change: Change, to visitor: VisitorNumber) {
        state.withLock { state in
            switch change {
            case .withdrawn: state.withdrawn.insert(visitor)
            case .restarted(let next, let at):
                // The entry of the erasure stands before this one.
                state.withdrawn.remove(visitor)
                state.next[visitor] = next
                state.erased[next] = at
            }
        }
    }
}

// An erasure that leaves the consent as it is gives the visitor a new number, under the same id, and erases the old one
// like that of anybody who withdraws: so nothing that hides and removes events knows a difference. Tokens go on naming
// the number under which they were made.
extension Ledger {
    /// Records the wish that all events of a visitor go and the consent stay.
    /// - Returns: the visitor's new number; nil for one who has withdrawn or was erased before.
    func restart(site: String, visitor: VisitorNumber, at now: Instant) throws(StoreError) -> VisitorNumber? {
        guard let id = try id(of: visitor, site: site), try !hasWithdrawn(visitor, site: site) else { return nil }
        let erasure = try erase(visitor, id, site: site, at: now)
        let next = try newNumber(for: id, site: site)
        try append("restart", site: site, visitor: (next, hash(of: id)), at: now) { body in
            body.key("before")
            body.integer(visitor)
            body.key("erasure")
            body.integer(erasure)
        }
        return next
    }

    /// Hands over what the chain has made of visitors, in its order.
    func changes(_ each: (String, VisitorNumber, Standings.Change) -> Void) throws(StoreError) {
        try database.rows(
            """
            SELECT kind, site, visitor, at, body->>'before' FROM entry
            WHERE kind IN ('withdrawal','erasure','restart') ORDER BY number
            """
        ) { (row) throws(StoreError) in
            let (site, visitor): (String, VisitorNumber) = (row.text(1), try row.number(2))
            if row.text(0) == "restart" {
                each(site, try row.number(4), .restarted(visitor, Instant(milliseconds: row.integer(3))))
            } else {
                each(site, visitor, .withdrawn)
            }
        }
    }
}
