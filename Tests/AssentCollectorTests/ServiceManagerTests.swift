import NIOCore
import Testing

@testable import AssentCollector

/// What is taken from the variables of a service manager.
@Suite struct ServiceManagerTests {
    private func manager(_ variables: [String: String]) -> ServiceManager {
        ServiceManager(variables: { variables[$0] }, process: 7)
    }

    @Test(
        "Sockets are the public one and that of the staff by their names, else by their order, for this process only",
        arguments: [
            (["LISTEN_PID": "7", "LISTEN_FDS": "1"], ["listen": 3]),
            (["LISTEN_PID": "7", "LISTEN_FDS": "2"], ["listen": 3, "staff_listen": 4]),
            (
                ["LISTEN_PID": "7", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "staff:public"],
                ["listen": 4, "staff_listen": 3]
            ),
            (["LISTEN_PID": "7", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "staff"], ["staff_listen": 3]),
            (
                ["LISTEN_PID": "7", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "assent.socket:assent.socket"],
                ["listen": 3, "staff_listen": 4]
            ),
            (
                ["LISTEN_PID": "7", "LISTEN_FDS": "3", "LISTEN_FDNAMES": "assent.socket:staff"],
                ["listen": 3, "staff_listen": 4]
            ),
            (["LISTEN_PID": "8", "LISTEN_FDS": "2"], [:]), (["LISTEN_FDS": "2"], [:]),
            (["LISTEN_PID": "7", "LISTEN_FDS": "0"], [:]), (["LISTEN_PID": "7", "LISTEN_FDS": "x"], [:]), ([:], [:]),
        ] as [([String: String], [String: CInt])])
    func sockets(variables: [String: String], sockets: [String: CInt]) {
        #expect(manager(variables).sockets == sockets)
    }

    @Test(
        "A sign of life comes twice as often as it must, and only where it is this process that is watched",
        arguments: [
            (["WATCHDOG_USEC": "20000000"], 10_000_000),
            (["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "7"], 1_500_000),
            (["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "8"], nil), (["WATCHDOG_USEC": "0"], nil),
            (["WATCHDOG_USEC": "-5"], nil), ([:], nil),
        ] as [([String: String], Int64?)])
    func watchdog(variables: [String: String], microseconds: Int64?) {
        #expect(manager(variables).signOfLife == microseconds.map { .microseconds($0) })
    }

    @Test("Who cannot be told anything is told nothing", arguments: ["/nowhere/notify", "@nobody", "relative", ""])
    func unreachable(socket: String) { manager(["NOTIFY_SOCKET": socket]).tell("READY=1") }
}
