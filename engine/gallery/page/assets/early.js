// Runs before the first paint and before the modules are there. Not a module: those run later.
"use strict";
{
    // A theme that the user has chosen must not flash.
    const chosen = localStorage.getItem("thumbwheel-theme");
    if (chosen === "light" || chosen === "dark") {
        document.documentElement.dataset.theme = chosen;
    }
    // What every visit asks for first is asked for while the modules are loaded; api.js takes the responses from here.
    if (!/[#&]token=/.test(location.hash)) {
        const paths = ["/api/session"];
        if (!/[#&](q|tag|from|to|colour|state|sort|view)=/.test(location.hash)) {
            paths.push("/api/layout?", "/api/photos?first=0&count=100");
        }
        window.early = new Map(paths.map((path) => [path, fetch(path, {cache: "no-store", credentials: "same-origin"})]));
        window.early.forEach((response) => response.catch(() => {})); // api.js reports the failure
    }
}
