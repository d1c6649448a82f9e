// Counting and sending, for a visitor who accepted.

const BATCH_EVENTS = 64;
const BATCH_BYTES = 60 * 1024;
const URL_LENGTH = 4096;
const TITLE_LENGTH = 500;
const KEPT_FOR = 30 * MINUTE;
// Refusals of the server after which this page has nothing more to send.
const FINAL = ["no_consent", "expired", "notice_changed", "withdrawn", "gpc", "dnt", "bot", "host"];
const SHARE = new RegExp("^https?://([a-z0-9-]+\\.)*(facebook\\.com/(sharer|share\\.php|dialog/share)|"
    + "(twitter|x)\\.com/(intent/(tweet|post)|share)|wa\\.me/\\?|whatsapp\\.com/send|(t|telegram)\\.me/share|"
    + "linkedin\\.com/(sharing/|shareArticle|feed/\\?shareActive))", "i");

let view = null; // the pageview that engagement belongs to
let seen = false; // whether this page or route has been looked at
let arrivedFrom = document.referrer;
let settling = 0; // timer of a route that waits for its title
let listening = false;
let since = 0; // when the visitor's attention began; 0: elsewhere
let engaged = 0;
let deepest = 0;
let said = 0;
let frame = 0;
let address = location.href;
const played = new WeakSet();
const ended = new WeakSet();

let queue = []; // events that wait for a request
let sending = []; // those of the request under way
let abort = null;
let timer = 0;
let attempt = 0;
let notBefore = 0;

function fit(url) {
    return url.length > URL_LENGTH ? bare(url).slice(0, URL_LENGTH) : url;
}

/// Counts the page when it is first looked at: not while it is prerendered or waits in a tab behind.
function look(delay) {
    if (seen || hidden()) return;
    seen = true;
    sync();
    if (collecting()) begin(arrivedFrom, delay);
}

function begin(referrer, delay) {
    view = { url: fit(location.href), referrer: fit(referrer), at: now() };
    since = engaged = deepest = said = 0;
    attend();
    depth();
    if (delay) settling = setTimeout(arrive, delay);
    else arrive();
}

function arrive() {
    if (view.counted) return;
    clearTimeout(settling);
    view.counted = true;
    push({
        type: "pageview", url: view.url, title: document.title.slice(0, TITLE_LENGTH).replace(/[\uD800-\uDBFF]$/, ""),
        referrer: view.referrer || undefined, zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    }, view.at);
}

function attend() {
    const at = now();
    if (since) engaged += at - since;
    since = view && !hidden() && document.hasFocus() ? at : 0;
}

function depth() {
    const root = document.scrollingElement || document.documentElement;
    const reached = Math.round((100 * (root.scrollTop + root.clientHeight)) / root.scrollHeight);
    deepest = Math.max(deepest, Math.min(100, reached || 0));
}

function report() {
    if (!view) return;
    arrive();
    attend();
    depth();
    if (engaged < SECOND && deepest <= said) return;
    const seconds = Math.min(3600, Math.round(engaged / 100) / 10);
    push({ type: "engagement", url: view.url, seconds, scroll: deepest });
    engaged = 0;
    said = deepest;
}

function leave() {
    report();
    flush(true);
}

/// A route of a single-page application: counted if path or query are new, unless they were only replaced.
function route(replaced) {
    const left = address;
    address = location.href;
    if (replaced || left.split("#")[0] === address.split("#")[0] || !collecting()) return;
    report();
    view = null;
    seen = false;
    arrivedFrom = left;
    look(100);
}

function action(name, target) {
    const place = target ? fit(bare(target)) : undefined;
    push({ type: "action", url: fit(location.href), name, target: place });
}

function track(name, options) {
    if (!collecting() || !/^[a-z][a-z0-9_]{0,31}$/.test(name)) return false;
    action(name, options && options.target ? resolve(options.target) : "");
    return true;
}

function clicked(event) {
    if (!event.isTrusted || !collecting() || (event.type === "auxclick" && event.button !== 1)) return;
    const path = event.composedPath().filter((each) => each.nodeType === 1);
    if (path.some((each) => each.hasAttribute("data-assent"))) return;
    const link = path.find((each) => each.localName === "a" && typeof each.href === "string" && each.href);
    const has = (...names) => path.some((each) => names.some((name) => each.classList.contains(name)));
    const url = link ? link.href : "";
    const marked = path.find((each) => each.hasAttribute("data-assent-action"));
    if (marked) {
        const target = marked.getAttribute("data-assent-target") || url;
        const name = marked.getAttribute("data-assent-action");
        if (name !== "none") track(name, { target });
    } else if (link && (link.hasAttribute("download")
        || /\.(pdf|zip|docx|xlsx|pptx|odt|csv|epub|mp3|mp4|jpg|png)$/i.test(link.pathname))) action("download", url);
    else if (SHARE.test(url)) action("share", url);
    else if (has("load-more", "loadmore", "ajax-more")) action("load_more", url);
    else if (has("read-more", "readmore", "more-link", "btn-readmore")) action("read_more", url);
    else if (/^https?:/.test(url) && !SITE.hosts.includes(link.hostname)) action("outbound", url);
}

