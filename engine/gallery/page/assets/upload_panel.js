// The drawer that shows the uploads. However many files there are, it lists only some of each kind.

import {fill, h, icon, iconButton, say, set} from "./dom.js";
import {announce} from "./notes.js";
import {bytes, duration, number, plural, visible} from "./formats.js";

const LISTED = {failed: 100, sending: 8, waiting: 12, cancelled: 12, done: 12};

export class UploadPanel {
    /** @type {Map<number, {element: HTMLElement, update: () => void}>} */
    #rows = new Map();
    #open = true;
    #said = 0;
    #wasActive = false;

    /** @param {import("./uploads.js").Uploads} uploads */
    constructor(uploads) {
        this.uploads = uploads;
        this.title = h("h2", {class: "uploads-title", id: "uploads-title"});
        this.facts = h("span", {class: "uploads-facts"});
        this.bar = h("progress", {class: "bar", max: "1", value: "0", "aria-labelledby": "uploads-title"});
        this.list = h("ul", {class: "uploads-list", role: "list", tabindex: "0", "aria-label": "Files"});
        this.more = h("p", {class: "uploads-more"});
        this.refused = h("details", {class: "uploads-refused"});
        this.fold = iconButton("down", "Fold the list of uploads", {"aria-expanded": "true", onclick: () => this.#toggle()});
        this.stop = h("button", {type: "button", class: "button small", onclick: () => uploads.cancelAll()}, "Cancel all");
        this.again = h("button", {type: "button", class: "button small", onclick: () => this.#retryAll()}, icon("retry"), "Try all again");
        this.dismiss = iconButton("close", "Close the list of uploads", {onclick: () => uploads.clear()});
        this.buttons = h("div", {class: "uploads-buttons"}, this.again, this.stop);
        this.body = h("div", {class: "uploads-body"}, this.list, this.more, this.refused, this.buttons);
        this.element = h("section", {class: "uploads", "aria-labelledby": "uploads-title"},
                         h("header", {class: "uploads-head"}, h("div", {class: "uploads-heading"}, this.title, this.facts), this.fold, this.dismiss),
                         this.bar, this.body);
        this.element.hidden = true;
        uploads.addEventListener("change", () => this.#update());
    }

    #toggle() {
        this.#open = !this.#open;
        this.body.hidden = !this.#open;
        const label = this.#open ? "Fold the list of uploads" : "Unfold the list of uploads";
        set(this.fold, {"aria-expanded": String(this.#open), "aria-label": label, title: label});
        this.element.classList.toggle("folded", !this.#open);
    }

    #retryAll() {
        this.uploads.items.filter(({state}) => state === "failed").forEach((item) => this.uploads.retry(item));
    }

    #update() {
        const {uploads} = this, all = uploads.items.length;
        this.element.hidden = all === 0 && uploads.refused.length === 0;
        document.body.classList.toggle("uploading", !this.element.hidden);
        if (this.element.hidden) {
            this.#wasActive = false;
            return;
        }
        const active = uploads.active, done = uploads.count("done"), failed = uploads.count("failed");
        const counted = all - uploads.count("cancelled");
        say(this.title, this.#titleText(active, done, failed, counted));
        const {size, loaded, speed} = uploads.totals;
        say(this.facts, active ? this.#speedText(size, loaded, speed) : "");
        this.bar.value = size ? loaded / size : 1;
        this.bar.hidden = !active;
        this.stop.hidden = !active;
        this.again.hidden = failed === 0;
        this.buttons.hidden = !active && failed === 0;
        this.dismiss.hidden = active;
        this.#tell(active, done, failed, counted);
        this.#listRows();
        this.#listRefused();
    }

    /** @param {boolean} active @param {number} done @param {number} failed @param {number} all */
    #titleText(active, done, failed, all) {
        if (active) {
            return `Uploading ${number(Math.min(done + 1, all))} of ${number(all)}`;
        }
        if (failed) {
            return `${plural(failed, "upload")} failed`;
        }
        return done ? `${plural(done, "photo")} uploaded` : all || this.uploads.items.length ? "Uploads cancelled" : "Nothing to upload";
    }

    /** @param {number} size @param {number} loaded @param {number} speed */
    #speedText(size, loaded, speed) {
        const amount = `${bytes(loaded)} of ${bytes(size)}`;
        return speed > 0 && loaded > 0 ? `${amount}, ${bytes(speed)}/s, ${duration((size - loaded) / speed * 1000)} left` : amount;
    }

    /** Tells a screen reader at each quarter, and at the end. @param {boolean} active @param {number} done @param {number} failed @param {number} all */
    #tell(active, done, failed, all) {
        const quarter = all ? Math.floor(done / all * 4) : 0;
        if (active && !this.#wasActive) {
            announce(`Uploading ${plural(all, "photo")}`);
            this.#said = 0;
        } else if (active && quarter > this.#said) {
            this.#said = quarter;
            announce(`${number(done)} of ${number(all)} uploaded`);
        } else if (!active && this.#wasActive) {
            announce(failed ? `${plural(failed, "upload")} failed` : `${plural(done, "photo")} uploaded`);
        }
        this.#wasActive = active;
    }

    #listRows() {
        /** @type {import("./uploads.js").Upload[]} */
        const shown = [];
        for (const state of /** @type {const} */ (["failed", "sending", "waiting", "cancelled", "done"])) {
            const some = this.uploads.items.filter((item) => item.state === state);
            shown.push(...(state === "done" ? some.slice(-LISTED.done).reverse() : some.slice(0, LISTED[state])));
        }
        const kept = new Set(shown.map(({number: key}) => key));
        for (const [key, row] of this.#rows) {
            if (!kept.has(key)) {
                row.element.remove();
                this.#rows.delete(key);
            }
        }
        shown.forEach((item, at) => {
            const row = this.#rows.get(item.number) ?? this.#newRow(item);
            if (this.list.children[at] !== row.element) {
                this.list.insertBefore(row.element, this.list.children[at] ?? null);
            }
            row.update();
        });
        const rest = this.uploads.items.length - shown.length;
        say(this.more, rest > 0 ? `and ${plural(rest, "more file")}` : "");
        this.more.hidden = rest <= 0;
    }

    /** @param {import("./uploads.js").Upload} item */
    #newRow(item) {
        const {uploads} = this, name = visible(item.path);
        const facts = h("span", {class: "upload-facts"}), bar = h("progress", {class: "bar thin", max: "1", value: "0", "aria-label": `Progress of ${name}`});
        const cancel = iconButton("close", `Cancel ${name}`, {onclick: () => uploads.cancel(item)});
        const again = iconButton("retry", `Try ${name} again`, {onclick: () => uploads.retry(item)});
        const mark = h("span", {class: "upload-mark"}, icon("check"));
        const element = h("li", {class: "upload"}, h("span", {class: "upload-name", title: name}, h("bdi", {}, name)), facts, bar, cancel, again, mark);
        const update = () => {
            const {state} = item, open = state === "waiting" || state === "sending";
            element.dataset.state = state;
            bar.value = item.file.size ? Math.min(1, item.loaded / item.file.size) : 0;
            bar.hidden = !open;
            cancel.hidden = !open;
            again.hidden = state !== "failed" && state !== "cancelled";
            mark.hidden = state !== "done";
            say(facts, factsOf(item));
        };
        const row = {element, update};
        this.#rows.set(item.number, row);
        return row;
    }

    #listRefused() {
        const {refused} = this.uploads;
        this.refused.hidden = refused.length === 0;
        if (refused.length && this.refused.dataset.count !== String(refused.length)) {
            this.refused.dataset.count = String(refused.length);
            fill(this.refused, h("summary", {}, `${plural(refused.length, "file")} left out`),
                 h("ul", {role: "list"}, ...refused.slice(0, 50).map(({path, reason}) =>
                     h("li", {}, h("bdi", {}, visible(path)), `: ${reason}`))));
        }
    }
}

/** @param {import("./uploads.js").Upload} item */
function factsOf(item) {
    const size = bytes(item.file.size);
    switch (item.state) {
    case "sending":
        return item.loaded ? `${Math.round(item.loaded / item.file.size * 100)}% of ${size}` : size;
    case "failed":
        return item.error;
    case "cancelled":
        return "Cancelled";
    case "done":
        return item.attempt > 1 ? `${size}, as ${visible(item.key.slice(item.key.lastIndexOf("/") + 1))}` : size;
    default:
        return `${size}, waiting`;
    }
}
