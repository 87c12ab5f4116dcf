// How it looks: each view at the size of a phone and of a desk, in both themes, with what axe-core finds; and 20,000 photos.
import assert from "node:assert/strict";
import test from "node:test";
import { close, done, findings, gallery, open, openViewer, picture, tile, upload } from "./support.mjs";

const shared = gallery();
const PHONE = [390, 844], DESK = [1440, 900];
const COLOURS = ["color-contrast", "link-in-text-block"]; // the rules that depend on the theme

/** Each view, and the way to it from the grid. */
const VIEWS = {
  photos: async () => {},
  filters: (page) => page.getByRole("button", { name: "Filters" }).click(),
  selection: async (page) => {
    await page.locator(".tile-open[tabindex='0']").focus();
    await page.keyboard.press("Space");
    await page.locator(".selection-bar").waitFor();
  },
  viewer: async (page) => {
    await openViewer(page, "lake.jpg");
    await page.locator(".stage-large.shown").waitFor();
    if (await page.locator(".side").isHidden()) await page.keyboard.press("i");
    await page.locator(".facts").first().waitFor();
  },
  keys: (page) => page.keyboard.press("?"),
  menu: (page) => page.getByRole("button", { name: "Menu" }).click(),
  system: async (page) => {
    await page.keyboard.press("2");
    await page.locator(".queue").first().waitFor();
    await page.locator(".letter").first().waitFor();
  },
  pipelines: async (page) => {
    await page.keyboard.press("3");
    await page.locator(".file").first().waitFor();
    await page.locator(".photo-choice img").waitFor();
    await page.getByRole("button", { name: "Try", exact: true }).click();
    await page.locator(".trial-list").waitFor();
  },
};

for (const [size, width] of [["phone", PHONE], ["desk", DESK]]) {
  for (const theme of ["light", "dark"]) {
    test(`axe-core finds nothing in any view on a ${size} in the ${theme} theme`, async () => {
      if (size === "phone" && theme === "light") {
        await upload(shared.first, [{ name: "unreadable.jpg", mimeType: "image/jpeg", buffer: Buffer.from("no photo") }]);
        await tile(shared.first, "unreadable.jpg").and(shared.first.locator(".rejected")).waitFor();
      }
      const found = {}, rules = theme === "light" ? undefined : COLOURS;
      const page = await shared.open({ theme, size: width, touch: size === "phone" });
      for (const [name, enter] of Object.entries(VIEWS)) {
        await page.goto(`${shared.server.origin}/#`);
        await page.reload();
        await done(page, "lake.jpg");
        await enter(page);
        found[name] = await findings(page, rules);
        await picture(page, `${size}-${theme}-${name}`);
        const { scrollWidth, clientWidth } = await page.evaluate(() => ({ scrollWidth: document.documentElement.scrollWidth, clientWidth: document.documentElement.clientWidth }));
        assert.ok(scrollWidth <= clientWidth, `${name} is ${scrollWidth - clientWidth} px too wide`);
      }
      const login = await open(shared.browser, { theme, size: width });
      await login.goto(shared.server.origin);
      await login.locator("#login-user").waitFor();
      found.login = await findings(login, rules);
      await picture(login, `${size}-${theme}-login`);
      assert.deepEqual(found, Object.fromEntries(Object.keys(found).map((name) => [name, []])));
      await close(login);
      await close(page);
    });
  }
}

test("everything that a finger touches on a phone is at least 34 px high and wide", async () => {
  const page = await shared.open({ size: PHONE, touch: true });
  await done(page, "lake.jpg");
  const small = () => page.evaluate(() => [...document.querySelectorAll("button, a[href], input, select")].filter((one) => one.checkVisibility() && one.offsetParent)
    .map((one) => [one.outerHTML.slice(0, 80), one.getBoundingClientRect()]).filter(([, { width, height }]) => width > 1 && (height < 34 || width < 34))
    .map(([html, { width, height }]) => `${html} ${width} × ${height}`));
  assert.deepEqual(await small(), []);
  await openViewer(page, "lake.jpg");
  assert.deepEqual(await small(), []);
  await close(page);
});

test("20,000 photos: the page holds a bounded number of nodes, asks in pages, and reaches all of them", async () => {
  const total = 20_000, asked = [];
  const byId = (at) => ({ bucket: "photos", key: `ingest/many-${at}.jpg`, name: `many-${at}.jpg`, size: 1000, modified: 1.7e12 - at * 1e6, width: 480, height: at % 3 ? 320 : 640,
    state: "done", thumb: null, colour: "#446688", tags: [], renditions: [], expected: 3 });
  const aspects = Buffer.from(Array.from({ length: total }, (_, at) => Math.round((64 * Math.log2(at % 3 ? 1.5 : 0.75)) / 3) + 128)).toString("base64");
  const page = await open(shared.browser, { state: shared.state, setup: async (one) => {
    await one.route("**/api/layout?*", (route) => route.fulfill({ json: { revision: "7", total, aspects } }));
    await one.route("**/api/photos?*", (route) => {
      const words = new URL(route.request().url()).searchParams, first = Number(words.get("first")), many = Number(words.get("count"));
      asked.push(first);
      return route.fulfill({ json: { revision: "7", total, photos: Array.from({ length: Math.min(many, total - first) }, (_, at) => byId(first + at)) } });
    });
  } });
  await page.goto(shared.server.origin);
  await page.getByText("20,000 photos").waitFor();
  await tile(page, "many-0.jpg").waitFor();
  let most = 0;
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  for (let at = 0; at <= 20; at++) {
    await page.evaluate((y) => scrollTo(0, y), (height * at) / 20);
    await page.waitForFunction(() => [...document.querySelectorAll(".tile:not([hidden])")].some((one) => {
      const { top, bottom } = one.getBoundingClientRect();
      return bottom > 0 && top < innerHeight && one.querySelector(".tile-name").textContent;
    }));
    most = Math.max(most, await page.evaluate(() => document.querySelectorAll("*").length));
  }
  await tile(page, "many-19999.jpg").waitFor();
  assert.ok(most < 2500, `${most} nodes`);
  assert.ok(asked.length <= 130 && asked.every((first) => first % 100 === 0), asked.join());
  await page.keyboard.press("ArrowRight"); // the keys go on from what is on the screen
  const focused = await page.evaluate(() => Number(document.activeElement?.closest(".tile")?.getAttribute("aria-posinset")));
  assert.ok(focused > total - 100, `the focus is on photo ${focused}`);
  await tile(page, "many-19999.jpg").locator(".tile-open").focus();
  await page.keyboard.press("Home");
  await tile(page, "many-0.jpg").waitFor();
  await close(page);
});