function media(event) {
    const first = event.type === "play" ? played : ended;
    if (!collecting() || event.target.localName !== "video" || first.has(event.target)) return;
    first.add(event.target);
    const file = event.target.currentSrc;
    action(event.type === "play" ? "video_play" : "video_complete", /^https?:/.test(file) ? file : "");
}

/// Once, when there is a consent: before it the page is not even listened to.
function listen() {
    if (listening) return;
    listening = true;
    address = location.href;
    const passive = { capture: true, passive: true };
    for (const name of ["click", "auxclick"]) document.addEventListener(name, clicked, passive);
    for (const name of ["play", "ended"]) document.addEventListener(name, media, passive);
    for (const name of ["focus", "blur"]) window.addEventListener(name, attend);
    document.addEventListener("scroll", () => {
        frame = frame || requestAnimationFrame(() => {
            frame = 0;
            depth();
        });
    }, passive);
    if (window.navigation) {
        navigation.addEventListener("currententrychange", (event) => route(event.navigationType === "replace"));
    } else {
        for (const name of ["pushState", "replaceState"]) {
            const original = history[name];
            history[name] = function () {
                const result = original.apply(this, arguments);
                route(name === "replaceState");
                return result;
            };
        }
        window.addEventListener("popstate", () => route());
    }
    if (!(navigator.connection && navigator.connection.saveData)) {
        setInterval(() => collecting() && !hidden() && report(), MINUTE);
    }
}

function push(fields, at) {
    const id = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => (byte + 256).toString(16).slice(1));
    queue.push({ id: id.join(""), at: at || now(), locale: language() || undefined, ...fields });
    queue = queue.slice(-BATCH_EVENTS);
    schedule(SECOND);
}

function schedule(wait) {
    if (!timer) timer = setTimeout(flush, Math.max(wait, notBefore - now()));
}

/// Drops what waits or is under way. A beacon that has left cannot be called back.
function forget() {
    queue = [];
    view = null;
    clearTimeout(settling);
    if (abort) abort.abort();
}

/// The oldest events that fit into one request, taken from the queue, and its body.
function take() {
    const events = [];
    const texts = [];
    let size = 0;
    while (queue.length) {
        const { at, ...fields } = queue[0];
        const text = JSON.stringify({ ...fields, age: Math.max(0, Math.round(now() - at)) });
        size += new TextEncoder().encode(text).length + 1;
        if (events.length && size > BATCH_BYTES) break;
        events.push(queue.shift());
        texts.push(text);
    }
    return { events, body: `{"site":"${SITE.id}","events":[${texts}]}` };
}

function flush(leaving) {
    clearTimeout(timer);
    timer = 0;
    if (stored() !== "granted") sync();
    queue = queue.filter((event) => now() - event.at < KEPT_FOR);
    if (!queue.length || !collecting()) return;
    if (leaving === true || hidden()) {
        const { events, body } = take();
        if (!navigator.sendBeacon(folder + "v1/events", body)) queue = events.concat(queue);
        else if (queue.length) flush(true);
        return;
    }
    if (sending.length) return; // its answer comes back here
    if (now() < notBefore) return schedule(0);
    const { events, body } = take();
    sending = events;
    abort = new AbortController();
    const giveUp = setTimeout(() => abort.abort(), PATIENCE);
    post("v1/events", body, abort.signal).then(answered, () => again(0)).then(() => {
        clearTimeout(giveUp);
        sending = [];
        if (queue.length) schedule(0);
    });
}

function answered(answer) {
    if (answer.status === 429 || answer.status >= 500) return again(Number(answer.headers.get("Retry-After")));
    attempt = 0;
    const detail = { stored: 0, duplicate: 0, refused: 0, reason: null };
    for (const pair of (answer.headers.get("Assent-Result") || "").split(" ")) {
        const [name, value] = pair.split("=");
        if (name in detail) detail[name] = name === "reason" ? value : Number(value);
    }
    debug("answer", answer.status, detail);
    const final = detail.reason && detail.reason.split(",").find((each) => FINAL.includes(each));
    if (final) {
        end(final);
        sync();
    }
    tell("sent", detail);
}

/// Keeps the events for another try with the same ids, in memory only.
function again(seconds) {
    if (!collecting()) return;
    queue = sending.concat(queue).slice(-BATCH_EVENTS);
    attempt += 1;
    const wait = seconds > 0 ? seconds : Math.min(60, 2 ** attempt) * (0.75 + Math.random() / 4);
    notBefore = now() + wait * SECOND;
}

