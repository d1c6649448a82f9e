"use strict";
// Assent in the page: asks first, measures only after a yes. This file holds what is known and the choice; banner.js
// asks, measure.js counts and sends, start.js ties them to the page. assets.c joins the four in one closure.
//
// <script defer src="/assent.js" data-site="ID"></script>; further attributes: data-api, data-consent ("banner" or
// "api"; any other name never collects), data-locale, data-debug.
//
// The collector puts what it knows about the site in the place of the comment and the `null` behind `const SITE =`:
//   {"id":"coalition","hosts":["www.example.org"],"locales":["en","ar"],
//    "notices":{"en":{"text":"…","version":"<SHA-256 of the text, 64 hex digits>"},"ar":{…}}}
// `hosts` are host names without ports, in lower case. `notices` holds one notice per language, the one to show.
// So a page needs no request before the choice, and the same configuration gives the same bytes to everyone.
const SITE = /*ASSENT:SITE*/null;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const PATIENCE = 30 * SECOND; // for an answer

const script = document.currentScript;
const data = script ? script.dataset : {};
const mode = data.consent || "banner";
const known = mode === "banner" || mode === "api";
const folder = data.api ? resolve(data.api.replace(/\/?$/, "/")) : script && bare(script.src).replace(/[^/]*$/, "");

let choice = "unknown";
let source = null; // of a choice made on this page
let reason = null; // why nothing is collected, bar a choice against it
let over = null; // the same, for good on this page
let busy = null; // the request about the choice that is under way
let asked = null; // what it asks for
let channel = null; // to the other tabs of the site
let ready = false;

function resolve(url) {
    try {
        return new URL(url, document.baseURI).href;
    } catch {
        return "";
    }
}

function bare(url) {
    return url.split(/[?#]/)[0];
}

function now() {
    return performance.now();
}

function hidden() {
    return document.visibilityState === "hidden" || document.prerendering === true;
}

function debug(...what) {
    if ("debug" in data) console.info("assent:", ...what);
}

function tell(name, detail) {
    document.dispatchEvent(new CustomEvent("assent:" + name, { detail }));
}

/// The language of the notice, or null: a page without a notice in its language is never measured.
function language() {
    const first = location.pathname.split("/")[1].toLowerCase();
    const wanted = data.locale || document.documentElement.lang
        || SITE.locales.find((each) => each.toLowerCase() === first) || SITE.locales[0] || "";
    for (let tag = wanted.toLowerCase(); tag; tag = tag.replace(/-?[^-]*$/, "")) {
        const found = Object.keys(SITE.notices).find((each) => each.toLowerCase() === tag);
        if (found && words(found)) return found;
    }
    return null;
}

/// What the one cookie that is read says. Two of them (of the host and of its domain) must agree on a yes.
function stored() {
    const found = document.cookie.split("; ").filter((each) => each.startsWith("assent_choice="));
    if (!found.length) return "unknown";
    return found.every((each) => each === "assent_choice=granted") ? "granted" : "refused";
}

function objection() {
    if (navigator.globalPrivacyControl === true) return "gpc";
    return navigator.doNotTrack === "1" ? "dnt" : null;
}

function collecting() {
    return choice === "granted" && !reason;
}

function status() {
    const locale = language();
    const notice = locale && SITE.notices[locale].version;
    return { choice, source, reason, locale, notice, pending: queue.length + sending.length };
}

/// Takes over what the cookie says now. `from` is the source of a choice that was just made on this page.
function sync(from) {
    if (busy) return; // its answer will say
    const before = choice + reason;
    const cookie = stored();
    // Only an act on a page opened since brings a withdrawn consent back, so this page has to remember.
    if (choice === "granted" && cookie === "refused") over = "withdrawn";
    const signal = cookie === "unknown" && !over && objection();
    choice = signal ? "refused" : cookie;
    reason = over || signal || (known ? null : "unproven") || (language() ? null : "no_notice");
    if (from) source = from;
    if (collecting()) listen();
    else forget();
    show();
    if (ready && choice + reason !== before) {
        debug("choice", choice, reason);
        tell("choice", status());
    }
}

/// The same after an act of the visitor: the page that is seen counts, those before it do not.
function resume(from) {
    sync(from);
    if (collecting() && !view) begin(arrivedFrom);
}

function end(why) {
    over = why;
    forget();
}

function post(path, body, signal = AbortSignal.timeout(PATIENCE)) {
    const headers = { "Content-Type": "text/plain;charset=UTF-8" };
    return fetch(folder + path, {
        method: "POST", body, headers, signal, keepalive: true, credentials: "include", cache: "no-store",
    });
}

/// One request for one act, however often it is repeated meanwhile. Resolves to whether the choice counts.
function decide(wanted, act, from) {
    const locale = language();
    if (busy) return wanted === asked ? busy : busy.then(() => decide(wanted, act, from));
    if (!locale || !known) return Promise.resolve(false);
    if (wanted === "refused" && choice === "granted") return withdraw({}, from).then((answer) => answer.withdrawn);
    if (stored() === wanted && (wanted === "refused" || !over)) {
        closePanel();
        resume(); // the answer may have come after this page did
        return Promise.resolve(true);
    }
    if (over === "withdrawn") {
        say("again");
        return Promise.resolve(false);
    }
    asked = wanted;
    const body = { site: SITE.id, choice: wanted, notice: SITE.notices[locale].version, locale, act, source: from };
    busy = post("v1/consent", JSON.stringify(body)).then((answer) => {
        if (wanted === "refused") return answer.ok;
        if (answer.status === 201 && stored() !== "granted") debug("no assent_choice here: cookies off, other domain?");
        return answer.status === 201 && stored() === "granted";
    }).catch(() => false).then((done) => {
        busy = null;
        if (!done) {
            say("failed");
            return false;
        }
        over = null;
        closePanel();
        resume(from);
        announce("changed");
        say(wanted);
        return true;
    });
    return busy;
}

/// Stops at once, here and in the other tabs, and stays so even if the request fails. Resolves to the answer.
function withdraw(options, from) {
    if (choice !== "granted") return Promise.resolve({ withdrawn: false });
    if (busy) return busy.then(() => withdraw(options, from));
    asked = "refused";
    end("withdrawn");
    announce("withdrawn");
    const body = { site: SITE.id, erase: options ? options.erase : undefined };
    const settled = post("v1/withdraw", JSON.stringify(body)).then((answer) => answer.ok ? answer.json() : null)
        .catch(() => null).then((answer) => {
            busy = null;
            if (answer) closePanel();
            sync(from);
            announce("changed");
            say(answer ? "withdrawn" : "failed");
            return answer || { withdrawn: false };
        });
    busy = settled.then((answer) => answer.withdrawn);
    return settled;
}

function announce(what) {
    if (channel) channel.postMessage(what);
}

function connect() {
    channel = new BroadcastChannel("assent." + SITE.id);
    channel.onmessage = (event) => {
        if (event.data === "withdrawn") end("withdrawn");
        sync();
    };
}
