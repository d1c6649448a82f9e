// The built-in banner and what stays of it: the lasting control, the panel, the status line. It knows of the rest only
// what it is handed, and hands back what the rest may ask of it.

// Heading and lasting control, the two buttons, link, withdrawal; then what is said of a choice.
const WORDS = {
    en: [
        "Privacy choices", "Accept", "Refuse", "More about privacy", "Withdraw consent",
        "Accepted.", "Refused.", "Consent withdrawn.", "Not saved. Reload the page and try again.",
    ],
    fr: [
        "Choix de confidentialité", "Accepter", "Refuser", "En savoir plus", "Retirer le consentement",
        "Accepté.", "Refusé.", "Consentement retiré.", "Non enregistré. Rechargez la page et réessayez.",
    ],
    ar: [
        "خيارات الخصوصية", "قبول", "رفض", "المزيد عن الخصوصية", "سحب الموافقة",
        "تم القبول.", "تم الرفض.", "تم سحب الموافقة.", "لم يُحفظ الخيار. أعيدوا تحميل الصفحة وحاولوا مجددًا.",
    ],
};
const [ACCEPTED, WITHDRAWN, FAILED] = [5, 7, 8];

const page = document;
let banner;
let panel;
let controls;
let withdrawing; // the withdraw button
let note; // the status line
let sheet;
let words;

/// An element of the banner's own: a part of another, or a root in the page's language.
const make = (tag, hook, text, parent) => {
    const element = page.createElement(tag);
    if (hook) element.dataset.assent = hook;
    if (tag === "button") element.type = tag;
    if (parent) parent.append(element);
    else {
        if (!sheet) {
            sheet = new CSSStyleSheet();
            sheet.replaceSync(STYLE);
            page.adoptedStyleSheets = [...page.adoptedStyleSheets, sheet];
        }
        element.className = "assent";
        element.lang = notice()?.[0] || "en";
        words = WORDS[element.lang.slice(0, 2)];
        element.dir = words === WORDS.ar ? "rtl" : "ltr";
    }
    element.textContent = words[text] ?? text;
    return element;
};

/// The question, in a banner or a panel.
const ask = (tag, hook, from) => {
    const root = make(tag, hook, "");
    const heading = make("h2", "title", 0, root);
    heading.id = "assent-title";
    heading.tabIndex = -1;
    root.setAttribute("aria-labelledby", heading.id);
    make("p", "text", notice()[2], root);
    make("a", "more", 3, root).href = privacy();
    const buttons = make("div", "", "", root);
    ["accept", "refuse"].map((hook, index) => {
        const wanted = ["granted", "refused"][index];
        const button = make("button", hook, index + 1, buttons);
        if (tag === "dialog") button.ariaPressed = stored() === wanted;
        button.onclick = async (event) => { // pages can make clicks, but no acts of a visitor
            const act = actOf(event);
            if (act) say(await decide(wanted, from, act), ACCEPTED + index);
        };
    });
    return root;
};

/// Brings the page's elements in line with the choice.
const show = () => {
    if (!page.body) return page.addEventListener("DOMContentLoaded", show); // the script was not deferred
    const { choice, reason } = status();
    if (choice !== "unknown" || reason) {
        banner?.remove();
        banner = null;
    } else if (!banner) {
        banner = ask("section", "banner", "banner");
        banner.role = "region";
        page.body.prepend(banner);
    }
    if (choice !== "unknown" && !controls) {
        controls = page.querySelector("[data-assent=choices]");
        if (!controls) {
            const bar = make("p", "controls", "");
            controls = make("button", "choices", 0, bar);
            page.body.append(bar);
        }
    }
    if (choice !== "granted") {
        if (page.activeElement === withdrawing) controls.focus();
        withdrawing?.remove();
        withdrawing = null;
    } else if (!withdrawing) controls.after(withdrawing = make("button", "withdraw", 4));
};

const close = () => {
    panel?.remove();
    panel = null;
    controls?.focus();
};

const open = () => {
    if (!notice()) location = privacy();
    else if (banner) banner.firstChild.focus();
    else if (!panel) {
        panel = ask("dialog", "panel", "settings");
        panel.closedBy = "any";
        panel.onclose = close;
        page.body.append(panel);
        panel.showModal();
        panel.firstChild.focus();
    }
};

/// Says what came of a choice, where the visitor is. A live region is read out only if it stood there before its words.
const say = (done, word) => {
    if (done && panel) close();
    note?.remove();
    const line = note = make("b", "status", "");
    line.role = "status";
    (panel || banner || page.body).append(line);
    setTimeout(() => line.textContent = words[done ? word : FAILED], 100);
    setTimeout(() => line.remove(), 9000);
};

page.addEventListener("click", async (event) => {
    const hook = event.target.closest?.("[data-assent=choices],[data-assent=withdraw]");
    if (!hook) return;
    event.preventDefault(); // the page's own control may be a link to the privacy page
    if (hook.dataset.assent === "choices") open();
    else say((await withdraw("settings", { erase: true })).withdrawn, WITHDRAWN);
});
page.addEventListener("assent:ready", show);
page.addEventListener("assent:choice", show);

return open;
