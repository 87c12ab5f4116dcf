// The part of `./dev bench gallery` (bench/gallery.py) that runs in the browser. Prints its numbers as JSON.
import { createRequire } from "node:module";

const { chromium } = createRequire(new URL("../tests/js/package.json", import.meta.url))("playwright-core");
const { CHROMIUM, ORIGIN, COOKIE_NAME, COOKIE_VALUE } = process.env;
const ROUNDS = Number(process.env.ROUNDS), LOADS = Number(process.env.LOADS), PHOTOS = Number(process.env.PHOTOS);
const SIZES = { "1440 × 900": { size: [1440, 900], touch: false }, "390 × 844, touch": { size: [390, 844], touch: true } };
const SCREENS = 20, PX_PER_S = 1500, KEY_MS = 100, SETTLE_MS = 500;
const FRAME_MS = 1000 / 60;
const PATIENCE_MS = 60_000;

/** Runs in the page before its own scripts: notes when all tiles on the screen have their picture, and the times of the frames. */
function watch() {
  const state = (window.bench = { firstView: 0, times: [], nodes: 0, recording: false });
  state.complete = () => {
    const tiles = [...document.querySelectorAll(".tile:not([hidden])")].filter((one) => {
      const { top, bottom } = one.getBoundingClientRect();
      return bottom > 0 && top < innerHeight;
    });
    return tiles.length > 0 && tiles.every((one) => one.querySelector("img.shown"));
  };
  const frame = (time) => {
    if (!state.firstView && state.complete()) state.firstView = performance.now();
    if (state.recording) {
      state.times.push(time);
      if (state.times.length % 30 === 0) state.nodes = Math.max(state.nodes, document.getElementsByTagName("*").length);
    }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

async function open(browser, { size: [width, height], touch }) {
  const context = await browser.newContext({ viewport: { width, height }, hasTouch: touch, isMobile: touch });
  await context.addCookies([{ name: COOKIE_NAME, value: COOKIE_VALUE, url: ORIGIN, httpOnly: true, sameSite: "Strict" }]);
  await context.addInitScript(watch);
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  return page;
}

/** From the start of the navigation, with an empty cache, until each tile on the screen has its picture. */
async function firstView(browser, size) {
  const page = await open(browser, size);
  await page.goto(ORIGIN);
  await page.waitForFunction(() => window.bench.firstView);
  const [took, text] = await page.evaluate(() => [window.bench.firstView, document.querySelector(".count").textContent]);
  if (!text.startsWith(PHOTOS.toLocaleString("en"))) throw new Error(`the page shows ${text}, not ${PHOTOS}`);
  await page.context().close();
  return took;
}

/** The frames while something moves. */
async function frames(page, move) {
  await page.evaluate(() => Object.assign(window.bench, { times: [], recording: true }));
  const more = await move();
  const times = await page.evaluate(() => {
    window.bench.recording = false;
    return window.bench.times;
  });
  const took = times.slice(1).map((time, at) => time - times[at]);
  return { frames: took.length, dropped: took.filter((ms) => ms > 1.5 * FRAME_MS).length / took.length, longest_ms: Math.max(...took), ...more };
}

/** At a steady pace, as by a wheel. (Chromium's synthetic touches do not scroll without a screen.) */
async function scroll(page, client, { size: [width, height] }) {
  const before = await page.evaluate(() => scrollY);
  await client.send("Input.synthesizeScrollGesture", {
    x: width / 2, y: height / 2, yDistance: -SCREENS * height, speed: PX_PER_S, gestureSourceType: "mouse", preventFling: true,
  });
  const moved = (await page.evaluate(() => scrollY)) - before;
  if (moved < (SCREENS - 1) * height) throw new Error(`the page scrolled by ${moved} px, not ${SCREENS * height}`);
}

/** One row after the other with the arrow key. */
async function keyboard(page, { size: [, height] }) {
  await page.locator(".tile:not([hidden]) .tile-open[tabindex='0']").focus();
  const from = await page.evaluate(() => scrollY);
  while ((await page.evaluate(() => scrollY)) < from + SCREENS * height) {
    await page.keyboard.press("ArrowDown");
    await page.waitForTimeout(KEY_MS);
  }
}

/** To a part of the whole height, at once; how long it takes until each tile on the screen has its picture. */
async function jump(page, part) {
  const shown_ms = await page.evaluate((share) => new Promise((resolve) => {
    const began = performance.now();
    scrollTo({ top: (document.documentElement.scrollHeight - innerHeight) * share, behavior: "instant" });
    const look = () => (window.bench.complete() ? resolve(performance.now() - began) : requestAnimationFrame(look));
    requestAnimationFrame(() => requestAnimationFrame(look)); // the grid moves its tiles in the next frame
  }), part);
  return { shown_ms };
}

/** The same movement over a page that has nothing to do: what this machine can show. */
async function emptyPage(browser, how) {
  const page = await open(browser, how), client = await page.context().newCDPSession(page);
  await page.setContent(`<!doctype html><meta name="viewport" content="width=device-width">
    <body style="height: 400000px; background: linear-gradient(#888, #fff)">`);
  await page.evaluate(watch);
  await page.waitForTimeout(SETTLE_MS);
  const found = await frames(page, () => scroll(page, client, how));
  await page.context().close();
  return found;
}

async function measure(browser, how) {
  const first_view_ms = [];
  for (let load = 0; load < LOADS; load++) first_view_ms.push(await firstView(browser, how));
  const motions = { "an empty page": await emptyPage(browser, how) };
  const page = await open(browser, how), client = await page.context().newCDPSession(page);
  await client.send("Performance.enable");
  await page.goto(ORIGIN);
  await page.waitForFunction(() => window.bench.firstView);
  await page.waitForTimeout(SETTLE_MS);
  let heap = 0;
  const record = async (name, move) => {
    motions[name] = await frames(page, move);
    const { metrics } = await client.send("Performance.getMetrics");
    heap = Math.max(heap, metrics.find((one) => one.name === "JSHeapUsedSize").value);
  };
  await record("wheel", () => scroll(page, client, how));
  if (!how.touch) await record("keyboard", () => keyboard(page, how));
  await record("jump to the middle", () => jump(page, 0.5));
  await record("jump to the end", () => jump(page, 1));
  const nodes = await page.evaluate(() => Math.max(window.bench.nodes, document.getElementsByTagName("*").length));
  await page.context().close();
  return { first_view_ms, motions, nodes, heap_mib: heap / 2 ** 20 };
}

const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
const rounds = [];
for (let round = 0; round < ROUNDS; round++) {
  const found = {};
  for (const [name, how] of Object.entries(SIZES)) found[name] = await measure(browser, how);
  rounds.push(found);
}
await browser.close();
console.log(JSON.stringify(rounds));
