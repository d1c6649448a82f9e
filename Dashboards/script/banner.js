// The built-in banner and what stays of it: the lasting control, the panel, the status line.

const WORDS = {
    en: {
        title: "Visit statistics: your choice", accept: "Accept", refuse: "Refuse", more: "More about privacy",
        choices: "Privacy choices", withdraw: "Withdraw consent",
        granted: "Accepted. You can change your choice at any time.",
        refused: "Refused. Nothing is measured.",
        withdrawn: "Consent withdrawn. Nothing more is measured.",
        failed: "Your choice could not be saved. Please try again.",
        again: "Consent withdrawn on this page. To accept again, reload it first.",
    },
    fr: {
        title: "Statistiques de visite : votre choix", accept: "Accepter", refuse: "Refuser",
        more: "En savoir plus sur la vie privée",
        choices: "Choix de confidentialité", withdraw: "Retirer le consentement",
        granted: "Accepté. Vous pouvez changer d’avis à tout moment.",
        refused: "Refusé. Rien n’est mesuré.",
        withdrawn: "Consentement retiré. Plus rien n’est mesuré.",
        failed: "Votre choix n’a pas pu être enregistré. Veuillez réessayer.",
        again: "Consentement retiré sur cette page. Pour accepter à nouveau, rechargez-la d’abord.",
    },
    ar: {
        title: "إحصاءات الزيارات: الخيار لكم", accept: "قبول", refuse: "رفض", more: "المزيد عن الخصوصية",
        choices: "خيارات الخصوصية", withdraw: "سحب الموافقة",
        granted: "تم القبول. يمكنكم تغيير اختياركم في أي وقت.",
        refused: "تم الرفض. لا يُقاس أي شيء.",
        withdrawn: "تم سحب الموافقة. لن يُقاس أي شيء بعد الآن.",
        failed: "تعذّر حفظ اختياركم. يُرجى المحاولة مرة أخرى.",
        again: "تم سحب الموافقة في هذه الصفحة. للقبول من جديد، أعيدوا تحميلها أولاً.",
    },
};

let banner = null;
let panel = null;
let controls = null;
let withdrawing = null; // the withdraw button
let note = null;
let noteTimer = 0;
let sheet = null;
let room = null; // the rule that keeps the end of the page clear of the banner
let opener = null; // what had the focus before the panel

function make(tag, hook, text) {
    const element = document.createElement(tag);
    if (hook) element.dataset.assent = hook;
    if (tag === "button") element.type = "button";
    if (text) element.textContent = text;
    return element;
}

/// Gives an element the language of the page's notice, or of the words that stand in where there is no notice.
function speak(element) {
    const locale = language() || "en";
    element.lang = locale;
    element.dir = /^ar/i.test(locale) ? "rtl" : "ltr";
    return words(locale);
}

function dress() {
    if (sheet) return;
    sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    room = new CSSStyleSheet();
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet, room];
}

function fill(root) {
    const text = speak(root);
    const notice = SITE.notices[language()];
    const title = make("h2", "title", text.title);
    title.id = "assent-title";
    title.tabIndex = -1;
    root.setAttribute("aria-labelledby", title.id);
    const more = make("a", "more", text.more);
    more.href = privacy();
    const buttons = make("div", "buttons");
    for (const [hook, wanted] of [["accept", "granted"], ["refuse", "refused"]]) {
        const button = make("button", hook, text[hook]);
        button.className = "assent-choice";
        if (root === panel) button.setAttribute("aria-pressed", String(stored() === wanted));
        button.addEventListener("click", (event) => {
            // Pages can make clicks, but not trusted ones. One from the keyboard has no click count.
            if (!event.isTrusted) return;
            decide(wanted, event.detail ? "click" : "key", root === panel ? "settings" : "banner");
        });
        buttons.append(button);
    }
    const prose = make("div", "words");
    prose.append(title, make("p", "text", notice.text), more);
    root.append(prose, buttons);
    place(root);
}

function privacy() {
    return `${folder}privacy?site=${SITE.id}&lang=${language() || ""}`;
}

/// Brings the page's elements in line with the choice.
function show() {
    if (mode !== "banner") return;
    const asking = choice === "unknown" && !reason;
    if (asking && !banner) {
        dress();
        banner = make("section", "banner");
        banner.setAttribute("role", "region");
        fill(banner);
        document.body.prepend(banner);
        // Room below the page as high as the banner, so that it never wholly covers what has the focus.
        new ResizeObserver(() => {
            const height = banner ? banner.offsetHeight : 0;
            room.replaceSync(`html{scroll-padding-block-end:${height}px;padding-block-end:${height}px}`);
        }).observe(banner);
    } else if (!asking && banner) {
        banner.remove();
        banner = null;
        room.replaceSync("");
    }
    if (choice === "unknown" && !controls) return;
    dress();
    if (!controls) {
        controls = document.querySelector('[data-assent="choices"]');
        if (!controls) {
            const bar = make("div", "controls");
            controls = make("button", "choices", speak(bar).choices);
            bar.append(controls);
            document.body.append(bar);
        }
    }
    if (choice === "granted" && !withdrawing) {
        withdrawing = make("button", "withdraw");
        withdrawing.textContent = speak(withdrawing).withdraw;
        controls.after(withdrawing);
    } else if (choice !== "granted" && withdrawing) {
        if (document.activeElement === withdrawing) controls.focus();
        withdrawing.remove();
        withdrawing = null;
    }
}

