// Counting and sending, for a visitor who accepted.

let view; // the pageview that engagement belongs to
let seen; // whether this page or route has been looked at
let arrivedFrom = document.referrer;
let listening;
let since; // when the visitor's attention began; 0: elsewhere
let engaged;
let deepest;
let said; // the depth that was last sent

let queue = []; // events that wait for a request
let sending = []; // those of the request under way
let abort; // of that request
let attempt = 0;
let notBefore = 0;

/// Counts the page when it is first looked at, and the one on which a choice is made: not while it is prerendered or waits
/// in a tab behind. The title of a route comes a little after the route.
const look = (from) => {
    listen();
    if (view || hidden() || seen && !from) return;
    const current = view = push("pageview", location.href, {
        title: document.title, referrer: arrivedFrom || undefined,
        zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    });
    since = engaged = deepest = said = 0;
    attend();
    setTimeout(() => {
        if (view === current) view.title = document.title;
    }, 100);
};

/// Another page, as far as counting goes.
const arrive = (from) => {
    view = seen = null;
    arrivedFrom = from;
    sync();
};

/// Brings seconds and depth up to now.
const attend = () => {
    const reached = (100 * (scrollY + innerHeight)) / document.documentElement.scrollHeight + 0.5;
    deepest = Math.max(deepest, Math.min(100, reached | 0));
    if (since) engaged += now() - since;
    since = view && !hidden() && document.hasFocus() ? now() : 0;
};

const report = () => {
    attend();
    if (!view || engaged < SECOND && deepest <= said) return;
    push("engagement", view.url, { seconds: Math.min(3600, engaged / SECOND), scroll: deepest });
    engaged = 0;
    said = deepest;
};

/// A route of a single-page application: counted if path or query are new.
const route = (left) => {
    if (left.split("#")[0] === location.href.split("#")[0] || !collecting()) return;
    report();
    arrive(left);
};

const act = (name, target) => collecting() && /^[a-z][a-z\d_]{0,31}$/.test(name)
    && !!push("action", location.href, { name, target: target && `${target}`.split(/[?#]/)[0] });

const clicked = ({ target, isTrusted }) => {
    const near = (selector) => isTrusted && target.closest(selector);
    const marked = near("[data-assent-action],[data-assent]")?.dataset;
    const { href, hostname, pathname } = near("a[href]") || {};
    const name = marked ? marked.assentAction
        : near("a[download]") || DOWNLOAD.test(pathname) ? "download"
        : SHARE.test(href) ? "share"
        : near(".load-more,.loadmore,.ajax-more") ? "load_more"
        : near(".read-more,.readmore,.more-link,.btn-readmore") ? "read_more"
        : hostname && !hosts.includes(hostname) && "outbound";
    if (name && name !== "none") act(name, marked?.assentTarget || hostname && href);
};

const played = ({ target, type, isTrusted }) => {
    if (!isTrusted || target.localName !== "video" || target["assent" + type]) return;
    target["assent" + type] = act(type === "play" ? "video_play" : "video_complete", target.currentSrc);
};

/// Once, when there is a consent: before it the page is not even listened to.
const listen = () => {
    if (listening) return;
    listening = true;
    on("click", clicked);
    on("play ended", played);
    on("scroll focus blur", attend);
    if (window.navigation) {
        navigation.addEventListener("currententrychange",
            ({ navigationType, from }) => navigationType === "replace" || route(from.url));
    } else {
        const original = history.pushState;
        history.pushState = (...all) => {
            const left = location.href;
            original.apply(history, all);
            route(left);
        };
        on("popstate", () => view && route(view.url));
    }
    setInterval(flush, SECOND);
    if (!navigator.connection?.saveData) setInterval(report, MINUTE);
};

const push = (type, url, fields) => {
    const event = { id: crypto.randomUUID(), type, url, locale: notice()[0], age: now(), ...fields };
    queue = [...queue, event].slice(-BATCH_EVENTS);
    return event;
};

/// Drops what waits or is under way. A beacon that has left cannot be called back.
const forget = () => {
    queue = sending = [];
    view = null;
    abort?.abort();
};

/// Sends what waits: every second, and when the page is left.
const flush = () => {
    if (queue.length && stored() !== "granted") sync();
    if (!queue.length || !hidden() && (sending.length || now() < notBefore)) return;
    const events = [];
    let texts = "";
    while (queue.length && texts.length < BATCH_LENGTH) {
        const event = queue.shift();
        const age = now() - event.age | 0;
        if (age < KEPT_FOR) {
            texts += (texts && ",") + JSON.stringify({ ...event, age });
            events.push(event);
        }
    }
    const body = `{"site":"${site}","events":[${texts}]}`;
    if (!hidden()) {
        sending = events;
        post("events", body).then(answered, again).then(() => sending = []);
    } else if (navigator.sendBeacon(folder + "v1/events", body)) flush();
    else queue = [...events, ...queue];
};

const answered = ({ status, headers }) => {
    if (/429|5../.test(status)) return again(headers.get("Retry-After"));
    attempt = 0;
    const result = headers.get("Assent-Result") || "0 0 0";
    const [stored, duplicate, refused] = result.match(/\d+/g).map(Number);
    const reason = result.split("reason=")[1] || null;
    if (reason) end(reason); // what the server does not take of this page now it will not take later
    tell("sent", { stored, duplicate, refused, reason });
};

/// Keeps the events for another try with the same ids, in memory only.
const again = (seconds) => {
    queue = [...sending, ...queue].slice(-BATCH_EVENTS);
    notBefore = now() + SECOND * (+seconds || Math.min(60, 2 ** ++attempt) + Math.random());
};
