// The photos as a person uses them: arriving, viewed, found, edited, deleted.
import assert from "node:assert/strict";
import test from "node:test";
import { ask, close, done, gallery, open, openViewer, photo, tile, upload } from "./support.mjs";

const shared = gallery();

const names = (page) => page.locator(".tile:not([hidden]) .tile-name").allTextContents();
const count = (page, text) => page.locator(".count", { hasText: new RegExp(`^${text}$`) }).waitFor();

test("a photo appears at once, then its thumbnail, its renditions and its tags, without a reload", async () => {
  const watching = await shared.open(), uploading = await shared.open();
  await uploading.evaluate(() => (window.same = true));
  await upload(uploading, [photo("night.jpg", "arrives.jpg")]);
  await tile(uploading, "arrives.jpg").waitFor();
  await done(uploading, "arrives.jpg");
  await done(watching, "arrives.jpg");
  await openViewer(watching, "arrives.jpg");
  await watching.locator(".rendition").nth(3).waitFor();
  await watching.locator(".tag.labeler").first().waitFor();
  const renditions = await watching.locator(".rendition-name").allInnerTexts();
  for (const [name, pixels] of [["Original", "480 × 320"], ["Web", "480 × 320"], ["Mobile", "480 × 320"], ["Thumbnail", "128 × 85"]])
    assert.ok(renditions.some((text) => text.startsWith(name) && text.includes(pixels)), renditions.join("\n"));
  assert.ok(await uploading.evaluate(() => window.same));
  await close(uploading);
  await close(watching);
});

test("photos arrive by polling where something on the way blocks the stream of events", async () => {
  const page = await open(shared.browser, { state: shared.state, setup: (one) => one.route(/\/api\/events(?!.*poll=)/, (route) => route.abort()) });
  await page.goto(shared.server.origin);
  await page.waitForRequest(/poll=1/);
  await upload(shared.first, [photo("rose.jpg", "polled.jpg")]);
  await done(page, "polled.jpg");
  await close(page);
});

test("a rejected photo says why, and can be tried again", async () => {
  const page = await shared.open();
  await upload(page, [{ name: "broken.jpg", mimeType: "image/jpeg", buffer: Buffer.from("this is no photo") }]);
  const broken = tile(page, "broken.jpg");
  await broken.and(page.locator(".rejected")).waitFor();
  assert.match(await broken.locator(".tile-reason").textContent(), /\w+ \w+ \w+/);
  const [request] = await Promise.all([page.waitForRequest("**/api/photos/retry"), broken.locator(".tile-retry").click()]);
  assert.deepEqual(request.postDataJSON(), { photos: [{ bucket: "photos", key: "ingest/broken.jpg" }] });
  assert.ok((await request.response()).ok());
  await broken.and(page.locator(".rejected")).waitFor();
  await close(page);
});

test("the viewer is used by keys: neighbours, zoom, information, a link, a download, EXIF", async () => {
  const page = await shared.open();
  await done(page, "lake.jpg");
  await tile(page, "lake.jpg").locator(".tile-open").focus();
  const shown = await names(page), at = shown.indexOf("lake.jpg");
  await page.keyboard.press("Enter");
  const viewer = page.locator("dialog.viewer[open]"), name = viewer.locator(".viewer-name");
  await viewer.locator(".facts", { hasText: "Field Camera 9" }).waitFor();
  const facts = await viewer.locator(".facts", { hasText: "Field Camera 9" }).innerText();
  for (const fact of ["Thumbwheel Field Camera 9", "1/250 s", "f/5.6", "200", "35 mm", "2024-06-01 10:20", "60.5000° N, 7.0000° E"]) assert.ok(facts.includes(fact), facts);
  await page.keyboard.press("c");
  await page.locator(".note", { hasText: "Link copied" }).waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  const linked = await fetch(link);
  assert.deepEqual(Buffer.from(await linked.arrayBuffer()), photo("lake.jpg").buffer);
  const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("d")]);
  assert.equal(download.suggestedFilename(), "lake.jpg");
  await page.keyboard.press("+");
  assert.match(await viewer.locator(".stage-frame").getAttribute("style"), /scale\(1\.5\)/);
  await page.keyboard.press("0");
  await page.keyboard.press("i");
  await viewer.locator(".side").waitFor({ state: "hidden" });
  const step = at < shown.length - 1 ? ["ArrowRight", 1, "ArrowLeft"] : ["ArrowLeft", -1, "ArrowRight"];
  await page.keyboard.press(step[0]);
  await name.getByText(shown[at + step[1]], { exact: true }).waitFor();
  await page.keyboard.press(step[2]);
  await name.getByText("lake.jpg", { exact: true }).waitFor();
  await page.keyboard.press("Escape");
  await viewer.waitFor({ state: "hidden" });
  assert.equal(await page.evaluate(() => document.activeElement.querySelector(".tile-name")?.textContent), "lake.jpg");
  await page.goBack();
  await name.getByText("lake.jpg", { exact: true }).waitFor();
  await close(page);
});

