// Resizes pictures with sharp: one JSON object per line on standard input, { "from", "to", "width", "height" }.
import { createInterface } from "node:readline";
import sharp from "sharp";

for await (const line of createInterface({ input: process.stdin })) {
  const { from, to, width, height } = JSON.parse(line);
  await sharp(from).resize(width, height, { fit: "fill" }).png({ compressionLevel: 1 }).toFile(to);
}
