// The search: words of the name at once; tags, colours, dates and states in a panel, and as chips that can be removed.

import {get} from "./api.js";
import {fill, h, icon, iconButton, set} from "./dom.js";
import {visible} from "./formats.js";
import {filterCount, go, route} from "./router.js";

const PAUSE_MS = 180;
/** The colours that the labeler names, as the server stores them. */
const COLOURS = /** @type {[string, string][]} */ ([
    ["Red", "#b9302c"], ["Orange", "#e08a2e"], ["Yellow", "#e6d34a"], ["Green", "#5c8a45"], ["Turquoise", "#4fa8a0"], ["Blue", "#4a78b5"],
    ["Purple", "#7d4f96"], ["Pink", "#e8a0b4"], ["Brown", "#7a5236"], ["Beige", "#d9c6a5"], ["White", "#f4f4f2"], ["Grey", "#808080"], ["Black", "#14120f"],
]);
const STATES = /** @type {[string, string][]} */ ([["done", "Done"], ["working", "In progress"], ["waiting", "Waiting"], ["rejected", "Rejected"]]);
const TAGS_SHOWN = 24;

/** The words of a tag: the labeler's tags are "name: value", or a name alone. @param {{name: string, value?: string}} tag */
export function tagText({name, value}) {
    return visible(value && value !== "true" && !/^\d{1,3}(\.\d+)?$/.test(value) ? `${name}: ${value}` : name);
}

/** @param {string} colour */
const colourName = (colour) => COLOURS.find(([, value]) => value === colour)?.[0] ?? colour;

export class Search {
    #timer = 0;

    /** @param {() => {name: string, value: string}[]} loadedTags tags of the photos that the page knows */
    constructor(loadedTags) {
        this.loadedTags = loadedTags;
        this.input = h("input", {type: "search", class: "search-input", placeholder: "Search by name or tag", "aria-label": "Search by name or tag",
                                 autocomplete: "off", spellcheck: "false", enterkeyhint: "search", maxlength: "200"});
        this.toggle = iconButton("filter", "Filters", {"aria-expanded": "false", "aria-controls": "filters", onclick: () => this.#show(this.panel.hidden)});
        this.panel = h("div", {class: "filters", id: "filters", role: "group", "aria-label": "Filters"});
        this.panel.hidden = true;
        this.box = h("div", {class: "search", role: "search"}, h("span", {class: "search-icon"}, icon("search")), this.input, this.toggle, this.panel);
        this.chips = h("ul", {class: "chips", role: "list", "aria-label": "Active filters"});
        this.tags = h("div", {class: "filter-tags"});
        this.colours = h("div", {class: "filter-colours"}, ...COLOURS.map(([name, value]) =>
            h("button", {type: "button", class: "swatch", "aria-label": name, title: name, "aria-pressed": "false", "data-colour": value,
                         style: {"--swatch": value}, onclick: () => go({colour: route().colour === value ? "" : value})}, icon("check"))));
        this.states = h("div", {class: "filter-states"}, ...STATES.map(([value, name]) =>
            h("button", {type: "button", class: "chip", "aria-pressed": "false", "data-state": value,
                         onclick: () => go({state: route().state === value ? "" : value})}, name)));
        this.from = this.#dateField("from");
        this.to = this.#dateField("to");
        fill(this.panel, h("h3", {}, "Tags"), this.tags, h("h3", {}, "Colour"), this.colours, h("h3", {}, "Date"),
             h("div", {class: "filter-dates"}, h("label", {}, "From ", this.from), h("label", {}, "to ", this.to)), h("h3", {}, "State"), this.states);
        this.#listen();
        this.update();
    }

    #listen() {
        this.input.addEventListener("input", () => {
            clearTimeout(this.#timer);
            this.#timer = setTimeout(() => go({q: this.input.value.trim()}, {replace: true}), PAUSE_MS);
            this.#suggest();
        });
        this.input.addEventListener("keydown", (event) => {
            if (event.key === "Enter") {
                clearTimeout(this.#timer);
                go({q: this.input.value.trim()}, {replace: true});
                this.#show(false);
            } else if (event.key === "Escape") {
                this.#escape(event);
            } else if (event.key === "ArrowDown") {
                event.preventDefault();
                this.#show(true);
                /** @type {HTMLElement | null} */ (this.panel.querySelector("button, input"))?.focus();
            }
        });
        this.panel.addEventListener("keydown", (event) => {
            if (event.key === "Escape") {
                event.stopPropagation();
                this.#show(false);
                this.toggle.focus();
            }
        });
        document.addEventListener("pointerdown", (event) => {
            if (!this.panel.hidden && !this.box.contains(/** @type {Node} */ (event.target))) {
                this.#show(false);
            }
        });
        addEventListener("route", () => this.update());
    }

    /** @param {KeyboardEvent} event */
    #escape(event) {
        event.preventDefault();
        if (!this.panel.hidden) {
            this.#show(false);
        } else if (this.input.value) {
            this.input.value = "";
            go({q: ""}, {replace: true});
        } else {
            this.input.blur();
        }
    }

    /** @param {boolean} open */
    #show(open) {
        this.panel.hidden = !open;
        set(this.toggle, {"aria-expanded": String(open)});
        if (open) {
            this.#loadTags();
        }
    }

    focus() {
        this.input.focus();
        this.input.select();
    }

    /** @param {"from" | "to"} name */
    #dateField(name) {
        return h("input", {type: "date", class: "field", min: "1970-01-01", max: "2999-12-31", onchange: (/** @type {Event} */ event) => {
            const field = /** @type {HTMLInputElement} */ (event.target);
            if (field.validity.valid) {
                go({[name]: field.value});
            }
        }});
    }

