import Testing

@testable import AssentCore

/// What a request is by its dates, and how it travels.
@Suite struct PrivacyRequestTests {
    @Test(
        "A request is due on the same day of the next month, or on its last day",
        arguments: [
            ("2026-11-16", "2026-12-16"), ("2026-12-31", "2027-01-31"), ("2027-01-28", "2027-02-28"),
            ("2027-01-29", "2027-02-28"), ("2027-01-31", "2027-02-28"), ("2028-01-31", "2028-02-29"),
            ("2026-03-31", "2026-04-30"), ("2026-02-28", "2026-03-28"), ("2026-10-31", "2026-11-30"),
        ])
    func due(received: String, due: String) throws {
        let request = PrivacyRequest(
            number: 1, site: "coalition", kind: .access, isFromSite: false, received: try #require(Day(received)))
        let last = try #require(Day(due))
        #expect(request.due == last)
        #expect(request.state(on: last) == .open && request.state(on: last.advanced(by: 1)) == .overdue)
        var closed = request
        closed.closed = last.advanced(by: 50).start
        #expect(closed.state(on: last.advanced(by: 60)) == .done)
        closed.isDeclined = true
        #expect(closed.state(on: last.advanced(by: 60)) == .declined)
    }

    @Test(
        "A request came today or earlier, but not too long ago",
        arguments: [(1, "future"), (0, nil), (-366, nil), (-367, "366 days")] as [(Int, String?)])
    func received(days: Int, objection: String?) {
        let today = Day(number: 20_773)
        let said = PrivacyRequest.objection(toReceived: today.advanced(by: days), today: today)
        #expect((said == nil) == (objection == nil))
        #expect(said?.contains(objection ?? "") ?? true)
    }

    @Test func `a request is written and read back`() throws {
        var json = JSONWriter()
        var request = PrivacyRequest(
            number: 7, site: "coalition", kind: .erase, isFromSite: true, received: Day(number: 20_773))
        request.closed = Instant(milliseconds: 1_795_348_800_000)
        request.write(to: &json, today: Day(number: 20_773))
        #expect(
            json.text == #"{"number":7,"site":"coalition","kind":"erase","by":"visitor","received":"2026-11-16","#
                + #""due":"2026-12-16","state":"done","closed":"2026-11-22T12:00:00Z"}"#)
        var random = SplitMix(state: 1)
        for visitor in [nil, VisitorID(random: &random)] {
            let noted = ReceivedRequest(.access, site: "coalition", visitor: visitor, received: Day(number: 20_773))
            #expect(try ReceivedRequest(parsing: noted.body) == noted)
        }
        for received in [nil, Day(number: 20_773)] {
            let erase = EraseRequest(site: "coalition", visitor: VisitorID(random: &random), received: received)
            #expect(try EraseRequest(parsing: erase.body) == erase)
        }
        let closed = ClosedRequest(request: 9, isDeclined: true)
        #expect(try ClosedRequest(parsing: closed.body) == closed)
        #expect(try ClosedRequest(parsing: Array(#"{"request":9}"#.utf8)).isDeclined == false)
    }

    @Test(
        "A body that says something else names the field",
        arguments: [
            (#"{"site":"a","received":"2026-11-16"}"#, "kind: is missing"),
            (#"{"kind":"sell","site":"a","received":"2026-11-16"}"#, "kind: must be access or erase"),
            (#"{"kind":"access","received":"2026-11-16"}"#, "site: is missing"),
            (#"{"kind":"access","site":"a"}"#, "received: is missing"),
            (#"{"kind":"access","site":"a","received":"16.11.2026"}"#, "received: must be a date"),
            (#"{"kind":"access","site":"a","received":"2026-02-30"}"#, "received: must be a date"),
            (#"{"kind":"access","site":"a","received":"2026-11-16","visitor":"12"}"#, "visitor: must be 32 hex digits"),
            (#"{"kind":"access","kind":"erase","site":"a","received":"2026-11-16"}"#, "kind: is there twice"),
        ])
    func bodies(body: String, says: String) {
        let error = #expect(throws: BadRequest.self) { try ReceivedRequest(parsing: Array(body.utf8)) }
        #expect(error?.description.hasPrefix(says) == true, "\(error?.description ?? "")")
    }

    @Test(
        "An end without a number is none",
        arguments: ["{}", #"{"request":0}"#, #"{"request":1.5}"#, #"{"request":-1}"#])
    func ends(body: String) {
        #expect(throws: BadRequest.self) { try ClosedRequest(parsing: Array(body.utf8)) }
    }
}
