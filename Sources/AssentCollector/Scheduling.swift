internal import Glibc

/// How the thread that commits shares a processor with the event loops.
///
/// The one that drains gets as much as anybody who wants to work: if it stepped back, the journal would grow under a load
/// that lasts.
enum Scheduling {
    /// `SCHED_BATCH` of Linux, which the C library shows only to its own extensions.
    private static let batch: CInt = 3

    /// When a sync is done it waits until the event loop has read what is there, instead of
    /// taking the processor from it at once. So it finds more to commit together. On a processor of its own it waits for
    /// nobody.
    static func gathers() {
        var parameters = sched_param()
        sched_setscheduler(0, batch, &parameters)
    }
}
