-- Every number of a weekly report, from the table `events`, as DuckDB says it fastest. What has a dollar before it is
-- filled in by weekly.py: the borders of both weeks, and the rules of the configuration as conditions.

-- Addresses of both weeks: the page of the report, what is tagged as the source, and the campaigns as a set of bits, of
-- which bit 0 is the whole site. The rules are asked once for each distinct address, not for each event.
CREATE TEMP TABLE address AS
WITH asked AS (
    SELECT DISTINCT path, query, fragment FROM events WHERE time >= $then AND time < $after
), said AS (
    SELECT path, query, fragment AS word, lower(fragment) AS fragment,
        '/' || rtrim(regexp_replace(path, '^/((?i:$locales)(/|$$))?', ''), '/') AS page, $parameters
    FROM asked
)
SELECT path, query, word AS fragment, page, utm_source, $address_campaigns AS campaigns FROM said;

CREATE TEMP TABLE page AS
SELECT page AS key, row_number() OVER ()::INTEGER AS page FROM (SELECT DISTINCT page FROM address);

CREATE TEMP TABLE referrer AS
WITH asked AS (
    SELECT DISTINCT referrer_host FROM events WHERE time >= $then AND time < $after
), said AS (
    SELECT referrer_host, regexp_replace(referrer_host, '^www[.]', '') AS bare FROM asked
)
SELECT referrer_host, $referrer_campaigns AS campaigns,
    CASE WHEN bare IN ('', $own_hosts) THEN 'direct' ELSE coalesce(
        (SELECT name FROM (VALUES $known_referrers) AS known(suffix, name)
         WHERE bare = suffix OR ends_with(bare, '.' || suffix)
         ORDER BY length(suffix) DESC LIMIT 1), bare) END AS source
FROM said;

-- Events of both weeks with numbers for the visitor and the visit, which ends with the week and before a gap of more
-- than 30 minutes. One sort and a pass over it take two thirds of the time of windows by visitor.
CREATE TEMP TABLE event AS
WITH sorted AS (
    SELECT time >= $now AS now, visitor, time, kind, page.page, coalesce(nullif(locale, ''), 'unknown') AS locale,
        country, device, name, engaged, nullif(scroll, 255) AS scroll,
        1 | ((address.campaigns | referrer.campaigns) & ($running)) AS campaigns,
        coalesce(nullif(utm_source, ''), source) AS source
    FROM events JOIN address USING (path, query, fragment) JOIN page ON page.key = address.page
        JOIN referrer USING (referrer_host)
    WHERE time >= $then AND time < $after
    ORDER BY visitor, time
), begun AS (
    SELECT *, coalesce(now <> lag(now) OVER () OR visitor <> lag(visitor) OVER (), true) AS comes,
        time - lag(time) OVER () > 1800000 AS returns
    FROM sorted
)
SELECT * EXCLUDE (visitor, comes, returns), row_number() OVER () AS number,
    sum(comes::INTEGER) OVER (ROWS UNBOUNDED PRECEDING)::INTEGER AS visitor,
    sum((comes OR returns)::INTEGER) OVER (ROWS UNBOUNDED PRECEDING)::INTEGER AS visit
FROM begun;

-- What each set of campaigns has in it.
CREATE TEMP TABLE member AS
SELECT campaigns, unnest(list_filter(range(0, $groups), lambda each: campaigns & (1 << each) <> 0)) AS campaign
FROM (SELECT DISTINCT campaigns FROM event);

-- What a campaign, or the site, has of a page in a visit.
CREATE TEMP TABLE part AS
SELECT now, campaign, visit, page, locale, any_value(visitor) AS visitor, count(*) FILTER (kind = 0) AS pageviews,
    sum(engaged)::BIGINT AS engaged, max(scroll) AS deepest
FROM event JOIN member USING (campaigns)
GROUP BY now, campaign, visit, page, locale;

