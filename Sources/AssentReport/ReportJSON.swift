import AssentCore
import AssentStore

extension Report {
    /// The report as `assent.report/1`: one line of JSON that ends with a line break, and the same bytes for the same
    /// data, configuration and request. Rates have four decimals, seconds and percent of scroll one, all rounded from
    /// exact quotients, a half away from zero. What cannot be given is `null`.
    public func json() -> [UInt8] {
        var json = JSONWriter(capacity: 64 * 1024)
        json.object { json in
            json.key("schema")
            json.string("assent.report/1")
            json.key("site")
            json.string(site.id)
            json.key("period")
            write(request.days, to: &json)
            json.key("totals")
            json.object { json in
                write(summary.totals, to: &json)
                json.key("change")
                writeChange(Measure.ofTallies, of: summary.totals, from: compared?.totals, to: &json)
            }
            json.key("compared")
            writeCompared(to: &json)
            json.key("campaigns")
            json.array { json in
                for campaign in campaigns { writeCampaign(campaign, to: &json) }
            }
            json.key("unattributed")
            json.object { json in
                write(summary.unattributed, to: &json)
                json.key("folded")
                json.boolean(summary.unattributed == nil)
            }
            json.key("overlaps")
            writeOverlaps(to: &json)
            writeTables(ofCampaign: nil, to: &json)
            if case .table = request.trend { writeTrend(to: &json) }
            json.key("consent")
            writeConsent(to: &json)
            json.key("estimate")
            writeEstimate(to: &json)
            json.key("privacy")
            json.object { json in
                json.key("minimum_group")
                json.integer(site.minimumGroup)
                json.key("folded_rows")
                json.integer(foldedRows)
            }
            json.key("partitions")
            json.array { json in
                for partition in partitions { write(partition, to: &json) }
            }
            json.key("damage")
            json.array { json in
                for sentence in damage { json.string(sentence) }
            }
        }
        json.endLine()
        return json.bytes
    }

    private func write(_ days: ClosedRange<Day>, to json: inout JSONWriter) {
        let week = ISOWeek(containing: days.lowerBound)
        json.object { json in
            json.key("week")
            json.string(week.days == days ? week.description : nil)
            json.key("from")
            json.string(days.lowerBound.description)
            json.key("to")
            json.string(days.upperBound.description)
            json.key("timezone")
            json.string(site.timezone.isEmpty ? "UTC" : site.timezone)
        }
    }

    private func writeCompared(to json: inout JSONWriter) {
        guard let compared, let days = request.comparedDays else { return json.null() }
        json.object { json in
            json.key("period")
            write(days, to: &json)
            json.key("totals")
            json.object { json in write(compared.totals, of: compared, to: &json) }
        }
    }

    private func writeCampaign(_ campaign: Int, to json: inout JSONWriter) {
        let tally = summary.campaigns[campaign]
        json.object { json in
            json.key("id")
            json.string(site.campaigns[campaign].id)
            json.key("name")
            json.string(site.campaigns[campaign].name)
            for measure in Measure.ofCampaigns { measure.write(tally, to: &json) }
            json.key("actions")
            writeActions(tally?.sums, of: summary, to: &json)
            json.key("folded")
            json.boolean(tally == nil)
            summary.hints[campaign]?.write(to: &json)
            json.key("change")
            writeChange(Measure.ofCampaigns, of: tally, from: compared?.campaigns[campaign], to: &json)
            writeTables(ofCampaign: campaign, to: &json)
        }
    }

    private func writeTables(ofCampaign campaign: Int?, to json: inout JSONWriter) {
        for dimension in dimensions(ofCampaign: campaign) {
            json.key(dimension.name)
            json.array { json in
                for line in summary.lines(dimension, ofCampaign: campaign) {
                    json.object { json in
                        json.key("key")
                        json.string(line.key)
                        write(line.tally, to: &json)
                        guard line.foldedRows > 0 else { return }
                        json.key("folded")
                        json.boolean(line.tally == nil)
                        json.key("folded_rows")
                        json.integer(line.foldedRows)
                    }
                }
            }
        }
    }

    private func write(_ tally: Tally?, of period: Summary? = nil, to json: inout JSONWriter) {
        for measure in Measure.ofTallies { measure.write(tally, to: &json) }
        json.key("actions")
        writeActions(tally, of: period ?? summary, to: &json)
    }

    private func writeActions(_ tally: Tally?, of period: Summary, to json: inout JSONWriter) {
        guard let tally else { return json.null() }
        json.object { json in
            for action in period.actions(tally) {
                json.key(action.name)
                json.integer(action.count)
            }
        }
    }

    private func writeChange<Subject>(
        _ measures: [Measure<Subject>], of now: Subject?, from then: Subject?, to json: inout JSONWriter
    ) {
        json.object { json in
            for measure in measures {
                json.key(measure.name)
                json.fixed(measure.change(of: now, from: then, decimals: 4), decimals: 4)
            }
        }
    }

    /// Of a week only what does not take its rows: scrolls are told page by page, medians visit by visit.
    private func writeTrend(to json: inout JSONWriter) {
        json.key("trend")
        json.array { json in
            for week in trend {
                json.object { json in
                    json.key("week")
                    json.string(week.week.description)
                    json.key("totals")
                    json.object { json in
                        for measure in Measure.ofTallyTrends { measure.write(week.totals, to: &json) }
                    }
                    json.key("campaigns")
                    json.array { json in
                        for campaign in campaigns {
                            json.object { json in
                                json.key("id")
                                json.string(site.campaigns[campaign].id)
                                for measure in Measure.ofCampaignTrends {
                                    measure.write(week.campaigns[campaign], to: &json)
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    private func writeConsent(to json: inout JSONWriter) {
        json.object { json in
            for (name, count) in [
                ("granted", choices.granted), ("refused", choices.refused), ("withdrawn", choices.withdrawn),
            ] {
                json.key(name)
                json.integer(count)
            }
            json.key("opt_in_rate")
            json.fixed(choices.optInRate?.rounded(decimals: 4), decimals: 4)
            json.key("refusals")
            json.object { json in
                for (reason, count) in choices.refusals.sorted(by: { $0.key < $1.key }) {
                    json.key(reason)
                    json.integer(count)
                }
            }
        }
    }

    private func writeEstimate(to json: inout JSONWriter) {
        guard let estimate = choices.estimate(visits: summary.totals.visits) else { return json.null() }
        json.object { json in
            json.key("label")
            json.string("estimate: visits ÷ opt-in rate, with its 95% Wilson interval")
            for (name, visits) in [("visits", estimate.visits), ("low", estimate.low), ("high", estimate.high)] {
                json.key(name)
                json.integer(visits)
            }
        }
    }

    private func write(_ partition: PartitionState, to json: inout JSONWriter) {
        json.object { json in
            json.key("day")
            json.string(partition.day.description)
            json.key("state")
            json.string(partition.isSealed ? "sealed" : "open")
            json.key("events")
            json.integer(partition.events)
            json.key("sha256")
            json.string(partition.contentSHA256)
        }
    }
}