function openChoices() {
    if (mode !== "banner" || !language()) location.assign(privacy());
    else if (banner) banner.querySelector("h2").focus();
    else if (!panel) {
        dress();
        opener = document.activeElement;
        panel = make("dialog", "panel");
        fill(panel);
        panel.addEventListener("close", closePanel);
        panel.addEventListener("click", (event) => {
            const { left, right, top, bottom } = panel.getBoundingClientRect();
            const { clientX: x, clientY: y } = event;
            const beside = x < left || x > right || y < top || y > bottom;
            if (event.target === panel && beside) closePanel();
        });
        document.body.append(panel);
        panel.showModal();
        panel.querySelector("h2").focus();
    }
}

function closePanel() {
    const closing = panel;
    if (!closing) return;
    panel = null;
    closing.close();
    closing.remove();
    const control = opener && opener !== document.body && opener.isConnected ? opener : controls;
    if (control) control.focus();
}

function place(home) {
    clearTimeout(noteTimer);
    if (!note) {
        note = make("p", "status");
        note.setAttribute("role", "status");
    }
    note.textContent = "";
    speak(note);
    home.append(note);
}

function say(word) {
    if (mode !== "banner") return;
    const home = panel || banner || document.body;
    dress();
    if (!note || note.parentNode !== home) place(home);
    clearTimeout(noteTimer);
    // A live region is read out only if it stood there before its words.
    noteTimer = setTimeout(() => {
        note.textContent = words(note.lang)[word];
        if (home === document.body) noteTimer = setTimeout(() => note.remove(), 8 * SECOND);
    }, 100);
}

function words(locale) {
    return WORDS[locale.split("-")[0].toLowerCase()];
}

const STYLE = `
:is([data-assent=banner],[data-assent=panel],[data-assent=controls],[data-assent=status],[data-assent=withdraw]),
:is([data-assent=banner],[data-assent=panel],[data-assent=controls]) *{all:revert}
[data-assent=banner],[data-assent=panel],[data-assent=controls],[data-assent=status],[data-assent=withdraw]{
--a-back:var(--assent-background,#fff);--a-text:var(--assent-color,#1b2127);
--a-button:var(--assent-button-background,#27313b);--a-label:var(--assent-button-color,#fff);
--a-accent:var(--assent-accent,#0b57a4);
box-sizing:border-box;font:1rem/1.5 system-ui,sans-serif;color:var(--a-text);text-align:start}
@media(prefers-color-scheme:dark){
[data-assent=banner],[data-assent=panel],[data-assent=controls],[data-assent=status],[data-assent=withdraw]{
--a-back:var(--assent-background,#1b2127);--a-text:var(--assent-color,#f1f3f5);
--a-button:var(--assent-button-background,#e4e9ee);--a-label:var(--assent-button-color,#14181c);
--a-accent:var(--assent-accent,#9ccbff)}}
[data-assent=banner]{position:fixed;inset-inline:0;inset-block-end:0;z-index:var(--assent-z,2147483000);
max-block-size:80vh;overflow:auto;padding:1rem max(1rem,50% - 36rem);background:var(--a-back);
border-block-start:2px solid var(--a-text)}
[data-assent=panel]{inset:0;margin:auto;max-block-size:90vh;inline-size:calc(100% - 2rem);max-inline-size:40rem;
overflow:auto;padding:1.25rem;background:var(--a-back);border:2px solid var(--a-text);border-radius:.5rem}
[data-assent=panel]::backdrop{background:#0009}
[data-assent=words] [data-assent=title]{margin:0 0 .25rem;font:inherit;font-size:1.125rem;font-weight:600;color:inherit}
[data-assent=words] [data-assent=text]{margin:0;max-inline-size:75ch;white-space:pre-line;overflow-wrap:anywhere}
[data-assent=words] [data-assent=more]{display:inline-flex;align-items:center;min-block-size:44px;color:var(--a-accent);
text-decoration:underline}
[data-assent=buttons]{display:grid;grid-template-columns:1fr 1fr;gap:.75rem;position:sticky;inset-block-end:0;
background:inherit}
[data-assent=buttons] .assent-choice{box-sizing:border-box;margin:0;min-block-size:48px;min-inline-size:6rem;
padding:.5rem 1rem;font:inherit;font-weight:600;color:var(--a-label);background:var(--a-button);border:2px solid var(--a-button);
border-radius:.375rem;cursor:pointer}
.assent-choice[aria-pressed=true]::before{content:"\\2713\\A0"}
[data-assent=controls]{display:flex;flex-wrap:wrap;flex-basis:100%;grid-column:1/-1;gap:.5rem;justify-content:center;
padding:1rem}
button[data-assent=withdraw],[data-assent=controls] button{box-sizing:border-box;margin:0;min-block-size:44px;
padding:.5rem 1rem;font:inherit;color:var(--a-text);background:var(--a-back);border:1px solid var(--a-text);border-radius:.375rem;cursor:pointer}
[data-assent=status]{margin:0;padding-block-start:.5rem;font-weight:600}
[data-assent=status]:empty{padding:0}
body>[data-assent=status]:not(:empty){position:fixed;inset-block-end:1rem;inset-inline:1rem;inline-size:fit-content;
max-inline-size:calc(100% - 2rem);margin-inline:auto;padding:.75rem 1rem;z-index:var(--assent-z,2147483000);
background:var(--a-back);border:2px solid var(--a-text);border-radius:.375rem}
:is([data-assent=banner],[data-assent=panel],[data-assent=controls]) :focus-visible,button[data-assent=withdraw]:focus-visible{
outline:3px solid var(--a-accent);outline-offset:2px}
@media(min-width:48em){[data-assent=banner]{display:grid;grid-template-columns:1fr auto;gap:0 2rem;align-items:center;
max-block-size:50vh}[data-assent=banner] [data-assent=status]{grid-column:1/-1}}
@media print{[data-assent=banner],[data-assent=controls],[data-assent=status]{display:none}}`;

