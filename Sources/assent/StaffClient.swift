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
