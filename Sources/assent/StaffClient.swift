import AssentConfiguration
import AssentCore
import AssentStore

/// A connection to the staff listener of the collector that holds a data directory.
struct StaffClient: ~Copyable {
    private var client: HTTPClient
    private let token: String

    /// Connects, with the token of the data directory.
    init(_ configuration: Configuration) throws(Failure) {
        guard let endpoint = Endpoint(configuration.staffListen), endpoint.port != 0 else {
            throw Failure(
                .failed, "A collector holds \(configuration.data), and staff_listen does not say where it is.")
        }
        let token = try Self.token(in: configuration.data)
        client = try HTTPClient(endpoint, seconds: Limits.staffAnswerSeconds)
        self.token = token
    }

    private static func token(in directory: String) throws(Failure) -> String {
        do throws(StoreError) {
            return try Secrets.staffToken(in: directory)
        } catch {
            throw Failure(error)
        }
    }

    /// Sends a request and waits for its answer.
    mutating func post(_ target: String, _ body: [UInt8] = []) throws(Failure) -> HTTPClient.Answer {
        try client.send(
            "POST", target, headers: [("Authorization", "Bearer \(token)"), ("Content-Type", "application/json")],
            body: body)
    }
}

/// Opens a data directory that there is, does something to it and gives it back.
/// - Returns: nil if a collector holds the directory: then that must be asked.
func holding<Result>(
    _ configuration: Configuration, _ body: (Store, Instant) throws(StoreError) -> Result
) throws(Failure) -> Result? {
    do throws(StoreError) {
        _ = try StoreReader(directory: configuration.data)
        let key = try Secrets.serverKey(in: configuration.data)
        let store = try Store.open(
            directory: configuration.data, key: key, durability: configuration.durability, now: Clock.now)
        let result = try body(store, Clock.now)
        try store.close(at: Clock.now)
        return result
    } catch {
        guard error.kind == .held else { throw Failure(error) }
        return nil
    }
}
