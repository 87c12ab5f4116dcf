// The pictures for the README and the docs, of a gallery that has just made the samples: screenshots.mjs FOLDER
import path from "node:path";
import { launch, localArguments, open, openViewer, Server, tile, upload } from "./support.mjs";

const folder = process.argv[2];
const server = await new Server(localArguments()).start();
const browser = await launch();
try {
  await server.line(/^Serving/);
  const page = await open(browser, { size: [1280, 800] });
  await page.goto(server.link);
  await page.getByText(/^21 photos$/).waitFor();
  await upload(page, [{ name: "holiday.jpg", mimeType: "image/jpeg", buffer: Buffer.from("not a photo") }]);
  await tile(page, "holiday.jpg").and(page.locator(".rejected")).waitFor();
  const take = async (name) => {
    await page.waitForFunction(() => [...document.querySelectorAll(".tile:not([hidden]):not(.rejected) img")].every((image) => image.complete && image.naturalWidth > 0));
    await page.screenshot({ path: path.join(folder, `${name}.png`) });
  };
  await page.getByRole("button", { name: "Close the list of uploads" }).click();
  await page.mouse.move(640, 790);
  await take("gallery");
  await openViewer(page, "lavender-display-p3.jpg");
  await page.locator(".stage-large.shown").waitFor();
  await page.locator(".facts", { hasText: "Camera" }).waitFor();
  await take("gallery-viewer");
  await page.keyboard.press("Escape");
  await page.emulateMedia({ colorScheme: "dark" });
  await page.keyboard.press("2");
  await page.locator(".event").nth(10).waitFor();
  await page.locator(".letter").first().waitFor();
  await take("gallery-system");
} finally {
  await browser.close();
  await server.stop();
}