CREATE TEMP TABLE seen AS
SELECT now, campaign, visit, page, any_value(visitor) AS visitor, sum(pageviews)::BIGINT AS pageviews,
    sum(engaged)::BIGINT AS engaged, max(deepest) AS deepest
FROM part GROUP BY now, campaign, visit, page;

-- Visits as a whole: what only the first page view says, and the campaigns of all of them.
CREATE TEMP TABLE visit AS
WITH whole AS (
    SELECT now, visit, any_value(visitor) AS visitor, count(*) FILTER (kind = 2) AS actions,
        1 | coalesce(bit_or(campaigns) FILTER (kind = 0), 0) AS attributed,
        coalesce(min(number) FILTER (kind = 0), min(number)) AS first, count(*) FILTER (kind = 0) > 0 AS lands
    FROM event GROUP BY now, visit
), sums AS (
    SELECT visit, sum(pageviews)::BIGINT AS pageviews, sum(engaged)::BIGINT AS engaged,
        sum(deepest)::BIGINT AS scroll, count(deepest) AS scrolled
    FROM seen WHERE campaign = 0 GROUP BY visit
)
SELECT whole.now, whole.visit, whole.visitor, attributed, CASE WHEN lands THEN campaigns ELSE 1 END AS landed,
    CASE WHEN lands THEN source ELSE 'direct' END AS source, coalesce(nullif(country, ''), 'unknown') AS country,
    coalesce(nullif(device, ''), 'unknown') AS device, CASE $days END AS day,
    pageviews, sums.engaged, sums.scroll, scrolled,
    (pageviews = 1 AND actions = 0 AND sums.engaged < 10000)::INTEGER AS bounced
FROM whole JOIN event ON event.number = whole.first JOIN sums ON sums.visit = whole.visit;

CREATE TEMP TABLE attribution AS
WITH member AS (
    SELECT attributed, unnest(list_filter(range(0, $groups), lambda each: attributed & (1 << each) <> 0)) AS campaign
    FROM (SELECT DISTINCT attributed FROM visit)
)
SELECT visit.*, campaign FROM visit JOIN member USING (attributed);

-- MARK: totals
-- Of the site and each campaign in each week: what its events sum up to, what its visits are.
WITH events AS (
    SELECT now, campaign, sum(pageviews)::BIGINT AS pageviews, sum(engaged)::BIGINT AS engaged,
        coalesce(sum(deepest), 0)::BIGINT AS scroll, count(deepest) AS scrolled
    FROM seen GROUP BY now, campaign
), visits AS (
    SELECT now, campaign, count(DISTINCT visitor) AS visitors, count(*) AS visits,
        count(*) FILTER (landed & (1 << campaign) <> 0) AS landings,
        sum(bounced)::BIGINT AS bounced,
        coalesce(sum(bounced) FILTER (landed & (1 << campaign) <> 0), 0)::BIGINT AS bounced_landings
    FROM attribution GROUP BY now, campaign
), middles AS (
    SELECT now, campaign, median(matching) AS middle
    FROM (SELECT now, campaign, visit, sum(engaged) AS matching FROM seen GROUP BY now, campaign, visit)
        JOIN attribution USING (now, campaign, visit)
    GROUP BY now, campaign
)
SELECT now, campaign, coalesce(visitors, 0) AS visitors, coalesce(visits, 0) AS visits,
    coalesce(landings, 0) AS landings, pageviews, engaged, (middle * 2)::BIGINT AS twice_middle, scroll, scrolled,
    coalesce(bounced, 0) AS bounced,
    coalesce(bounced_landings, 0) AS bounced_landings
FROM events LEFT JOIN visits USING (now, campaign) LEFT JOIN middles USING (now, campaign);

-- MARK: unattributed
SELECT count(DISTINCT visitor) AS visitors, count(*) AS visits, coalesce(sum(pageviews), 0)::BIGINT AS pageviews,
    coalesce(sum(engaged), 0)::BIGINT AS engaged, coalesce(sum(scroll), 0)::BIGINT AS scroll,
    coalesce(sum(scrolled), 0)::BIGINT AS scrolled, coalesce(sum(bounced), 0)::BIGINT AS bounced
