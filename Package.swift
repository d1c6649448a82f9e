// swift-tools-version: 6.2
import PackageDescription

// One direction of dependency, left to right:
//
//   AssentCore ← AssentStore ← AssentReport ← AssentCollector ← assent
//
// AssentConfiguration turns the TOML file into the values of AssentCore; only the command line needs it.

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")

let package = Package(
    name: "assent",
    products: [.executable(name: "assent", targets: ["assent"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CMalloc"),
        .target(name: "CTOML"),
        .target(
            name: "DashboardAssets", path: "Dashboards", exclude: ["script", "demo", "privacy"],
            sources: ["assets.c", "demo.c"], publicHeadersPath: "include"),
        .target(name: "AssentCore", dependencies: [crypto], swiftSettings: strict),
        .target(name: "AssentConfiguration", dependencies: ["AssentCore", "CTOML"], swiftSettings: strict),
        .target(
            name: "AssentStore", dependencies: ["AssentCore", "CSQLite", "CZlib", crypto], swiftSettings: strict),
        .target(name: "AssentReport", dependencies: ["AssentCore", "AssentStore", crypto], swiftSettings: strict),
        .target(
            name: "AssentCollector",
            dependencies: [
                "AssentCore", "AssentStore", "AssentReport", "DashboardAssets",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ], swiftSettings: strict),
        .executableTarget(
            name: "assent",
            dependencies: [
                "AssentCore", "AssentConfiguration", "AssentStore", "AssentReport", "AssentCollector",
                "DashboardAssets", "CMalloc",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ], swiftSettings: strict),

        .target(
            name: "Support", dependencies: ["AssentCore", "AssentStore", "CSQLite", "CZlib"], path: "Tests/Support",
            swiftSettings: strict),
        .testTarget(name: "AssentCoreTests", dependencies: ["AssentCore", "Support"], swiftSettings: strict),
        .testTarget(
            name: "AssentConfigurationTests", dependencies: ["AssentConfiguration", "Support"],
            swiftSettings: strict),
        .testTarget(
            name: "AssentStoreTests", dependencies: ["AssentStore", "Support"], exclude: ["Golden"],
            swiftSettings: strict),
        .testTarget(
            name: "AssentReportTests", dependencies: ["AssentReport", "AssentStore", "Support"],
            swiftSettings: strict),
        .testTarget(
            name: "AssentCollectorTests",
            dependencies: [
                "AssentCollector", "Support",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ], swiftSettings: strict),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "assent", "AssentCollector", "AssentCore", "AssentStore", "DashboardAssets", "Support",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ], exclude: ["axe.txt", "clients.py"], swiftSettings: strict),
    ],
    cLanguageStandard: .c2x,
    cxxLanguageStandard: .cxx17
)
