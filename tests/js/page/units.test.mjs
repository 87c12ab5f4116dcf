// The page's arithmetic, without a browser.
import assert from "node:assert/strict";
import test from "node:test";
import { rgbaToThumbHash, thumbHashToRGBA } from "thumbhash";
import { exifFacts } from "../../../engine/gallery/page/assets/exif.js";
import { bytes, duration, visible } from "../../../engine/gallery/page/assets/formats.js";
import { Rows, aspectOf } from "../../../engine/gallery/page/assets/rows.js";
import { decode } from "../../../engine/gallery/page/assets/thumbhash.js";
import { FORMATS, photo } from "./support.mjs";

const byteOf = (aspect) => Math.round((64 * Math.log2(aspect)) / 3) + 128;

function* places(rows) {
  for (let row = 0; row < rows.tops.length; row++) yield rows.places(row);
}

test("each row of the grid fills the width exactly, and no photo is left out", () => {
  const aspects = Uint8Array.from({ length: 20_000 }, (_, at) => byteOf([1.5, 0.66, 1, 1.78, 3, 0.5, 1.33][(at * 7919) % 7]));
  for (const width of [360, 768, 1380, 2500]) {
    const rows = new Rows(aspects, width, 220, 6), seen = [];
    let bottom = -6, last = null;
    for (const row of places(rows)) {
      last = row;
      assert.equal(row[0].x, 0);
      assert.equal(row[0].y, bottom + 6);
      row.forEach((place, at) => {
        seen.push(place.index);
        assert.ok(place.width > 0 && place.height > 60 && place.height < 500, JSON.stringify(place));
        if (at > 0) assert.equal(place.x, row[at - 1].x + row[at - 1].width + 6);
      });
      if (row.at(-1).index < aspects.length - 1) assert.equal(row.at(-1).x + row.at(-1).width, width);
      bottom = row[0].y + row[0].height;
    }
    assert.deepEqual(seen, Array.from(aspects.keys()));
    assert.ok(last.at(-1).x + last.at(-1).width <= width + 1);
    assert.equal(rows.height, bottom);
    for (const index of [0, 1, 777, 19_999]) assert.ok(rows.places(rows.rowOf(index)).some((place) => place.index === index));
  }
});

test("the shape of a tile is that of the photo, within the precision of a byte", () => {
  for (const aspect of [0.5, 0.75, 1, 1.5, 16 / 9, 3]) assert.ok(Math.abs(aspectOf(byteOf(aspect)) / aspect - 1) < 0.017);
});

test("EXIF of JPEG, PNG, WebP and TIFF is read, and broken EXIF is nothing", () => {
  for (const name of ["lake.jpg", "lake.png", "lake.webp", "lake.tif"]) {
    const facts = exifFacts(new Uint8Array(photo(name, name, FORMATS).buffer));
    assert.equal(facts.model, "Field Camera 9", name);
    assert.ok(Math.abs(facts.exposure[0] - 1 / 250) < 1e-6, name);
    assert.equal(facts.iso, 200, name);
  }
  const whole = new Uint8Array(photo("lake.jpg", "lake.jpg", FORMATS).buffer).subarray(0, 600);
  for (let at = 0; at < whole.length; at++) {
    exifFacts(whole.subarray(0, at));
    for (const value of [0, 0x7f, 0xff]) exifFacts(Uint8Array.from(whole, (byte, place) => (place === at ? value : byte)));
  }
});

test("a ThumbHash is decoded as by its authors", () => {
  const rgba = Uint8Array.from({ length: 40 * 30 * 4 }, (_, at) => (at % 4 === 3 ? 255 : (at * 37 + (at >> 5) * 11) % 256));
  const hash = rgbaToThumbHash(40, 30, rgba), expected = thumbHashToRGBA(hash), found = decode(hash);
  assert.deepEqual([found.width, found.height], [expected.w, expected.h]);
  found.pixels.forEach((value, at) => assert.ok(Math.abs(value - expected.rgba[at]) <= 1));
});

test("sizes, times and names are shown as people write them", () => {
  assert.deepEqual([0, 1, 999, 1000, 97_610, 16_777_216, 3e9].map(bytes), ["0 bytes", "1 byte", "999 bytes", "1 kB", "97.6 kB", "16.8 MB", "3 GB"]);
  assert.deepEqual([0.42, 48.2, 1500, 70_000, 1_800_000, 36_000_000].map(duration), ["0.4 ms", "48 ms", "1.5 s", "70 s", "30 min", "10 h"]);
  assert.equal(visible("a\u202egpj.exe\n"), "a\ufffdgpj.exe\ufffd");
});