FROM visit WHERE now AND attributed = 1;

-- MARK: rows
-- Pages and locales by event, the others by visit, of the site and each campaign in the reported week.
WITH by_locale AS (
    SELECT campaign, visit, locale, any_value(visitor) AS visitor, sum(pageviews) AS pageviews, sum(engaged) AS engaged,
        sum(deepest) AS scroll, count(deepest) AS scrolled
    FROM part WHERE now GROUP BY campaign, visit, locale
), rows AS (
    SELECT campaign, 'pages' AS dimension, any_value(key) AS key, count(DISTINCT seen.visitor) AS visitors,
        count(*) AS visits, sum(seen.pageviews) AS pageviews, sum(seen.engaged) AS engaged, sum(deepest) AS scroll,
        count(deepest) AS scrolled, sum(bounced) AS bounced
    FROM seen JOIN visit USING (visit) JOIN page USING (page) WHERE seen.now GROUP BY campaign, page
    UNION ALL
    SELECT campaign, 'locales', locale, count(DISTINCT by_locale.visitor), count(*), sum(by_locale.pageviews),
        sum(by_locale.engaged), sum(by_locale.scroll), sum(by_locale.scrolled), sum(bounced)
    FROM by_locale JOIN visit USING (visit) GROUP BY campaign, locale
    UNION ALL
    SELECT campaign,
        CASE GROUPING(source, country, device, day)
            WHEN 7 THEN 'sources' WHEN 11 THEN 'countries' WHEN 13 THEN 'devices' ELSE 'days' END,
        coalesce(source, country, device, day), count(DISTINCT visitor), count(*), sum(pageviews), sum(engaged),
        sum(scroll), sum(scrolled), sum(bounced)
    FROM attribution WHERE now
    GROUP BY GROUPING SETS ((campaign, source), (campaign, country), (campaign, device), (campaign, day))
)
SELECT campaign, dimension, key, visitors, visits, pageviews::BIGINT AS pageviews, engaged::BIGINT AS engaged,
    coalesce(scroll, 0)::BIGINT AS scroll, scrolled::BIGINT AS scrolled, bounced::BIGINT AS bounced
FROM rows ORDER BY campaign, dimension, CASE dimension WHEN 'days' THEN key END, visits DESC, rows.pageviews DESC, key;

-- MARK: actions
-- By name: of totals (no dimension), of unattributed visits (campaign -1), and of each row.
WITH acted AS (
    SELECT now, visit, page, locale, campaigns, name, count(*) AS count FROM event WHERE kind = 2
    GROUP BY now, visit, page, locale, campaigns, name
), by_event AS (
    SELECT now, campaign,
        CASE GROUPING(page, locale) WHEN 3 THEN '' WHEN 1 THEN 'pages' ELSE 'locales' END AS dimension,
        page, locale, name, sum(count)::BIGINT AS count
    FROM acted JOIN member USING (campaigns)
    GROUP BY GROUPING SETS ((now, campaign, name), (now, campaign, page, name), (now, campaign, locale, name))
)
SELECT now, campaign, dimension, coalesce(key, locale) AS key, name, count
FROM by_event LEFT JOIN page USING (page) WHERE now OR dimension = ''
UNION ALL
SELECT true, campaign,
        CASE GROUPING(source, country, device, day)
            WHEN 7 THEN 'sources' WHEN 11 THEN 'countries' WHEN 13 THEN 'devices' ELSE 'days' END,
    coalesce(source, country, device, day), name, sum(count)::BIGINT
FROM acted JOIN attribution USING (visit) WHERE acted.now
GROUP BY GROUPING SETS ((campaign, source, name), (campaign, country, name), (campaign, device, name),
    (campaign, day, name))
UNION ALL
SELECT true, -1, '', NULL, name, sum(count)::BIGINT
FROM acted JOIN visit USING (visit) WHERE acted.now AND attributed = 1 GROUP BY name;
