import AssentCore
import CMalloc

/// How the C library divides memory among threads.
enum Heaps {
    /// For an import: threads come and go with each batch, and with one heap for all what one gives back is room for the
    /// next.
    static func ofImport() { mallopt(M_ARENA_MAX, Limits.importHeapsMax) }

    /// For a collector: what a drain takes for a moment goes back to the system, and is not kept in pieces by each thread.
    static func ofCollector() {
        mallopt(M_ARENA_MAX, Limits.collectorHeapsMax)
        mallopt(M_MMAP_THRESHOLD, Limits.mappedBytesMin)
    }
}
