// swift-tools-version: 6.2
import PackageDescription

// The decoders of foreign bytes under a fuzzer that is guided by coverage: a package of its own, since whatever it
// tests is compiled anew with counters. `make fuzz` builds and runs it. `Sources` is a link to those of the project.
// Of the collector there are only the files that take requests apart, by links in `Collector`: no listener, no thread.

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .unsafeFlags(["-sanitize=address,fuzzer", "-enable-testing"]),
]

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")

let package = Package(
    name: "fuzz",
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    ],
    targets: [
        .systemLibrary(name: "CSQLite", path: "Sources/CSQLite", pkgConfig: "sqlite3"),
        .systemLibrary(name: "CZlib", path: "Sources/CZlib", pkgConfig: "zlib"),
        .systemLibrary(name: "LibFuzzer", path: "LibFuzzer"),
        .target(
            name: "CTOML", path: "Sources/CTOML",
            cxxSettings: [.unsafeFlags(["-fsanitize=address,fuzzer-no-link"])]),
        .target(name: "AssentCore", dependencies: [crypto], path: "Sources/AssentCore", swiftSettings: settings),
        .target(
            name: "AssentStore", dependencies: ["AssentCore", "CSQLite", "CZlib", crypto], path: "Sources/AssentStore",
            swiftSettings: settings),
        .target(
            name: "AssentConfiguration", dependencies: ["AssentCore", "CTOML"], path: "Sources/AssentConfiguration",
            swiftSettings: settings),
        .target(
            name: "AssentCollector",
            dependencies: ["AssentCore", .product(name: "NIOCore", package: "swift-nio")],
            path: "Collector", swiftSettings: settings),
        .executableTarget(
            name: "Fuzzer",
            dependencies: [
                "AssentCore", "AssentConfiguration", "AssentStore", "AssentCollector", "LibFuzzer",
                .product(name: "NIOCore", package: "swift-nio"),
            ], path: "Fuzzer",
            swiftSettings: settings, linkerSettings: [.unsafeFlags(["-sanitize=address,fuzzer", "-use-ld=lld"])]),
    ],
    cxxLanguageStandard: .cxx17
)
