// Assent in the page: asks first, measures only after a yes. This file holds what is known and the choice; measure.js
// counts and sends, start.js ties both to the page. The three are the body of one function, `core`, and nothing of them
// becomes a global. banner.js and adapters.js are handed to it where they are part of what is served.
//
// <script defer src="/assent.js" data-site="ID"></script>; further attributes: data-api, data-consent ("banner", "api"
// or the name of another banner; any other name never collects), data-consent-key, data-locale, data-debug.
//
// The collector calls it with what it knows of the site, so that a page needs no request before the choice, and the same
// configuration gives the same bytes to everyone:
//   site      the site's id
//   hosts     its host names without ports, in lower case
//   notices   the notice that is shown in each language, as [language tag, SHA-256 of the text in hex, text], in the order of
//             the site's languages, but a longer tag before a shorter one that it begins with. The text is there beside
//             the banner only
//   banner    what banner.js has, or null
//   watch     what adapters.js has, or undefined

const SECOND = 1000;
const MINUTE = 60 * 1000;
const BATCH_EVENTS = 64;
const BATCH_LENGTH = 12 * 1024; // in UTF-16 units; with three bytes each, and one event more, 60 KiB
const KEPT_FOR = 30 * 60 * 1000;
const DOWNLOAD = /\.(pdf|zip|(doc|xls|ppt)x|odt|csv|epub|mp[34]|jpg|png)$/i;
const SHARE =
    /^\w+:..(\w+\.)?(facebook|twitter|x|whatsapp|telegram|linkedin|wa|t)\.(com|me)\/(\w+\/)?\??(share|intent|send|text)/i;

const script = document.currentScript;
const data = script.dataset;
const mode = data.consent || "banner";
const folder = (data.api ? data.api + "/" : script.src).replace(/\/*[^/]*$/, "/");

let choice = "unknown";
let source = null; // of a choice made on this page
let reason = null; // why nothing is collected, bar a choice against it
let over = null; // the same, for good on this page
let proof = mode === "banner" || mode === "api" ? null : "unproven"; // what keeps the other banner's yes from being one
let busy = 0; // the request about the choice that is under way

const channel = new BroadcastChannel("assent." + site); // to the other tabs of the site

const now = () => performance.now();

/// Listens before the page does, for it may keep events to itself.
const on = (names, listener) => {
    for (const name of names.split(" ")) window.addEventListener(name, listener, true);
};

const hidden = () => document.hidden || document.prerendering;

const tell = (name, detail) => {
    if ("debug" in data) console.info(name, detail);
    document.dispatchEvent(new CustomEvent("assent:" + name, { detail }));
};

/// The notice in the page's language, and none where there is none: such a page is never measured.
const notice = () => {
    const find = (tag) => notices.find(([locale]) => new RegExp(`^${locale}(-|$)`, "i").test(tag));
    const tag = data.locale || document.documentElement.lang;
    return tag ? find(tag) : find(location.pathname.split("/")[1]) || notices[0];
};

const privacy = () => {
    return `${folder}privacy?site=${site}&lang=${(notice() || "")[0]}`;
};

/// What the one cookie that is read says. Two of them (of the host and of its domain) must agree on a yes.
const stored = () => {
    const found = document.cookie.match(/\bassent_choice=\w*/g);
    return found ? /=(?!granted)/.test(found) ? "refused" : "granted" : "unknown";
};

const collecting = () => {
    return choice === "granted" && !reason;
};

const status = () => {
    const [locale = null, version = null] = notice() || [];
    return { choice, source, reason, locale, notice: version, pending: queue.length + sending.length };
};

/// Takes over what the cookie says now, and begins or ends what follows from it. `from` is the source of a choice that was
/// just made on this page.
const sync = (from) => {
    if (busy) return; // its answer will say
    const before = choice + reason;
    const cookie = stored();
    // Only an act on a page opened since brings a withdrawn consent back, so this page has to remember.
    if (choice === "granted" && cookie === "refused") over = "withdrawn";
    const signal = cookie === "unknown"
        && (navigator.globalPrivacyControl ? "gpc" : navigator.doNotTrack === "1" && "dnt");
    choice = signal ? "refused" : cookie;
    reason = over || signal || proof || (notice() ? null : "no_notice");
    source = from || source;
    if (collecting()) look(from);
    else forget();
    seen ||= !hidden();
    if (choice + reason !== before) tell("choice", status());
};

const end = (why) => {
    over = why;
    sync();
};

/// A request that is ended by `abort`.
const post = (path, body) => {
    abort = new AbortController();
    return fetch(folder + "v1/" + path, { method: "POST", body, keepalive: true, credentials: "include", signal: abort.signal });
};

/// Makes the choice what is wanted, by one request however often it is repeated meanwhile. Resolves to the answer, or
/// to whether it counts.
///
/// A withdrawal stops everything at once, here and in the other tabs, and it stays so even if the request fails. With
/// `withdrawal` it may be nothing else.
const decide = async (wanted, from, act, withdrawal) => {
    while (busy) await busy;
    const [locale, version] = notice() || [];
    const withdrawing = choice === "granted" && wanted === "refused";
    let done = stored() === wanted; // the answer to an earlier request may have come after this page did
    if (withdrawing) {
        end("withdrawn");
        channel.postMessage(over);
    } else if (withdrawal || wanted === "granted" && (!version || proof || !act || over === "withdrawn")) return;
    if (!done) {
        busy = post(withdrawing ? "withdraw" : "consent", JSON.stringify(
            withdrawing ? { site, ...withdrawal } : { site, choice: wanted, notice: version, locale, act, source: from },
        )).then((answer) => answer.ok && answer.json()).catch(() => 0);
        done = await busy;
        busy = 0;
        done = stored() === wanted && done;
    }
    if (done && !withdrawing) over = null;
    sync(done && from);
    channel.postMessage(0);
    return done;
};

const withdraw = async (from, options = {}) => {
    return await decide("refused", from, "", options) || { withdrawn: false };
};
