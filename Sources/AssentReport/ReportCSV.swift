internal import AssentCore
internal import AssentStore

extension Report {
    /// The tables that a report has as comma-separated values.
    public enum Table: String, Sendable, CaseIterable {
        case totals, campaigns, unattributed, pages, sources, locales, countries, devices, days, links, actions, trend
        case overlaps, consent, refusals, partitions
    }

    /// One table as comma-separated values (RFC 4180): a header, then a record for each row, with the names and the
    /// roundings of ``json()``. What cannot be given is empty. Of one campaign only, where only one was asked for, are
    /// `campaigns`, `overlaps`, the tables of rows and `actions`.
    /// - Throws: ``ReportError/request(_:)`` for a table that takes an option that was not given.
    public func csv(_ table: Table) throws(ReportError) -> [UInt8] {
        var lines: [[CSV.Field]]
        switch table {
        case .totals:
            lines = [["period"] + Self.names(Measure.ofTallies)]
            lines.append([.text("now")] + Self.fields(Measure.ofTallies, summary.totals))
            if let compared {
                lines.append([.text("compared")] + Self.fields(Measure.ofTallies, compared.totals))
                lines.append([.text("change")] + changes(Measure.ofTallies, summary.totals, compared.totals))
            }
        case .campaigns:
            let names = Measure.ofCampaigns.map(\.name)
            lines = [["id", "name"] + names.map { .text($0) } + names.map { .text("change_\($0)") } + ["folded"]]
            for campaign in campaigns {
                let (now, then) = (summary.campaigns[campaign], compared?.campaigns[campaign])
                lines.append(
                    [.text(site.campaigns[campaign].id), .text(site.campaigns[campaign].name)]
                        + Self.fields(Measure.ofCampaigns, now) + changes(Measure.ofCampaigns, now, then)
                        + [.text(now == nil ? "true" : "false")])
            }
        case .unattributed:
            lines = [
                Self.names(Measure.ofTallies), Self.fields(Measure.ofTallies, summary.unattributed),
            ]
        case .pages: lines = rows(.pages)
        case .sources: lines = rows(.sources)
        case .locales: lines = rows(.locales)
        case .countries: lines = rows(.countries)
        case .devices: lines = rows(.devices)
        case .days: lines = rows(.days)
        case .links:
            guard request.campaign != nil else {
                throw .request("Links are told of one campaign: give --campaign.")
            }
            lines = rows(.links)
        case .actions:
            let tally = onlyCampaign.map { summary.campaigns[$0]?.sums } ?? summary.totals
            lines = [["name", "count"]]
            lines += summary.actions(tally).map { [.text($0.name), .number(String($0.count))] }
        case .trend:
            guard case .table = request.trend else {
                throw .request("A trend needs its number of weeks: give --all-weeks.")
            }
            lines = trendLines
        case .overlaps:
            lines = [["first", "second", "visitors", "visits"]]
            lines += overlaps.map { overlap in
                [overlap.first, overlap.second].map { .text(site.campaigns[$0].id) }
                    + [overlap.visitors, overlap.visits].map { .number(String($0)) }
            }
        case .consent:
            lines = [["granted", "refused", "withdrawn", "opt_in_rate", "estimate", "estimate_low", "estimate_high"]]
            let estimate = choices.estimate(visits: summary.totals.visits)
            lines.append(
                [choices.granted, choices.refused, choices.withdrawn].map { .number(String($0)) }
                    + [choices.optInRate.map { Self.number($0.rounded(decimals: 4), decimals: 4) } ?? .none]
                    + [estimate?.visits, estimate?.low, estimate?.high].map { $0.map { .number(String($0)) } ?? .none })
        case .refusals:
            lines = [["reason", "events"]]
            lines += choices.refusals.sorted { $0.key < $1.key }.map { [.text($0.key), .number(String($0.value))] }
        case .partitions:
            lines = [["day", "state", "events", "sha256"]]
            lines += partitions.map { partition in
                [
                    .text(partition.day.description), .text(partition.isSealed ? "sealed" : "open"),
                    .number(String(partition.events)), .text(partition.contentSHA256),
                ]
            }
        }
        return lines.flatMap { CSV.line($0) }
    }

    /// The only campaign that was asked for.
    private var onlyCampaign: Int? { request.campaign == nil ? nil : campaigns.first }

    private func rows(_ dimension: Dimension) -> [[CSV.Field]] {
        let lines = summary.lines(dimension, ofCampaign: onlyCampaign)
        let names = Set(lines.flatMap { summary.actions($0.tally).map(\.name) }).sorted()
        let header: [CSV.Field] =
            ["key"] + Self.names(Measure.ofTallies) + names.map { .text("action_\($0)") } + ["folded_rows"]
        return [header]
            + lines.map { line in
                let counts = Dictionary(
                    summary.actions(line.tally).map { ($0.name, $0.count) },
                    uniquingKeysWith: { first, _ in first })
                return [.text(line.key)] + Self.fields(Measure.ofTallies, line.tally)
                    + names.map { line.tally == nil ? .none : .number(String(counts[$0] ?? 0)) }
                    + [.number(String(line.foldedRows))]
            }
    }

    private var trendLines: [[CSV.Field]] {
        let names = Measure.ofTallyTrends.map(\.name)
        let ids = campaigns.map { site.campaigns[$0].id }
        return [["week"] + names.map { .text($0) } + ids.map { .text("visits_\($0)") }]
            + trend.map { week in
                [.text(week.week.description)] + Self.fields(Measure.ofTallyTrends, week.totals)
                    + campaigns.map { week.campaigns[$0].map { .number(String($0.sums.visits)) } ?? .none }
            }
    }

    // MARK: Fields

    private static func names<Subject>(_ measures: [Measure<Subject>]) -> [CSV.Field] {
        measures.map { .text($0.name) }
    }

    private static func fields<Subject>(_ measures: [Measure<Subject>], _ subject: Subject?) -> [CSV.Field] {
        measures.map { measure in
            subject.flatMap(measure.value).map {
                number($0.rounded(decimals: measure.decimals), decimals: measure.decimals)
            } ?? .none
        }
    }

    private func changes<Subject>(
        _ measures: [Measure<Subject>], _ now: Subject?, _ then: Subject?
    ) -> [CSV.Field] {
        measures.map { $0.change(of: now, from: then, decimals: 4).map { Self.number($0, decimals: 4) } ?? .none }
    }

    private static func number(_ value: Int, decimals: Int) -> CSV.Field {
        .number(FixedPoint.text(value, decimals: decimals))
    }
}

extension CSV.Field: ExpressibleByStringLiteral {
    package init(stringLiteral value: String) { self = .text(value) }
}
