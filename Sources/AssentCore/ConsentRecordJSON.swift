extension ConsentProof {
    /// One JSON document: the record after ISO/IEC TS 27560:2023 with the terms of W3C's Data Privacy Vocabulary
    /// (`dpv:`), and beside it what a third party needs to compute the entry's hash anew.
    /// - Parameter controls: who is responsible, as the configuration says.
    public func json(_ controls: SiteControls) -> [UInt8] {
        var json = JSONWriter(capacity: 8_192)
        json.object { json in
            json.member("schema", "assent.proof/1")
            json.member("made", now.rfc3339)
            json.key("holds")
            json.boolean(faults.isEmpty)
            json.list("faults", faults)
            json.key("consent_record")
            writeRecord(controls, to: &json)
            json.key("chain")
            writeChain(to: &json)
        }
        json.endLine()
        return json.bytes
    }

    private func writeRecord(_ controls: SiteControls, to json: inout JSONWriter) {
        json.object { json in
            json.member("schema_version", "https://w3id.org/dpv/schema/dpv-27560#record")
            json.member("type", "dpv:ConsentRecord")
            json.member("record_id", record.description)
            json.member("pii_principal_id", visitor?.hex ?? "hmac-sha256:\(visitorHash)")
            json.member("consent_status", consentStatus)
            json.key("privacy_notice")
            json.object { json in
                json.member("type", "dpv:ConsentNotice")
                json.member("sha256", notice)
                json.member("sha256_of_text", noticeTextHash)
                json.member("language", locale)
                json.member("text", noticeText)
            }
            json.member("language", locale)
            json.member("purpose", Site.purposes.joined(separator: ", "))
            json.member("purpose_type", "dpv:ServiceUsageAnalytics")
            json.member("lawful_basis", "eu-gdpr:A6-1-a")
            json.key("pii_information")
            json.array { json in
                for (type, isOptional) in ConsentProof.information {
                    json.object { json in
                        json.member("pii_type", type)
                        json.key("pii_optional")
                        json.boolean(isOptional)
                        json.key("sensitive_pii_category")
                        json.boolean(false)
                    }
                }
            }
            json.list("pii_controllers", ["controller"])
            json.key("party_identification")
            json.array { json in
                json.object { json in
                    json.member("party_id", "controller")
                    json.member("party_name", controls.name)
                    json.member("party_address", controls.address)
                    json.member("party_contact", controls.contact)
                    json.member("party_type", "dpv:DataController")
                }
            }
            json.member("collection_method", "a script in the pages of the site, after the choice (\(act), \(source))")
            json.list("storage_locations", [controls.storageLocation])
            json.member("retention_period", controls.retentionDays.map { "P\($0)D" } ?? SiteControls.notConfigured)
            json.member("jurisdiction", controls.jurisdiction)
            json.list("recipient_third_parties", [])
            json.member(
                "withdrawal_method",
                "at any time: the privacy choices on every page of the site, POST /v1/withdraw, or the controller")
            json.list(
                "privacy_rights", ["eu-gdpr:A7-3", "eu-gdpr:A15", "eu-gdpr:A17", "eu-gdpr:A20", "eu-gdpr:A77"])
            json.key("service")
            json.object { json in
                json.member("id", site)
                json.member("name", controls.siteName)
                json.list("origins", controls.origins)
            }
            json.key("signals")
            json.object { json in
                json.key("gpc")
                json.boolean(underGPC)
                json.key("dnt")
                json.boolean(underDNT)
            }
            json.key("events")
            json.array { json in writeEvents(to: &json) }
        }
    }

    /// What is stored under a consent, and whether a visitor's browser may keep it to itself.
    private static let information: [(type: String, isOptional: Bool)] = [
        ("random identifier of the visitor on this site", false), ("times of visits", false),
        ("pages, their titles and campaign parameters", false), ("visible time and depth of scroll", false),
        ("actions on pages and their targets", false), ("host of the referring page", true),
        ("language of the page", true), ("country, from the time zone", true),
        ("class of device, family of browser and system", true),
    ]

    private var consentStatus: String {
        switch state {
        case .granted, .renewed: isRenewal || state == .renewed ? "dpv:RenewedConsentGiven" : "dpv:ConsentGiven"
        case .withdrawn, .erased: "dpv:ConsentWithdrawn"
        case .expired: "dpv:ConsentExpired"
        }
    }

    private func writeEvents(to json: inout JSONWriter) {
        func event(
            _ at: Instant, _ entry: Int64?, _ state: String, type: String = "dpv:ExplicitlyExpressedConsent",
            by party: String = "pii_principal", to json: inout JSONWriter
        ) {
            json.object { json in
                json.member("event_time", at.rfc3339)
                json.member("validity_duration", "P\(Limits.consentDays)D")
                json.member("entity_id", party)
                json.member("event_type", type)
                json.member("event_state", state)
                json.key("ledger_entry")
                json.integer(entry)
            }
        }
        let renewed = "dpv:RenewedConsentGiven"
        event(given, entry.number, isRenewal ? renewed : "dpv:ConsentGiven", to: &json)
        for later in events {
            let entry = Int64(later.entry)
            switch later.kind {
            case "renewal": event(later.at, entry, renewed, to: &json)
            case "withdrawal": event(later.at, entry, "dpv:ConsentWithdrawn", to: &json)
            case "restart": event(later.at, entry, "events_erasure_requested", type: "dpv:Erase", to: &json)
            case "cleared": event(later.at, entry, "events_erased", type: "dpv:Erase", by: "controller", to: &json)
            case "erasure": event(later.at, entry, "erasure_requested", type: "dpv:Erase", to: &json)
            default: event(later.at, entry, "erased", type: "dpv:Erase", by: "controller", to: &json)
            }
        }
        if state == .expired { event(expires, nil, "dpv:ConsentExpired", by: "controller", to: &json) }
    }

    private func writeChain(to json: inout JSONWriter) {
        json.object { json in
            json.key("entry")
            json.integer(entry.number)
            json.member("hash", Hex.text(entry.hash))
            json.member("previous_hash", previousHash)
            json.member("body", body)
            json.member("rule", "hash = SHA-256(the bytes of previous_hash, then the bytes of body in UTF-8)")
            json.member("visitor_hash", visitorHash)
            json.key("visitor_hash_is_that_of_the_id")
            if let isVisitorsHash { json.boolean(isVisitorsHash) } else { json.null() }
            json.key("last")
            json.object { json in
                json.key("entry")
                json.integer(last.number)
                json.member("hash", Hex.text(last.hash))
            }
            json.key("holds_from_first_to_last")
            json.boolean(faults.isEmpty)
        }
    }
}

extension JSONWriter {
    fileprivate mutating func member(_ name: StaticString, _ value: String?) {
        key("\(name)")
        string(value)
    }

    fileprivate mutating func list(_ name: StaticString, _ values: [String]) {
        key("\(name)")
        array { json in for value in values { json.string(value) } }
    }
}
