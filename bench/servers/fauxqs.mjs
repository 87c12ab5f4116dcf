// fauxqs on loopback, without its request log. usage: node fauxqs.mjs PORT
import { buildApp } from "fauxqs";

const app = buildApp({ logger: false });
await app.listen({ port: Number(process.argv[2]), host: "127.0.0.1" });
