// Ties the rest to the page.

function start() {
    connect();
    document.addEventListener("click", (event) => {
        const hook = event.target.closest && event.target.closest('[data-assent="choices"],[data-assent="withdraw"]');
        if (!hook) return;
        event.preventDefault(); // the page's own control may be a link to the privacy page
        if (hook.dataset.assent === "choices") openChoices();
        else withdraw({ erase: true }, "settings");
    });
    document.addEventListener("visibilitychange", () => {
        if (hidden()) return leave();
        sync();
        attend();
        look();
        if (queue.length) schedule(0);
    });
    document.addEventListener("prerenderingchange", () => look());
    window.addEventListener("pagehide", () => {
        leave();
        channel.close(); // an open one may keep a page out of the back/forward cache
        channel = null;
    });
    window.addEventListener("pageshow", (event) => {
        if (!event.persisted) return;
        connect();
        sync();
        view = null;
        seen = false;
        arrivedFrom = "";
        look();
    });
    sync();
    look();
    ready = true;
    tell("ready", status());
}

/// How a site's own button was pressed, or null for what no visitor did just now.
function actOf(event) {
    if (!(event instanceof Event) || !event.isTrusted || now() - event.timeStamp > 5 * SECOND) return null;
    const key = event.type === "click" && !event.detail;
    return { click: key ? "key" : "click", keydown: "key", keyup: "key", submit: "click" }[event.type] || null;
}

function usable() {
    if (!SITE || !window.fetch || !window.Promise || !window.URL) return false;
    if (window.assent && window.assent.openChoices) return false; // loaded twice
    try {
        return data.site === SITE.id && Boolean(folder) && document.cookie !== null;
    } catch {
        return false; // a sandboxed frame may not even look for its cookies
    }
}

if (usable()) {
    Object.defineProperty(window, "assent", {
        enumerable: true,
        value: Object.freeze({
            status,
            grant(event) {
                const act = actOf(event);
                return act ? decide("granted", act, "api") : Promise.resolve(false);
            },
            refuse: () => decide("refused", undefined, "api"),
            withdraw: (options) => withdraw(options, "api"),
            track,
            openChoices,
        }),
    });
    if (document.body) start();
    else document.addEventListener("DOMContentLoaded", start);
}
