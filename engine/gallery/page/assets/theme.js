// Runs before the first paint, so that a theme that the user has chosen does not flash. Not a module: those run later.
"use strict";
{
    const chosen = localStorage.getItem("thumbwheel-theme");
    if (chosen === "light" || chosen === "dark") {
        document.documentElement.dataset.theme = chosen;
    }
}
