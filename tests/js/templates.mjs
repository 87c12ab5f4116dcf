// Checks and reads templates: templates.mjs FILE, a JSON array of {name, format, value}. Prints {name: {problems, value}}.
//
//   cloudformation   value is the template. Each resource's type, properties, required properties, their types, and each
//                    attribute that Fn::GetAtt names, by the schemas of @aws-cdk/aws-service-spec
//   terraform        value is the text. It is parsed by HashiCorp's own parser; the result's value has its blocks as JSON
import { readFileSync } from "node:fs";
import { loadAwsServiceSpecSync } from "@aws-cdk/aws-service-spec";
import { parse } from "@cdktf/hcl2json";

const specification = loadAwsServiceSpecSync();

function resourceOf(type) {
  return specification.lookup("resource", "cloudFormationType", "equals", type)[0];
}

function isFunction(value) {
  const keys = value && typeof value === "object" ? Object.keys(value) : [];
  return keys.length === 1 && (keys[0] === "Ref" || keys[0].startsWith("Fn::"));
}

const scalars = {
  string: (value) => typeof value === "string",
  "date-time": (value) => typeof value === "string",
  integer: Number.isInteger,
  number: (value) => typeof value === "number",
  boolean: (value) => typeof value === "boolean",
  json: (value) => value !== null && typeof value === "object",
  null: (value) => value === null,
};

// The value of a function is known only when the stack is made.
function problemsOfValue(value, type, path) {
  if (isFunction(value)) {
    return [];
  }
  if (scalars[type.type]) {
    return scalars[type.type](value) ? [] : [`${path}: not of the type ${type.type}`];
  }
  switch (type.type) {
    case "array":
      return Array.isArray(value)
        ? value.flatMap((item, i) => problemsOfValue(item, type.element, `${path}[${i}]`))
        : [`${path}: not a list`];
    case "map":
      return Object.entries(value).flatMap(([key, item]) => problemsOfValue(item, type.element, `${path}.${key}`));
    case "ref":
      return problemsOfProperties(value, specification.get("typeDefinition", type.reference.$ref).properties, path);
    case "union": {
      const each = type.types.map((one) => problemsOfValue(value, one, path));
      return each.find((problems) => problems.length === 0) ?? each[0];
    }
    default:
      return [`${path}: the type ${type.type} is not known here`];
  }
}

function problemsOfProperties(values, properties, path) {
  if (values === null || typeof values !== "object" || Array.isArray(values)) {
    return [`${path}: not a map`];
  }
  const missing = Object.entries(properties)
    .filter(([name, property]) => property.required && !(name in values))
    .map(([name]) => `${path}: ${name} is required`);
  return missing.concat(Object.entries(values).flatMap(([name, value]) => (properties[name]
    ? problemsOfValue(value, properties[name].type, `${path}.${name}`)
    : [`${path}: unknown property ${name}`])));
}

// Each Fn::GetAtt of the template, wherever it is.
function* attributesIn(value) {
  if (value === null || typeof value !== "object") {
    return;
  }
  if (value["Fn::GetAtt"]) {
    yield value["Fn::GetAtt"];
  }
  for (const item of Object.values(value)) {
    yield* attributesIn(item);
  }
}

function problemsOfTemplate(template) {
  const problems = Object.entries(template.Resources).flatMap(([id, { Type, Properties }]) => {
    const resource = resourceOf(Type);
    return resource ? problemsOfProperties(Properties ?? {}, resource.properties, id) : [`${id}: unknown type ${Type}`];
  });
  for (const [id, attribute] of attributesIn(template)) {
    const resource = template.Resources[id] && resourceOf(template.Resources[id].Type);
    if (!resource?.attributes[attribute]) {
      problems.push(`${id} has no attribute ${attribute}`);
    }
  }
  return problems;
}

async function read({ format, value }) {
  if (format === "cloudformation") {
    return { problems: problemsOfTemplate(value) };
  }
  try {
    return { problems: [], value: await parse("main.tf", value) };
  } catch (error) {
    return { problems: [String(error)] };
  }
}

const found = {};
for (const document of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  found[document.name] = await read(document);
}
console.log(JSON.stringify(found));
