@testable import AssentCore

/// Bodies of requests.
enum BodyTargets {
    // MARK: JSON

    static func json(_ input: [UInt8]) {
        let depth = JSONGrammar.depth(of: input)
        let isPassed =
            (try? JSONReader.read(input.span.bytes) { (reader) throws(BadRequest) in try reader.skip() }) != nil
        precondition(isPassed == depth.map { $0 <= Limits.jsonDepthMax } ?? false, "what is passed over is JSON")
        guard isPassed, let value = try? JSONReader.read(input.span.bytes, value) else { return }
        // What was read is written again as it is in memory, and that reads as the same.
        let text = written(value)
        precondition(JSONGrammar.depth(of: text) != nil, "what is written is JSON")
        let again = try? JSONReader.read(text.span.bytes, self.value)
        precondition(again.map(written) == text, "what was read comes back")
    }

    private indirect enum Value {
        case null
        case boolean(Bool)
        case integer(Int64)
        case string(String)
        case array([Value])
        case object([Value])
    }

    private static func value(_ reader: inout JSONReader) throws(BadRequest) -> Value {
        if try reader.null() { return .null }
        if let value = try? reader.boolean() { return .boolean(value) }
        if let number = try? reader.number() {
            precondition(number.isFinite)
            return .integer(Int64(exactly: number.rounded()) ?? 0)
        }
        if let text = try? reader.string(bytesMax: .max) { return .string(text) }
        var values: [Value] = []
        do throws(BadRequest) {
            try reader.array { (index, reader) throws(BadRequest) in
                precondition(index == values.count)
                values.append(try value(&reader))
            }
            return .array(values)
        } catch  where error.problem == "must be an array" {
            try reader.object { (_, reader) throws(BadRequest) in values.append(try value(&reader)) }
            return .object(values)
        }
    }

    private static func written(_ value: Value) -> [UInt8] {
        var json = JSONWriter()
        write(value, to: &json)
        return json.bytes
    }

    private static func write(_ value: Value, to json: inout JSONWriter) {
        switch value {
        case .null: json.null()
        case .boolean(let value): json.boolean(value)
        case .integer(let value): json.integer(value)
        case .string(let text): json.string(text)
        case .array(let values): json.array { json in for value in values { write(value, to: &json) } }
        case .object(let values):
            json.object { json in
                for value in values {
                    json.key("x")
                    write(value, to: &json)
                }
            }
        }
    }

    private static func mustBeJSON(_ input: [UInt8]) {
        precondition(JSONGrammar.depth(of: input).map { $0 <= Limits.jsonDepthMax } ?? false, "what is taken is JSON")
    }

    // MARK: Events

    static func events(_ input: [UInt8]) {
        guard let request = try? EventsRequest.parse(input.span.bytes) else { return }
        mustBeJSON(input)
        precondition(request.events.count <= Limits.eventsPerRequestMax && request.site.utf8.count <= 64)
        precondition((request.consent?.utf8.count ?? 0) <= Limits.consentBodyBytesMax)
        for event in request.events { check(event) }
        let text = written(request)
        guard let again = try? EventsRequest.parse(text.span.bytes) else {
            preconditionFailure("what was taken is taken again")
        }
        precondition(written(again) == text && again.unknownFields == 0)
    }

    private static func check(_ event: BeaconEvent) {
        precondition(Limits.eventIDLength.contains(event.id.utf8.count))
        precondition((0...Limits.ageMillisecondsMax).contains(event.age) && WebAddress(event.url) != nil)
        precondition(event.engagedMilliseconds <= Limits.engagementSecondsMax * 1_000)
        precondition(event.scroll <= Limits.scrollPercentMax || event.scroll == Event.noScroll)
        precondition(event.kind == .engagement || (event.engagedMilliseconds, event.scroll) == (0, Event.noScroll))
        precondition(event.kind == .action ? BeaconEvent.isActionName(event.name) : event.name + event.target == "")
        precondition(max(event.locale.utf8.count, event.zone.utf8.count) <= Limits.localeBytesMax)
    }

    private static func written(_ request: EventsRequest) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.key("site")
            json.string(request.site)
            json.key("consent")
            json.string(request.consent)
            json.key("events")
            json.array { json in for event in request.events { write(event, to: &json) } }
        }
        return json.bytes
    }

    private static func write(_ event: BeaconEvent, to json: inout JSONWriter) {
        json.object { json in
            for (name, text) in [
                ("id", event.id), ("type", event.kind.name), ("url", event.url), ("title", event.title),
                ("referrer", event.referrer), ("locale", event.locale), ("zone", event.zone),
            ] {
                json.key(name)
                json.string(text)
            }
            json.key("age")
            json.integer(event.age)
            switch event.kind {
            case .pageview: break
            case .engagement:
                json.key("seconds")
                json.fixed(Int(event.engagedMilliseconds), decimals: 3)
                guard event.scroll != Event.noScroll else { break }
                json.key("scroll")
                json.integer(event.scroll)
            case .action:
                json.key("name")
                json.string(event.name)
                json.key("target")
                json.string(event.target)
            }
        }
    }

    // MARK: Choices

    static func consent(_ input: [UInt8]) {
        guard let request = try? ConsentRequest.parse(input) else { return }
        mustBeJSON(input)
        let text = written(request)
        guard let again = try? ConsentRequest.parse(text) else { preconditionFailure("what was taken is taken again") }
        precondition(written(again) == text)
        precondition(StoreTargets.gate.objection(to: request) != nil, "a site without notices knows no consent")
    }

    private static func written(_ request: ConsentRequest) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            for (name, text) in [
                ("site", request.site), ("choice", request.choice.rawValue), ("notice", request.notice),
                ("locale", request.locale), ("act", request.act), ("source", request.source),
            ] {
                json.key(name)
                json.string(text)
            }
        }
        return json.bytes
    }

    static func withdraw(_ input: [UInt8]) {
        guard let request = try? WithdrawRequest.parse(input) else { return }
        mustBeJSON(input)
        let text = written(request)
        guard let again = try? WithdrawRequest.parse(text) else {
            preconditionFailure("what was taken is taken again")
        }
        precondition(written(again) == text && again.erase == request.erase)
    }

    private static func written(_ request: WithdrawRequest) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.key("site")
            json.string(request.site)
            json.key("consent")
            json.string(request.consent)
            json.key("erase")
            if let erase = request.erase { json.boolean(erase) } else { json.null() }
        }
        return json.bytes
    }

    // MARK: The staff's requests

    static func received(_ input: [UInt8]) {
        guard let request = try? ReceivedRequest(parsing: input) else { return }
        mustBeJSON(input)
        precondition((try? ReceivedRequest(parsing: request.body))?.body == request.body)
    }

    static func closed(_ input: [UInt8]) {
        guard let request = try? ClosedRequest(parsing: input) else { return }
        mustBeJSON(input)
        precondition(request.request > 0 && (try? ClosedRequest(parsing: request.body)) == request)
    }

    static func erase(_ input: [UInt8]) {
        guard let request = try? EraseRequest(parsing: input) else { return }
        mustBeJSON(input)
        precondition((try? EraseRequest(parsing: request.body))?.body == request.body)
    }
}
