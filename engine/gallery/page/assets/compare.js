// Two pictures over each other, with a line between them that the user moves.

import {h, say, set} from "./dom.js";

export class Comparison {
    /** @param {{url: string, width: number, height: number}} original @param {{url: string, width: number, height: number, key: string}} rendition */
    constructor(original, rendition) {
        this.before = h("img", {class: "compare-before", alt: "The original", src: original.url});
        this.after = h("img", {class: "compare-after", alt: "The rendition", src: rendition.url});
        this.range = h("input", {type: "range", class: "compare-range", min: "0", max: "100", value: "50", "aria-label": "Share of the original that is shown",
                                 oninput: () => this.#move()});
        this.line = h("span", {class: "compare-line", "aria-hidden": "true"});
        this.problem = h("p", {class: "compare-problem"});
        this.element = h("figure", {class: "compare"}, this.after, this.before, this.line, h("span", {class: "compare-label left"}, "Original"),
                         h("span", {class: "compare-label right"}, "Rendition"), this.problem, this.range);
        this.before.addEventListener("error", () => say(this.problem, "The browser can't show this original."));
        this.show(rendition);
        this.#move();
    }

    /** @param {{url: string, width: number, height: number}} rendition */
    show(rendition) {
        if (this.after.getAttribute("src") !== rendition.url) {
            this.after.src = rendition.url;
        }
        if (rendition.width && rendition.height) {
            set(this.element, {style: {"aspect-ratio": `${rendition.width} / ${rendition.height}`}});
        }
    }

    #move() {
        set(this.element, {style: {"--share": `${this.range.value}%`}});
    }
}
