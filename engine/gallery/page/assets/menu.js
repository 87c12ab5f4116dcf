// The menu of the user, the theme, the help, and the link for another device.

import {post} from "./api.js";
import {dialog, fill, h, icon, iconButton, set} from "./dom.js";
import {complain, copy} from "./notes.js";

const THEMES = /** @type {[string, string][]} */ ([["", "As the system"], ["light", "Light"], ["dark", "Dark"]]);

const KEYS = /** @type {[string, [string, string][]][]} */ ([
    ["Anywhere", [["/", "Search"], ["U", "Upload photos"], ["1 2 3", "Photos, System, Pipelines"], ["T", "Change the theme"], ["?", "This help"]]],
    ["Photos", [["← → ↑ ↓", "Move"], ["Home End", "First and last photo"], ["Enter", "Open"], ["Space", "Select"], ["Shift + arrow", "Select several"],
                ["Ctrl + A", "Select all that are loaded"], ["Delete", "Delete the selected photos"], ["Escape", "Clear the selection"]]],
    ["Viewer", [["← →", "Previous and next photo"], ["+ − 0", "Zoom in, out, fit"], ["I", "Information"], ["C", "Copy a link"], ["D", "Download"],
                ["Delete", "Delete the photo"], ["Escape", "Back to the photos"]]],
]);

export function showHelp() {
    const box = dialog("Keys", {class: "box wide"}, h("header", {class: "box-head"}, h("h2", {}, "Keys"),
        iconButton("close", "Close", {onclick: () => box.close()})),
        h("div", {class: "keys"}, ...KEYS.map(([title, rows]) => h("section", {}, h("h3", {}, title),
            h("dl", {}, ...rows.map(([keys, what]) => h("div", {}, h("dt", {}, ...keys.split(" ").map((key) => key === "+" && keys.length > 5
                ? h("span", {}, "+") : h("kbd", {}, key))), h("dd", {}, what))))))),
        h("p", {class: "quiet"}, "On a touch screen: swipe for the next photo, pinch or double-tap to zoom, swipe down to go back, ",
          "and touch a photo for a moment to select it."));
    closeOutside(box);
}

/** A press beside the dialog closes it. @param {HTMLDialogElement} box */
export function closeOutside(box) {
    box.addEventListener("pointerdown", (event) => {
        const {left, right, top, bottom} = box.getBoundingClientRect();
        if (event.target === box && (event.clientX < left || event.clientX > right || event.clientY < top || event.clientY > bottom)) {
            box.close();
        }
    });
}

/** @param {string} chosen "" follows the system */
export function setTheme(chosen) {
    if (chosen) {
        document.documentElement.dataset.theme = chosen;
        localStorage.setItem("thumbwheel-theme", chosen);
    } else {
        delete document.documentElement.dataset.theme;
        localStorage.removeItem("thumbwheel-theme");
    }
    dispatchEvent(new Event("theme"));
}

export function nextTheme() {
    const isDark = document.documentElement.dataset.theme
        ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    setTheme(isDark ? "light" : "dark");
}

async function otherDevice() {
    try {
        const {url} = await post("/api/links");
        const field = h("input", {type: "text", class: "field", readonly: true, value: url, "aria-label": "Link"});
        const box = dialog("Open on another device", {class: "box"}, h("header", {class: "box-head"}, h("h2", {}, "Open on another device"),
            iconButton("close", "Close", {onclick: () => box.close()})),
            h("p", {}, "This link logs in one browser, once. Whoever has it can see and change the photos."), field,
            h("div", {class: "box-buttons"}, h("button", {type: "button", class: "button primary", onclick: () => copy(url, "Link copied")},
                                               icon("link"), "Copy the link")));
        closeOutside(box);
        field.select();
    } catch (error) {
        complain(error);
    }
}

/** @param {{user: string, version: string}} who @param {() => void} logOut */
export function userMenu({user, version}, logOut) {
    const button = iconButton("user", "Menu", {"aria-haspopup": "true", "aria-expanded": "false"});
    const panel = h("div", {class: "menu", role: "group", "aria-label": "Menu"});
    const box = h("div", {class: "menu-box"}, button, panel);
    const show = (/** @type {boolean} */ open) => {
        panel.hidden = !open;
        set(button, {"aria-expanded": String(open)});
    };
    const item = (/** @type {string} */ name, /** @type {string} */ text, /** @type {() => void} */ run) =>
        h("button", {type: "button", class: "menu-item", onclick: () => (show(false), run())}, icon(name), text);
    const themes = h("fieldset", {class: "menu-themes"}, h("legend", {}, "Theme"), ...THEMES.map(([value, text]) =>
        h("label", {}, h("input", {type: "radio", name: "theme", value, onchange: () => setTheme(value)}), h("span", {}, text))));
    const update = () => themes.querySelectorAll("input").forEach((input) => (input.checked = input.value === (document.documentElement.dataset.theme ?? "")));
    fill(panel, h("p", {class: "menu-user"}, user ? h("span", {}, "Logged in as ", h("strong", {}, user)) : "Logged in",
                  h("span", {class: "quiet"}, `Thumbwheel ${version}`)),
         themes, item("phone", "Open on another device", otherDevice), item("help", "Keys", showHelp), item("logout", "Log out", logOut));
    show(false);
    update();
    button.addEventListener("click", () => show(panel.hidden));
    box.addEventListener("keydown", (event) => {
        if (event.key === "Escape" && !panel.hidden) {
            event.stopPropagation();
            show(false);
            button.focus();
        }
    });
    document.addEventListener("pointerdown", (event) => !box.contains(/** @type {Node} */ (event.target)) && show(false));
    box.addEventListener("focusout", (event) => event.relatedTarget && !box.contains(/** @type {Node} */ (event.relatedTarget)) && show(false));
    addEventListener("theme", update);
    return box;
}
