// Starts the page: who is logged in, the frame with its three views, and the keys that work everywhere.

import {api, post, session as sessions} from "./api.js";
import {acceptDrops, chooseFiles} from "./drop.js";
import {fill, h, icon, isTyping, set} from "./dom.js";
import {Gallery} from "./gallery.js";
import {LiveEvents} from "./events.js";
import {loginView, useToken} from "./login.js";
import {announce, complain, note} from "./notes.js";
import {nextTheme, showHelp, userMenu} from "./menu.js";
import {address, go, route} from "./router.js";
import {Uploads} from "./uploads.js";
import {UploadPanel} from "./upload_panel.js";

const VIEWS = /** @type {[string, string][]} */ ([["photos", "Photos"], ["system", "System"], ["pipelines", "Pipelines"]]);
const AWAY_MS = 1500;

const app = /** @type {HTMLElement} */ (document.getElementById("app"));
/** @type {Page | null} */
let page = null;

class Page {
    /** @type {Record<string, {element: HTMLElement, show: (shown: boolean) => void}>} */
    #views = {};
    #awayTimer = 0;

    /** @param {any} session the server's answer */
    constructor(session) {
        this.session = session;
        this.live = new LiveEvents();
        this.uploads = new Uploads(session);
        this.gallery = new Gallery(session, this.live, this.uploads, (folder) => this.choose(folder));
        this.main = h("main", {id: "main", tabindex: "-1"}, this.gallery.element);
        this.#views.photos = this.gallery;
        this.away = h("p", {class: "away", role: "status"});
        this.away.hidden = true;
        this.links = VIEWS.map(([view, text]) => h("a", {class: "nav-link", href: `#view=${view}`, "data-view": view, onclick: (/** @type {MouseEvent} */ event) => {
            event.preventDefault();
            this.#goTo(view);
        }}, icon(view), h("span", {}, text)));
        this.upload = h("button", {type: "button", class: "button primary upload-button", title: "Upload photos (U)", onclick: () => this.choose(false)},
                        icon("upload"), h("span", {}, "Upload"));
        this.upload.hidden = session.features.upload === false;
        this.element = h("div", {class: "page"}, this.#header(), this.away, this.main, new UploadPanel(this.uploads).element);
        this.#listen();
    }

    #header() {
        return h("header", {class: "top"}, h("a", {class: "brand", href: "#", "aria-label": "Thumbwheel, all photos", onclick: (/** @type {MouseEvent} */ event) => {
            event.preventDefault();
            go({view: "photos", photo: "", q: "", tag: [], from: "", to: "", colour: "", state: ""});
            scrollTo({top: 0, behavior: "instant"});
        }}, h("img", {src: "assets/logo.svg", alt: "", width: "28", height: "28"}), h("span", {}, "Thumbwheel")),
        h("nav", {class: "nav", "aria-label": "Views"}, ...this.links), this.gallery.search.box, this.upload,
        userMenu(this.session, () => this.#logOut()));
    }

    #listen() {
        addEventListener("route", () => this.#show());
        acceptDrops((files) => this.#take(files), () => page === this && this.session.features.upload !== false && !document.querySelector("dialog[open]"));
        this.live.addEventListener("offline", () => (this.#awayTimer = setTimeout(() => this.#showAway(true), AWAY_MS)));
        this.live.addEventListener("online", () => this.#showAway(false));
        addEventListener("keydown", (event) => this.#key(event));
    }

    /** @param {boolean} away */
    #showAway(away) {
        clearTimeout(this.#awayTimer);
        if (away === this.away.hidden) {
            fill(this.away, away && h("span", {class: "tile-spinner"}), away && "Thumbwheel does not answer. Connecting again…");
            this.away.hidden = !away;
            if (!away) {
                announce("Connected again");
            }
        }
    }

    start() {
        this.live.start();
        this.#show();
        this.gallery.follow();
    }

    /** After the user has logged in again. */
    resume() {
        this.live.start();
        this.uploads.resume();
        if (this.gallery.photos.loaded) {
            this.gallery.photos.changed();
        } else {
            this.start();
        }
    }

    /** @param {string} view */
    #goTo(view) {
        go({view, photo: ""});
        scrollTo({top: 0, behavior: "instant"});
    }

    async #show() {
        const {view} = route();
        if (!this.#views[view]) {
            await this.#load(view);
        }
        for (const [name, one] of Object.entries(this.#views)) {
            one.show(name === route().view);
        }
        for (const link of this.links) {
            set(link, {"aria-current": link.dataset.view === route().view ? "page" : null, href: address({view: link.dataset.view, photo: ""})});
        }
        document.body.dataset.view = route().view;
        document.title = `${VIEWS.find(([name]) => name === route().view)?.[1]} – Thumbwheel`;
    }

    /** Views other than the photos are loaded when they are first opened. @param {string} view */
    async #load(view) {
        try {
            if (view === "system") {
                const {SystemView} = await import("./system.js");
                this.#views.system ??= new SystemView(this);
            } else {
                const {PipelinesView} = await import("./pipelines.js");
                this.#views.pipelines ??= new PipelinesView(this);
            }
            this.main.append(this.#views[view].element);
        } catch (error) {
            note("This view could not be loaded. Reload the page.", {kind: "error"});
            throw error;
        }
    }

    /** @param {boolean} folder */
    choose(folder) {
        chooseFiles({folder, accept: this.session.accept ?? []}, (files) => this.#take(files));
    }

    /** @param {{file: File, path: string}[]} files */
    #take(files) {
        if (!this.uploads.add(files) && !this.uploads.refused.length) {
            note("There are no photos in it.");
        }
    }

    /** @param {KeyboardEvent} event */
    #key(event) {
        if (page !== this || isTyping(event) || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) {
            return;
        }
        const run = /** @type {Record<string, () => void>} */ ({
            "/": () => (go({view: "photos"}), this.gallery.search.focus()), "?": showHelp, "u": () => this.choose(false), "t": nextTheme,
            "1": () => this.#goTo("photos"), "2": () => this.#goTo("system"), "3": () => this.#goTo("pipelines"),
        })[event.key];
        if (run) {
            event.preventDefault();
            run();
        }
    }

    async #logOut() {
        try {
            await post("/api/logout");
        } catch (error) {
            if (/** @type {any} */ (error).status !== 401) {
                complain(error);
                return;
            }
        }
        location.replace(location.pathname); // nothing of the session stays in memory
    }
}

/** @param {string} problem */
function showLogin(problem) {
    window.early?.clear(); // those responses are for whoever had not logged in
    page?.live.stop();
    document.querySelectorAll("dialog").forEach((one) => one.close());
    document.body.dataset.view = "login";
    document.title = "Log in – Thumbwheel";
    fill(app, loginView(problem, start));
    /** @type {HTMLElement | null} */ (app.querySelector("#login-user"))?.focus();
}

async function start() {
    try {
        const session = await api("GET", "/api/session", undefined, {quiet: true});
        app.removeAttribute("aria-busy");
        if (page && page.session.user !== session.user) {
            location.reload(); // nothing that another user has seen or begun stays
            return;
        }
        const again = page !== null;
        page ??= new Page(session);
        fill(app, page.element);
        document.body.dataset.view = route().view;
        again ? page.resume() : page.start();
    } catch (error) {
        const {status} = /** @type {any} */ (error);
        app.removeAttribute("aria-busy");
        if (status === 401) {
            showLogin(startProblem);
        } else {
            unreachable(/** @type {Error} */ (error));
        }
    }
}

/** @param {Error} error */
function unreachable(error) {
    fill(app, h("main", {class: "login", id: "main"}, h("div", {class: "login-card"}, h("h1", {}, "Thumbwheel"),
        h("p", {role: "alert"}, error.message), h("button", {type: "button", class: "button primary", onclick: start}, icon("retry"), "Try again"))));
}

let startProblem = "";
sessions.addEventListener("login", () => {
    if (document.body.dataset.view !== "login") {
        showLogin("Your session has ended. Log in again.");
    }
});
addEventListener("hashchange", async () => {
    if (/[#&]token=/.test(location.hash)) { // the link was pasted into the address bar of an open page
        startProblem = await useToken();
        start();
    }
});
startProblem = await useToken();
await start();
