// Makes nodes. There is no innerHTML anywhere in the page: a name is always text.

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [props] attributes; `on…` are listeners, `style` sets properties, false and null are left out
 * @param {...(Node | string | number | false | null | undefined)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, props = {}, ...children) {
    const node = document.createElement(tag);
    set(node, props);
    append(node, children);
    return node;
}

/** @param {Element} node @param {Record<string, any>} props */
export function set(node, props) {
    for (const [name, value] of Object.entries(props)) {
        if (name.startsWith("on")) {
            node.addEventListener(name.slice(2), value);
        } else if (name === "style") {
            for (const [property, text] of Object.entries(value)) {
                /** @type {HTMLElement} */ (node).style.setProperty(property, String(text));
            }
        } else if (value === false || value === null || value === undefined) {
            node.removeAttribute(name);
        } else {
            node.setAttribute(name, value === true ? "" : String(value));
        }
    }
}

/** @param {Node} node @param {(Node | string | number | false | null | undefined)[]} children */
function append(node, children) {
    for (const child of children) {
        if (child !== false && child !== null && child !== undefined) {
            node.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
        }
    }
}

/** Replaces what a node contains. @param {Element} node @param {...(Node | string | number | false | null | undefined)} children */
export function fill(node, ...children) {
    node.replaceChildren();
    append(node, children);
}

const SVG = "http://www.w3.org/2000/svg";

/** @param {string} tag @param {Record<string, any>} props @param {...Node} children */
export function s(tag, props = {}, ...children) {
    const node = document.createElementNS(SVG, tag);
    set(node, props);
    append(node, children);
    return node;
}

/** An icon of the sprite; it says nothing to a screen reader. @param {string} name */
export function icon(name) {
    return s("svg", {class: "icon", "aria-hidden": "true"}, s("use", {href: `assets/icons.svg#${name}`}));
}

/** @param {string} name @param {string} label @param {Record<string, any>} props */
export function iconButton(name, label, props = {}) {
    return h("button", {type: "button", class: "icon-button", "aria-label": label, title: label, ...props}, icon(name));
}

/** Changes the text only if it is another, so that nothing is laid out again. @param {Node} node @param {string | number} text */
export function say(node, text) {
    if (node.textContent !== String(text)) {
        node.textContent = String(text);
    }
}

/** Whether a key press belongs to a field in which the user writes. @param {Event} event */
export function isTyping(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    return target.isContentEditable || target.matches?.("input:not([type=checkbox]):not([type=radio]), textarea, select");
}

/**
 * A dialog of the browser: it keeps the focus inside, closes with Escape and gives the focus back.
 * @param {string} label @param {Record<string, any>} props @param {...(Node | string | false | null)} children
 */
export function dialog(label, props, ...children) {
    const opener = /** @type {HTMLElement | null} */ (document.activeElement);
    const node = h("dialog", {"aria-label": label, ...props}, ...children);
    document.body.append(node);
    node.addEventListener("close", () => {
        node.remove();
        if (opener?.isConnected) {
            opener.focus({preventScroll: true});
        }
    });
    node.showModal();
    return node;
}
