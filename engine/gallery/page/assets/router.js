// The address bar: which view, which photo, which filter. It is all in the fragment, which browsers don't send.

/**
 * @typedef {{view: string, photo: string, q: string, tag: string[], from: string, to: string, colour: string, state: string,
 *            sort: string}} Route
 */

const VIEWS = ["photos", "system", "pipelines"];
const FILTERS = /** @type {const} */ (["q", "from", "to", "colour", "state", "sort"]);

/** @returns {Route} */
export function route() {
    const given = new URLSearchParams(location.hash.slice(1));
    const text = (/** @type {string} */ name) => given.get(name) ?? "";
    const view = VIEWS.includes(text("view")) ? text("view") : "photos";
    return {view, photo: text("photo"), q: text("q"), tag: given.getAll("tag"), from: text("from"), to: text("to"),
            colour: text("colour"), state: text("state"), sort: text("sort")};
}

/** @param {Partial<Route>} changes */
export function address(changes) {
    const next = {...route(), ...changes};
    const words = new URLSearchParams();
    if (next.view !== "photos") {
        words.set("view", next.view);
    }
    for (const name of FILTERS) {
        if (next[name]) {
            words.set(name, next[name]);
        }
    }
    next.tag.forEach((tag) => words.append("tag", tag));
    if (next.photo) {
        words.set("photo", next.photo);
    }
    return `#${words}`;
}

/** @param {Partial<Route>} changes @param {{replace?: boolean}} [options] replace: without an entry in the history */
export function go(changes, {replace = false} = {}) {
    const url = location.pathname + address(changes);
    if (url === location.pathname + (location.hash || "#")) {
        return;
    }
    history[replace ? "replaceState" : "pushState"](history.state, "", url);
    dispatchEvent(new Event("route"));
}

/** The filter as the server's query. @param {Route} wanted */
export function filterQuery(wanted) {
    const words = new URLSearchParams();
    for (const name of FILTERS) {
        if (wanted[name]) {
            words.set(name, wanted[name]);
        }
    }
    wanted.tag.forEach((tag) => words.append("tag", tag));
    return words.toString();
}

/** How many conditions a route has. @param {Route} wanted */
export const filterCount = (wanted) =>
    wanted.tag.length + Number(Boolean(wanted.q)) + Number(Boolean(wanted.from || wanted.to)) + Number(Boolean(wanted.colour))
    + Number(Boolean(wanted.state));

addEventListener("popstate", () => dispatchEvent(new Event("route")));