test("the viewer is used by touch: swipes to the next photo, pinches to zoom, a swipe down goes back", async () => {
  const page = await shared.open({ touch: true, size: [390, 844], hash: "/#state=done" });
  await done(page, "lake.jpg");
  const client = await page.context().newCDPSession(page);
  const touch = (type, ...points) => client.send("Input.dispatchTouchEvent", { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) });
  const swipe = async (from, to) => {
    await touch("touchStart", from);
    for (let at = 1; at <= 4; at++) await touch("touchMove", [from[0] + ((to[0] - from[0]) * at) / 4, from[1] + ((to[1] - from[1]) * at) / 4]);
    await touch("touchEnd");
  };
  const shown = await names(page);
  await tile(page, shown[0]).locator(".tile-open").tap();
  const name = page.locator("dialog.viewer[open] .viewer-name");
  await name.getByText(shown[0], { exact: true }).waitFor();
  await page.locator(".stage-large.shown").waitFor();
  await swipe([300, 420], [80, 425]);
  await name.getByText(shown[1], { exact: true }).waitFor();
  await swipe([80, 420], [300, 425]);
  await name.getByText(shown[0], { exact: true }).waitFor();
  await touch("touchStart", [180, 420], [210, 420]);
  await touch("touchMove", [140, 420], [250, 420]);
  await touch("touchMove", [100, 420], [290, 420]);
  await touch("touchEnd");
  await page.locator(".stage.zoomed").waitFor();
  await swipe([300, 420], [80, 425]);
  assert.equal(await name.textContent(), shown[0]);
  await page.keyboard.press("0");
  await swipe([195, 300], [200, 600]);
  await page.locator("dialog.viewer").waitFor({ state: "hidden" });
  await close(page);
});

