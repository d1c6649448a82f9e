import AssentCore
import Testing

@Suite struct SubresourceIntegrityTests {
    /// Values of `openssl dgst -sha384 -binary | openssl base64 -A`.
    @Test(
        "The value is that of openssl",
        arguments: [
            ("", "sha384-OLBgp1GsljhM2TJ+sbHjaiH9txEUvgdDTAzHv2P24donTt6/529l+9Ua0vFImLlb"),
            ("abc", "sha384-ywB1P0WjXou1oD1pmsZQBycsMqsO3tFjGotgWkP/W+2AhgcroefMI1i67KE0yCWn"),
        ])
    func value(text: String, integrity: String) {
        #expect(SubresourceIntegrity.sha384(Array(text.utf8)) == integrity)
    }
}
