// swift-tools-version: 6.2
import PackageDescription

// The decoders of foreign bytes under a fuzzer that is guided by coverage: a package of its own, since whatever it
// tests is compiled anew with counters. `make fuzz` builds and runs it. `Sources` is a link to those of the project.

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
    dependencies: [.package(url: "https://github.com/apple/swift-crypto", from: "4.5.2")],
    targets: [
        .systemLibrary(name: "CSQLite", path: "Sources/CSQLite", pkgConfig: "sqlite3"),
        .systemLibrary(name: "CZlib", path: "Sources/CZlib", pkgConfig: "zlib"),
        .systemLibrary(name: "LibFuzzer", path: "LibFuzzer"),
        .target(name: "AssentCore", dependencies: [crypto], path: "Sources/AssentCore", swiftSettings: settings),
        .target(
            name: "AssentStore", dependencies: ["AssentCore", "CSQLite", "CZlib", crypto], path: "Sources/AssentStore",
            swiftSettings: settings),
        .executableTarget(
            name: "Fuzzer", dependencies: ["AssentCore", "AssentStore", "LibFuzzer"], path: "Fuzzer",
            swiftSettings: settings, linkerSettings: [.unsafeFlags(["-sanitize=address,fuzzer", "-use-ld=lld"])]),
    ]
)
