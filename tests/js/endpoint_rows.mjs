// Prints what the rule sets of the AWS SDK give for each region, service and variant:
// service TAB region TAB dualstack TAB fips TAB bucket TAB URL. "-" stands for no bucket, and for an error.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);
const modules = join(import.meta.dirname ?? dirname(new URL(import.meta.url).pathname), "node_modules");

function resolver(path) {
  return require(join(modules, "@aws-sdk", path, "endpoint/endpointResolver.js")).defaultEndpointResolver;
}

const sso = resolver("client-sso/dist-cjs");
const oidc = resolver("nested-clients/dist-cjs/submodules/sso-oidc");
const services = {
  s3: resolver("client-s3/dist-cjs"), sqs: resolver("client-sqs/dist-cjs"), sns: resolver("client-sns/dist-cjs"),
  events: resolver("client-eventbridge/dist-cjs"), rekognition: resolver("client-rekognition/dist-cjs"),
  sts: resolver("client-sts/dist-cjs"), "portal.sso": sso, oidc,
};
const { partitions } = require(join(modules, "@aws-sdk/util-endpoints/dist-cjs/lib/aws/partitions.json"));
const regions = partitions.flatMap((p) => Object.keys(p.regions)).filter((name) => !name.startsWith("aws-"));
const buckets = ["-", "photos", "my.photos", "192.168.5.4", "Photos_1"];

function point(partition, region, separator) {
  return `arn:${partition}:s3:${region}:123456789012:accesspoint${separator}cats`;
}

function row(service, region, dualstack, fips, bucket) {
  let url = "-";
  try {
    url = services[service]({
      Region: region, UseDualStack: dualstack, UseFIPS: fips, UseGlobalEndpoint: false,
      ...(bucket === "-" ? {} : { Bucket: bucket }),
    }).url.href.replace(/\/$/, "");
  } catch {
    // The rules refuse it.
  }
  console.log([service, region, dualstack, fips, bucket, url].join("\t"));
}

for (const region of [...regions, "xx-nowhere-1"]) {
  const partition = partitions.find((p) => new RegExp(p.regionRegex).test(region)) ?? { id: "aws" };
  for (const dualstack of [false, true])
    for (const fips of [false, true])
      for (const service of Object.keys(services)) {
        const names = service === "s3" ? [...buckets, point(partition.id, region, "/"), point(partition.id, region, ":")] : ["-"];
        for (const bucket of names) row(service, region, dualstack, fips, bucket);
      }
}
