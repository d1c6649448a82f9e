import AssentCore
import Crypto
import Foundation
import Support
import Testing

@testable import AssentStore

/// What the ledger proves of one consent.
@Suite struct ConsentProofTests {
    static let now = LedgerTests.now

    /// A store with one consent in Arabic.
    struct Scene {
        let directory: TemporaryDirectory
        let store: Store
        let record: ConsentRecord

        init() throws {
            directory = try TemporaryDirectory()
            store = try LedgerTests.open(directory)
            var consent = LedgerTests.consent(notice: 1)
            (consent.act, consent.source, consent.underDNT) = ("key", "cmp:klaro", true)
            let answers = try store.commit([.grant(LedgerTests.consent()), .grant(consent)])
            guard case .granted(let granted) = answers[1] else { throw NoRecord() }
            record = granted
        }

        struct NoRecord: Error {}

        func renew() throws -> ConsentRecord {
            var renewal = LedgerTests.consent()
            (renewal.visitor, renewal.at) = (record.visitor, now.advanced(by: 1_000))
            guard case .granted(let renewed) = try store.commit([.grant(renewal)])[0] else { throw NoRecord() }
            return renewed
        }

        func withdraw(erase: Bool) throws {
            _ = try store.commit([
                .withdraw(
                    site: "coalition", visitor: record.visitor, erase: erase, at: now.advanced(by: 2_000),
                    day: Samples.monday)
            ])
        }

        func proof(
            _ id: RecordID? = nil, key: ServerKey? = Samples.key, at time: Instant = now.advanced(by: 3_000)
        ) throws -> ConsentProof {
            try #require(try StoreReader(directory: directory.path).proof(of: id ?? record.id, key: key, at: time))
        }
    }

    @Test("Who has everything erased and keeps the consent has it proved as before, through renewal and withdrawal")
    func restarted() throws {
        let scene = try Scene()
        let store = scene.store
        let erased = try store.commit([
            .erase(site: "coalition", visitor: scene.record.visitor, at: Self.now.advanced(by: 500))
        ])
        guard case .erased(.some) = erased[0] else { throw Scene.NoRecord() }
        try store.drain(at: Self.now.advanced(by: 600))
        var proof = try scene.proof()
        #expect(proof.state == .granted && proof.faults == [] && proof.events.map(\.kind) == ["restart", "cleared"])
        #expect(proof.text(SiteControls(Self.site)).contains("the consent stayed: complete at "))
        let record = try JSON(Data(proof.json(SiteControls(Self.site))))["consent_record"]
        #expect(record["consent_status"] == "dpv:ConsentGiven" && record["purpose"] == "audience_measurement")
        let events = record["events"].array
        #expect(events.map { $0["event_state"] } == ["dpv:ConsentGiven", "events_erasure_requested", "events_erased"])
        #expect(events.map { $0["entity_id"] } == ["pii_principal", "pii_principal", "controller"])
        #expect(proof.visitor == scene.record.visitorID && proof.isVisitorsHash == true)

        let next = store.standings(site: "coalition").standing(of: scene.record.visitor).visitor
        #expect(next != scene.record.visitor)
        var renewal = LedgerTests.consent()
        (renewal.visitor, renewal.at) = (next, Self.now.advanced(by: 1_000))
        _ = try store.commit([.grant(renewal)])
        proof = try scene.proof()
        #expect(proof.state == .renewed && proof.faults == [])
        #expect(proof.events.map(\.kind) == ["restart", "cleared", "renewal"])

        try scene.withdraw(erase: true)
        try store.drain(at: Self.now.advanced(by: 2_500))
        proof = try scene.proof()
        #expect(proof.state == .erased && proof.faults == [] && proof.visitor == nil)
        #expect(proof.erasureCompleted == Self.now.advanced(by: 2_500))
        #expect(proof.events.map(\.kind) == ["restart", "cleared", "renewal", "withdrawal", "erasure", "erased"])
        try store.close(at: Self.now.advanced(by: 3_000))
        #expect(try StoreReader(directory: scene.directory.path).verifyLedger().faults == [])

        // A restart that names another erasure than that of the old number.
        let ledger = try SQLite("\(scene.directory.path)/ledger.sqlite", .write(durable: false))
        try ledger.run("UPDATE entry SET body=json_set(body, '$.erasure', 1) WHERE kind='restart'")
        let faults = try StoreReader(directory: scene.directory.path).verifyLedger().faults
        #expect(faults.contains { $0.contains("was changed") || $0.contains("without an erasure of the old one") })
        #expect(faults.contains { $0.contains("asks for an erasure without a withdrawal") })
    }

    /// A site that says everything of its controller.
    static var site: Site {
        var site = Samples.site
        site.controller.name = "Coalition ASBL"
        site.controller.contact = "privacy@example.org"
        site.controller.address = "1 Street, Brussels"
        site.controller.jurisdiction = "Belgium"
        site.controller.storageLocation = "Ghent, Belgium"
        return site
    }

