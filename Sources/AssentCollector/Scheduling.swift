internal import AssentCore
internal import Glibc

/// How the threads behind the event loops share a processor with them.
enum Scheduling {
    /// `SCHED_BATCH` of Linux, which the C library shows only to its own extensions.
    private static let batch: CInt = 3

    /// For the thread that commits: when a sync is done it waits until the event loop has read what is there, instead of
    /// taking the processor from it at once. So it finds more to commit together. On a processor of its own it waits for
    /// nobody.
    static func gathers() {
        var parameters = sched_param()
        sched_setscheduler(0, batch, &parameters)
    }

    /// For the thread that keeps the house: the others go first. Not so far behind that they would have to wait long for
    /// what it holds.
    static func stepsBack() {
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, Limits.keeperNiceness)
    }
}