test("photos are found by name, tag, colour, date and state, and the address keeps the search", async () => {
  const page = await shared.open();
  await done(page, "tower.jpg");
  const all = await page.locator(".count").textContent();
  await page.keyboard.press("/");
  await page.keyboard.type("towe");
  await count(page, "1 photo");
  assert.deepEqual(await names(page), ["tower.jpg"]);
  await page.reload();
  await count(page, "1 photo");
  await page.getByRole("button", { name: /^Remove the filter/ }).click();
  await count(page, all);
  await page.getByRole("button", { name: "Filters" }).click();
  await page.locator(".filter-tags .chip", { hasText: /^Portrait$/ }).click();
  await tile(page, "lake.jpg").waitFor({ state: "detached" }).catch(() => tile(page, "lake.jpg").waitFor({ state: "hidden" }));
  assert.ok((await names(page)).includes("tower.jpg"));
  await page.locator(".filter-tags .chip", { hasText: /^Portrait$/ }).click();
  await count(page, all);
  await page.locator(".swatch[aria-label=Green]").click();
  await tile(page, "dunes.jpg").waitFor({ state: "hidden" });
  assert.ok((await names(page)).includes("lake.jpg"), (await names(page)).join());
  await page.locator(".swatch[aria-label=Green]").click();
  await page.getByLabel("From").fill("2999-01-01");
  await page.getByRole("heading", { name: "No photo matches" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Clear the filters" }).click();
  await count(page, all);
  await page.locator(".sort").selectOption("name");
  await page.waitForFunction(() => document.querySelector(".tile:not([hidden])[aria-posinset='1'] .tile-name")?.textContent === "arrives.jpg");
  await close(page);
});

test("tags of a person are added and removed beside those of the labeler, and another browser sees it", async () => {
  const page = await shared.open(), other = await shared.open();
  for (const one of [page, other]) {
    await done(one, "beach.jpg");
    await openViewer(one, "beach.jpg");
  }
  const found = await page.locator(".tag.labeler").count();
  assert.ok(found > 0);
  await page.getByLabel("Add a tag").fill("trip: Norway 2024");
  await page.keyboard.press("Enter");
  await page.locator(".tag.person", { hasText: "trip: Norway 2024" }).waitFor();
  await other.locator(".tag.person", { hasText: "trip: Norway 2024" }).waitFor();
  assert.equal(await page.locator(".tag.labeler").count(), found);
  assert.equal(await page.locator(".tag.labeler .icon-button").count(), 0);
  await page.getByLabel("Add a tag").fill("not <allowed>");
  await page.keyboard.press("Enter");
  await page.getByText("A tag may have letters").waitFor();
  await page.getByRole("button", { name: "Remove the tag trip: Norway 2024" }).click();
  await page.locator(".tag.person").waitFor({ state: "detached" });
  await other.locator(".tag.person").waitFor({ state: "detached" });
  await close(page);
  await close(other);
});

test("several photos are deleted with their renditions, and undo brings them back", async () => {
  const page = await shared.open(), other = await shared.open();
  await upload(page, [photo("dunes.jpg", "gone-1.jpg"), photo("rose.jpg", "gone-2.jpg")]);
  for (const name of ["gone-1.jpg", "gone-2.jpg"]) await done(page, name);
  const choose = async () => {
    for (const name of ["gone-1.jpg", "gone-2.jpg"]) await tile(page, name).locator(".tile-check").click();
    await page.getByText("2 photos selected").waitFor();
    await page.locator(".selection-bar .danger").click();
    for (const name of ["gone-1.jpg", "gone-2.jpg"]) await tile(page, name).waitFor({ state: "hidden" });
  };
  await choose();
  await tile(other, "gone-1.jpg").waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Undo" }).click();
  for (const one of [page, other]) for (const name of ["gone-1.jpg", "gone-2.jpg"]) await tile(one, name).waitFor();
  await page.locator(".note").waitFor({ state: "detached" });
  const { body } = await ask(page, "GET", "/api/photos/photos/ingest%2Fgone-1.jpg");
  assert.equal(body.renditions.length, 3);
  await choose();
  const urls = [body.original, ...body.renditions.map(({ url }) => url)];
  for (const url of urls) {
    for (const end = Date.now() + 60_000; (await fetch(url)).status !== 404; ) assert.ok(Date.now() < end, `${url} is still there`);
  }
  await page.reload();
  await done(page, "lake.jpg");
  assert.equal(await tile(page, "gone-1.jpg").count(), 0);
  await close(page);
  await close(other);
});

test("names that could do harm are shown as text, and their photos work", async () => {
  const page = await shared.open();
  page.on("dialog", (dialog) => page.problems.push(dialog.message()));
  const hostile = JSON.parse(process.env.HOSTILE), shown = (name) => name.replaceAll("\u202e", "\ufffd");
  await upload(page, hostile.map((name) => photo("meadow.jpg", name)));
  for (const name of hostile) {
    await done(page, shown(name));
    await openViewer(page, shown(name));
    await page.locator(".stage-large.shown").waitFor();
    assert.equal(await page.locator(".viewer-name").textContent(), shown(name));
    const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("d")]);
    assert.ok(!/[\u202e/]/.test(download.suggestedFilename()));
    await page.keyboard.press("Escape");
    await page.locator("dialog.viewer").waitFor({ state: "hidden" });
  }
  assert.equal(await page.locator("img[src='x']").count(), 0);
  await close(page);
});

test("the keys move through the grid, and select", async () => {
  const page = await shared.open();
  await done(page, "lake.jpg");
  const shown = await names(page), focused = () => page.evaluate(() => document.activeElement.querySelector(".tile-name")?.textContent);
  await page.keyboard.press("ArrowDown");
  assert.equal(await focused(), shown[0]);
  await page.keyboard.press("ArrowRight");
  assert.equal(await focused(), shown[1]);
  await page.keyboard.press("Space");
  await page.keyboard.press("Shift+ArrowRight");
  await page.getByText("2 photos selected").waitFor();
  await page.keyboard.press("Escape");
  await page.getByText("2 photos selected").waitFor({ state: "hidden" });
  await page.keyboard.press("End");
  assert.equal(await page.evaluate(() => document.activeElement.closest(".tile").getAttribute("aria-posinset")), String(shown.length));
  await page.keyboard.press("Home");
  assert.equal(await focused(), shown[0]);
  await page.keyboard.press("?");
  await page.getByRole("heading", { name: "Keys" }).waitFor();
  await close(page);
});