    @Test func `a consent is proved with who, what, when and how`() throws {
        let scene = try Scene()
        let proof = try scene.proof()
        #expect(proof.state == .granted && proof.faults.isEmpty && proof.events.isEmpty && !proof.isRenewal)
        #expect(proof.visitor == scene.record.visitorID && proof.isVisitorsHash == true)
        #expect(proof.visitorHash == Hex.text(Samples.key.mac(domain: "visitor", scene.record.visitorID.bytes)))
        #expect(proof.site == "coalition" && proof.given == Self.now)
        #expect(proof.expires == Self.now.advanced(by: Limits.consentMilliseconds))
        #expect(proof.notice == Samples.notices[1].version && proof.noticeText == Samples.notices[1].text)
        #expect(proof.locale == "ar" && proof.act == "key" && proof.source == "cmp:klaro")
        #expect(proof.underGPC && proof.underDNT)
        #expect(proof.entry.number == 4 && proof.last.number == 4)
        let previous = try #require(Hex.bytes(proof.previousHash))
        #expect(Array(SHA256.hash(data: previous + Array(proof.body.utf8))) == proof.entry.hash)
    }

    @Test func `what it is now follows from what came later`() throws {
        var scene = try Scene()
        let end = scene.record.issued.advanced(by: Limits.consentMilliseconds)
        #expect(try scene.proof(at: end.advanced(by: -1)).state == .granted)
        #expect(try scene.proof(at: end).state == .expired)
        let renewed = try scene.renew()
        #expect(try scene.proof(at: end).state == .renewed)
        #expect(try scene.proof().events.map(\.record) == [renewed.id.description])
        #expect(try scene.proof(renewed.id).state == .granted && scene.proof(renewed.id).isRenewal)
        try scene.withdraw(erase: false)
        for id in [scene.record.id, renewed.id] { #expect(try scene.proof(id, at: end).state == .withdrawn) }
        #expect(try scene.proof().events.map(\.kind) == ["renewal", "withdrawal"])
        #expect(try scene.proof().visitor == scene.record.visitorID)

        scene = try Scene()
        try scene.withdraw(erase: true)
        var proof = try scene.proof()
        #expect(proof.state == .erased && proof.erasureCompleted == nil && proof.visitor == nil)
        try scene.store.drain(at: Self.now.advanced(by: 2_500))
        proof = try scene.proof()
        #expect(proof.erasureCompleted == Self.now.advanced(by: 2_500))
        #expect(proof.events.map(\.kind) == ["withdrawal", "erasure", "erased"] && proof.faults.isEmpty)
        let hash = Hex.text(Samples.key.mac(domain: "visitor", scene.record.visitorID.bytes))
        #expect(proof.visitorHash == hash && proof.isVisitorsHash == nil)
        for document in [Array(proof.text(SiteControls(nil)).utf8), proof.json(SiteControls(nil))] {
            let text = String(decoding: document, as: UTF8.self)
            #expect(text.contains(hash) && !text.contains(scene.record.visitorID.hex))
        }
    }

    @Test func `an unknown record is none, and the first entry of a ledger has nothing before it`() throws {
        let scene = try Scene()
        var random = SystemRandomNumberGenerator()
        let reader = try StoreReader(directory: scene.directory.path)
        #expect(try reader.proof(of: RecordID(random: &random), key: Samples.key, at: Self.now) == nil)
        #expect(try scene.proof(key: nil).isVisitorsHash == nil)
    }

    @Test(
        "A damaged ledger still says what it can, and that it proves nothing",
        arguments: [
            (
                "UPDATE entry SET body=replace(body,'\"key\"','\"click\"') WHERE number=4",
                "entry 4 or its hash was changed"
            ),
            ("UPDATE notice SET text='We may.' WHERE locale='ar'", "its SHA-256 is another"),
            ("DELETE FROM notice WHERE locale='ar'", "whose text is missing"),
            ("DELETE FROM entry WHERE number=1", "entry 1 is missing"),
            ("UPDATE visitor SET id=zeroblob(16) WHERE key>>10=2", "entry 4 names another visitor than the table"),
        ])
    func damaged(statement: String, says: String) throws {
        let scene = try Scene()
        try LedgerProofTests.change(scene.directory, statement)
        let proof = try scene.proof()
        #expect(proof.faults.contains { $0.contains(says) }, "\(proof.faults)")
        #expect(proof.text(SiteControls(Self.site)).contains("chain           does NOT hold: "))
        let json = try JSON(Data(proof.json(SiteControls(Self.site))))
        #expect(json["holds"] == false && json["faults"].array.count == proof.faults.count)
        #expect(json["consent_record"]["record_id"].string == scene.record.id.description)
    }

    // MARK: Documents

    @Test func `the text says each fact and shows the notice to the letter`() throws {
        let scene = try Scene()
        let proof = try scene.proof()
        let text = proof.text(SiteControls(Self.site))
        for line in [
            "consent record  \(scene.record.id)", "site            coalition, Coalition",
            "controller      Coalition ASBL",
            "contact         privacy@example.org", "given           2026-11-17T00:00:00Z, by key in cmp:klaro",
            "signals         Sec-GPC: yes, DNT: yes", "valid until     2027-05-18T00:00:00Z",
            "state           granted: in force at 2026-11-17T00:00:03Z",
            "notice          ar, SHA-256 \(Samples.notices[1].version), which is that of the text below, computed anew",
            Samples.notices[1].text, "entry           \(proof.entry), whose hash is SHA-256",
            "previous hash   \(proof.previousHash)", "body            \(proof.body)",
            "chain           holds: every entry from 1 to 4 was hashed anew, this one among them",
        ] { #expect(text.contains(line), "\(line)") }
        #expect(text.contains("visitor         \(scene.record.visitorID.hex), whose keyed hash is that of the entry"))
        let gone = proof.text(SiteControls(nil))
        #expect(gone.contains("controller      not configured") && gone.contains("contact         not configured"))
    }

    /// Fields that ISO/IEC TS 27560 wants in every record.
    static let mandatory = [
        "schema_version", "record_id", "pii_principal_id", "privacy_notice", "language", "purpose", "pii_information",
        "pii_controllers", "storage_locations", "retention_period", "jurisdiction", "recipient_third_parties",
        "withdrawal_method", "party_identification", "events",
    ]

    @Test(
        "The JSON has every mandatory field of ISO/IEC TS 27560, whatever the configuration says",
        arguments: [site, Samples.site, nil] as [Site?])
    func mandatory(site: Site?) throws {
        let scene = try Scene()
        let json = try JSON(Data(try scene.proof().json(SiteControls(site))))
        #expect(json["schema"] == "assent.proof/1" && json["holds"] == true && json["faults"] == [])
        let record = json["consent_record"]
        for field in Self.mandatory { #expect(record[field] != .null, "\(field)") }
        for party in record["party_identification"].array {
            for field in ["party_id", "party_address", "party_name", "party_contact", "party_type"] {
                #expect(party[field].string?.isEmpty == false, "\(field)")
            }
        }
        #expect(record["pii_information"].array.allSatisfy { $0["pii_type"].string != nil })
        #expect(record["pii_controllers"][0] == record["party_identification"][0]["party_id"])
        let (party, none) = (record["party_identification"][0], JSON.string("not configured"))
        #expect(party["party_name"] == (site == Self.site ? "Coalition ASBL" : site == nil ? none : "Coalition"))
        #expect(party["party_contact"] == (site == Self.site ? "privacy@example.org" : none))
        #expect(record["jurisdiction"] == (site == Self.site ? "Belgium" : none))
        #expect(record["storage_locations"][0] == (site == Self.site ? "Ghent, Belgium" : none))
        #expect(record["retention_period"] == (site == nil ? none : "P395D"))
        #expect(record["recipient_third_parties"] == [] && record["language"] == "ar")
        #expect(record["privacy_notice"]["text"].string == Samples.notices[1].text)
        #expect(record["privacy_notice"]["sha256"] == record["privacy_notice"]["sha256_of_text"])
        let event = record["events"][0]
        for field in ["event_time", "validity_duration", "entity_id", "event_type", "event_state"] {
            #expect(event[field].string?.isEmpty == false, "\(field)")
        }
        #expect(event["validity_duration"] == "P182D" && event["event_state"] == "dpv:ConsentGiven")
    }

    @Test func `the JSON tells what became of a consent, and lets a third party compute its hash`() throws {
        let scene = try Scene()
        let renewed = try scene.renew()
        try scene.withdraw(erase: true)
        try scene.store.drain(at: Self.now.advanced(by: 2_500))
        let json = try JSON(Data(try scene.proof(renewed.id).json(SiteControls(Self.site))))
        let record = json["consent_record"]
        #expect(record["consent_status"] == "dpv:ConsentWithdrawn")
        #expect(
            record["events"].array.map { $0["event_state"] }
                == ["dpv:RenewedConsentGiven", "dpv:ConsentWithdrawn", "erasure_requested", "erased"])
        #expect(record["pii_principal_id"].string?.hasPrefix("hmac-sha256:") == true)
        let chain = json["chain"]
        let previous = try #require(chain["previous_hash"].string.flatMap { Hex.bytes($0) })
        let body = try #require(chain["body"].string)
        #expect(chain["hash"].string == Hex.text(Array(SHA256.hash(data: previous + Array(body.utf8)))))
        #expect(chain["holds_from_first_to_last"] == true && chain["last"]["entry"] == 8)
        let expired = try scene.proof(at: Self.now.advanced(by: Limits.consentMilliseconds))
        #expect(expired.state == .erased)
        let old = try Scene()
        let end = try old.proof(at: Self.now.advanced(by: Limits.consentMilliseconds)).json(SiteControls(nil))
        #expect(try JSON(Data(end))["consent_record"]["events"][1]["event_state"] == "dpv:ConsentExpired")
    }
}
