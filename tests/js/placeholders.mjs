// The placeholders of pictures: placeholders.mjs FILE, a JSON array of {width, height, rgba}, rgba in base64. Prints
// [{thumbhash, blurhash}], thumbhash in base64. BlurHash has 4 × 3 components, or 3 × 4 of an upright picture.
import { readFileSync } from "node:fs";
import { encode } from "blurhash";
import { rgbaToThumbHash } from "thumbhash";

const pictures = JSON.parse(readFileSync(process.argv[2], "utf8"));

console.log(JSON.stringify(pictures.map(({ width, height, rgba }) => {
  const pixels = new Uint8ClampedArray(Buffer.from(rgba, "base64"));
  const opaque = pixels.map((value, i) => {
    const alpha = pixels[i - (i % 4) + 3];
    return i % 4 === 3 ? 255 : Math.trunc((value * alpha + 255 * (255 - alpha) + 127) / 255);
  });
  const [across, down] = height > width ? [3, 4] : [4, 3];
  return {
    thumbhash: Buffer.from(rgbaToThumbHash(width, height, pixels)).toString("base64"),
    blurhash: encode(opaque, width, height, across, down),
  };
})));