    async #loadTags() {
        /** @type {{name: string, value: string}[]} */
        let tags = [];
        try {
            tags = (await get("/api/tags")).tags;
        } catch {
            tags = this.loadedTags();
        }
        this.#known = tags;
        this.#suggest();
    }

    /** @type {{name: string, value: string}[]} */
    #known = [];

    /** The tags that fit what is in the field; all of them if none does. */
    #suggest() {
        if (this.panel.hidden) {
            if (this.input.value.trim().length > 1 && document.activeElement === this.input) {
                this.#show(true);
            }
            return;
        }
        const words = this.input.value.trim().toLowerCase(), chosen = route().tag;
        const fits = this.#known.filter((tag) => !words || tagText(tag).toLowerCase().includes(words));
        const shown = (fits.length ? fits : this.#known).slice(0, TAGS_SHOWN);
        fill(this.tags, ...shown.map((tag) => {
            const filter = filterOf(tag), on = chosen.includes(filter);
            return h("button", {type: "button", class: "chip", "aria-pressed": String(on), onclick: () => this.#toggleTag(filter, Boolean(words && fits.length))},
                     tagText(tag));
        }), !shown.length && h("p", {class: "quiet"}, "No photo has a tag yet."));
    }

    /** @param {string} filter @param {boolean} typed the words in the field were for the tag */
    #toggleTag(filter, typed) {
        const {tag} = route(), on = tag.includes(filter);
        if (typed) {
            this.input.value = "";
        }
        clearTimeout(this.#timer);
        go({tag: on ? tag.filter((one) => one !== filter) : [...tag, filter], ...(typed && {q: ""})});
    }

    /** Shows what the address says. */
    update() {
        const now = route();
        if (document.activeElement !== this.input && this.input.value.trim() !== now.q) {
            this.input.value = now.q;
        }
        this.from.value = now.from;
        this.to.value = now.to;
        for (const swatch of this.colours.children) {
            set(swatch, {"aria-pressed": String(/** @type {HTMLElement} */ (swatch).dataset.colour === now.colour)});
        }
        for (const state of this.states.children) {
            set(state, {"aria-pressed": String(/** @type {HTMLElement} */ (state).dataset.state === now.state)});
        }
        this.toggle.classList.toggle("on", filterCount(now) - Number(Boolean(now.q)) > 0);
        this.#suggest();
        this.#showChips(now);
    }

    /** @param {import("./router.js").Route} now */
    #showChips(now) {
        const chip = (/** @type {string} */ text, /** @type {Partial<import("./router.js").Route>} */ without, /** @type {string} */ colour = "") =>
            h("li", {}, h("button", {type: "button", class: "chip on", "aria-label": `Remove the filter ${text}`, onclick: () => go(without)},
                          colour && h("span", {class: "dot", style: {"--swatch": colour}}), text, icon("close")));
        const dates = now.from && now.to ? `${now.from} to ${now.to}` : now.from ? `since ${now.from}` : `until ${now.to}`;
        const chips = [
            now.q && chip(`“${visible(now.q)}”`, {q: ""}),
            ...now.tag.map((tag) => chip(visible(tag), {tag: now.tag.filter((one) => one !== tag)})),
            now.colour && chip(colourName(now.colour), {colour: ""}, now.colour),
            (now.from || now.to) && chip(dates, {from: "", to: ""}),
            now.state && chip(STATES.find(([value]) => value === now.state)?.[1] ?? now.state, {state: ""}),
        ].filter(Boolean);
        fill(this.chips, ...chips, chips.length > 1 && h("li", {}, h("button", {type: "button", class: "chip plain", onclick: clearFilters}, "Clear all")));
        this.chips.hidden = chips.length === 0;
    }
}

export function clearFilters() {
    go({q: "", tag: [], from: "", to: "", colour: "", state: ""});
}

/** A tag as a filter; a value that is a confidence does not count. @param {{name: string, value: string}} tag */
function filterOf({name, value}) {
    return value && value !== "true" && !/^\d{1,3}(\.\d+)?$/.test(value) ? `${name}:${value}` : name;
}
