// Consent that another banner collected. What it says counts only with evidence of an act: almost every interface of the
// kind says yes where nobody was asked.
//
// An adapter has how to open the other banner's settings (or nothing), and a function that makes its reading. The reading
// gives true for a grant with evidence, false for a no, and null for everything else; it throws, or gives undefined, where
// the other banner is not there. It is handed
//   all(keys, test)   over the keys (data-consent-key, else those): true if every test is true, false if one is false, else null
//   cookie(name)      the value of a cookie of that banner, decoded; "" where there is none

const watch = (adapters) => (mode, wanted, status, decide, withdraw, prove, privacy) => {
    const adapter = adapters[mode];
    if (!adapter) return;
    const source = "cmp:" + mode;
    const [settings, make] = adapter;
    let act; // of the visitor, on this page
    let before;
    const cookie = (name) => {
        const found = document.cookie.split("; ").find((each) => each.startsWith(name + "="));
        return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
    };
    const all = (keys, test) => {
        const said = (wanted || keys).split(",").map((key) => test(key.trim()));
        return said.every((each) => each === true) || (said.includes(false) ? false : null);
    };
    for (const name of ["pointerdown", "keydown"]) {
        document.addEventListener(name, (event) => {
            if (event.isTrusted) act = name === "keydown" ? "key" : "click";
        }, true);
    }
    const read = make(all, cookie);
    const judge = () => {
        let verdict;
        try {
            verdict = read();
        } catch { /* is a no */ }
        if (verdict === before && verdict !== undefined) return;
        const { choice } = status();
        const changed = act && before !== undefined;
        if (choice === "granted" && verdict !== true && (verdict === false || before)) withdraw(source);
        prove(verdict === undefined ? "no_cmp" : verdict === null ? "implied" : null);
        if (verdict === true && (choice === "unknown" || choice === "refused" && changed)) decide("granted", source, act || "click");
        if (verdict === false && choice === "unknown" && changed) decide("refused", source);
        before = verdict;
    };
    setInterval(judge, 500);
    return () => {
        try {
            settings();
        } catch {
            location = privacy();
        }
    };
};

// Cookie Consent v3 by orestbida. Without a valid consent, categories of the mode "opt-out" are accepted all the same.
adapters.cookieconsent = [() => CookieConsent.showPreferences(), (all) => () => {
    return CookieConsent.validConsent() ? all("analytics", (key) => CookieConsent.acceptedCategory(key)) : null;
}];

// Klaro. The manager's consents are a draft until they are saved.
adapters.klaro = [() => klaro.show(), (all) => {
    let manager;
    let saved;
    return () => {
        const found = klaro.getManager();
        if (found !== manager) {
            manager = found;
            const take = () => saved = all("assent", (key) => manager.getConsent(key));
            take();
            manager.watch({ update: (_, name) => name === "saveConsents" && take() });
        }
        return manager.confirmed ? saved : null;
    };
}];

// WP Consent API. Where no type is set there is no banner, and everything counts as allowed.
adapters.wp = [null, (all, cookie) => () => {
    return /optin/.test(wp_consent_type) ? all("statistics",
        (key) => /anonymous/.test(key) ? null : { allow: true, deny: false }[cookie("wp_consent_" + key)]) : null;
}];

// CookieYes v3. It writes its defaults on load; closing completes the visitor's action too.
adapters.cookieyes = [() => revisitCkyConsent(), (all, cookie) => () => {
    const { activeLaw, isUserActionCompleted, categories } = getCkyConsent();
    const written = cookie("cookieyes-consent");
    return activeLaw === "gdpr" && isUserActionCompleted && /action:yes/.test(written)
        ? all("analytics", (key) => /consent:yes/.test(written) && !!categories[key]) : null;
}];

// Complianz. Its functions allow everything for bots and outside opt-in regions.
adapters.complianz = [null, (all, cookie) => () => {
    return /optin/.test(window.wp_consent_type || complianz.consenttype) ? all("statistics",
        (key) => /anonymous/.test(key) ? null : { allow: true, deny: false }[cookie("cmplz_" + key)]) : null;
}];

// IAB TCF 2.2 and 2.3. While its dialogue is shown nothing new has been said; legitimate interest is no consent.
adapters.tcf = [null, (all) => {
    let asked;
    let said;
    return () => {
        asked ||= __tcfapi("addEventListener", 2, (data, done) => {
            if (!done || !/^(tcloaded|useractioncomplete)$/.test(data.eventStatus)) said ??= null;
            else {
                said = data.gdprApplies === true && data.isServiceSpecific !== false ? all("1,8",
                    (key) => !!(data.publisher?.consents?.[key] ?? data.purpose.consents[key])) : null;
            }
        }) || true;
        return said;
    };
}];

// Google Consent Mode. Only an update is an act; defaults are not.
adapters["consent-mode"] = [null, (all) => {
    const said = {};
    return () => {
        for (const entry of dataLayer) {
            if (entry[0] === "consent" && entry[1] === "update") Object.assign(said, entry[2]);
        }
        return all("analytics_storage", (key) => said[key] && said[key] === "granted");
    };
}];

// Cookiebot. The stamp -1 stands for a region where nobody is asked.
adapters.cookiebot = [() => Cookiebot.renew(), (all, cookie) => () => {
    const { consent, hasResponse } = Cookiebot;
    return hasResponse && consent.method === "explicit" && !/stamp:'-1'/.test(cookie("CookieConsent"))
        ? all("statistics", (key) => consent[key]) : null;
}];

// OneTrust. Its groups are written on load with the template's defaults.
adapters.onetrust = [() => OneTrust.ToggleInfoDisplay(), (all, cookie) => () => {
    const written = cookie("OptanonConsent");
    const groups = /groups=([^&]*)/.exec(written)[1].split(",");
    return cookie("OptanonAlertBoxClosed") && /AwaitingReconsent=false/.test(written)
        ? all("C0002", (key) => groups.includes(key + ":1")) : null;
}];

// Usercentrics, by its window event (v2) or its interface (v3).
adapters.usercentrics = [() => (window.__ucCmp || UC_UI).showSecondLayer(), (all) => {
    let said;
    const take = (type, given) => said = /^explicit$/i.test(type) ? all("Assent", given) : null;
    window.addEventListener("ucEvent", ({ detail }) => {
        if (detail?.event === "consent_status") take(detail.type, (key) => detail[key]);
    });
    return () => {
        window.__ucCmp?.getConsentDetails().then(({ consent, services }) => take(consent.type,
            (key) => Object.values(services).find((each) => each.name === key)?.consent.given));
        return said;
    };
}];

// Didomi. Where no consent is required, purposes are enabled without one.
adapters.didomi = [() => Didomi.preferences.show(), (all) => () => {
    return Didomi.isConsentRequired() && !Didomi.shouldConsentBeCollected() ? all("cookies,measure_content_performance",
        (key) => Didomi.getCurrentUserStatus().purposes[key]?.enabled) : null;
}];
