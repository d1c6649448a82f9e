// Ties the rest to the page.

/// How a site's own button was pressed, or nothing for what no visitor did just now.
const actOf = (event) => {
    return event instanceof Event && event.isTrusted && now() - event.timeStamp < 5000
        && /^(click|submit|key(down|up))$/.test(event.type) && (event.detail === 0 ? "key" : "click");
};

const open = mode === "banner" ? banner?.(notice, status, stored, decide, withdraw, actOf, privacy)
    : watch?.(mode, data.consentKey, status, decide, withdraw, (why) => {
        proof = why;
        sync();
    }, privacy);
if (data.site === site && fetch && Promise && URL && !window.assent?.track) {
    window.assent = Object.freeze({
        status,
        grant: async (event) => !!await decide("granted", "api", actOf(event)),
        refuse: async () => !!await decide("refused", "api"),
        withdraw: (options) => withdraw("api", options),
        track: (name, options) => act(name, options?.target),
        openChoices: () => open ? open() : location = privacy(),
    });
    // The other tabs say that the cookie has changed, or why it is about to.
    channel.onmessage = (event) => end(event.data || over);
    on("visibilitychange prerenderingchange", () => {
        sync();
        report();
        flush();
    });
    on("pageshow", (event) => event.persisted && arrive(""));
    sync();
    tell("ready", status());
}
