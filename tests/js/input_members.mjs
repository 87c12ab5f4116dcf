// Prints the input members of every operation of the services that the embedded cloud has, from the models in @aws-sdk/client-*, as JSON:
// {service: {operations: {name: {members: {name: place}, structures: [name, ...]}}, structures: {name: [member, ...]}}}.
// The place is "" (in the body), "header:NAME", "query:NAME" or "prefix:NAME". Structures are those inside the members.
const CLIENTS = { s3: "s3", sqs: "sqs", sns: "sns", events: "eventbridge", rekognition: "rekognition", sts: "sts" };
const LIST = 1, MAP = 2, STRUCTURE = 3, UNION = 4, OPERATION = 9; // the kinds of schemas (@smithy/types)

function bare(schema) {
  while (true) {
    if (typeof schema === "function") schema = schema();
    else if (Array.isArray(schema) && schema.length === 2) schema = schema[0]; // with traits; a number is a simple type
    else return schema;
  }
}

function place(schema) {
  const traits = Array.isArray(schema) && schema.length === 2 && typeof schema[1] === "object" ? schema[1] : {};
  if (traits.httpHeader) return `header:${traits.httpHeader}`;
  if (traits.httpQuery) return `query:${traits.httpQuery}`;
  if (traits.httpPrefixHeaders) return `prefix:${traits.httpPrefixHeaders}`;
  return "";
}

// A schema is [kind, namespace, name, traits, ...]: of a structure member names and schemas, of a list its items, of a map keys and values.
function visit(schema, found) {
  schema = bare(schema);
  if (!Array.isArray(schema)) return;
  if (schema[0] === LIST) visit(schema[4], found);
  if (schema[0] === MAP) visit(schema[5], found);
  if (![STRUCTURE, UNION].includes(schema[0]) || found.has(schema[2])) return;
  found.set(schema[2], schema[4]);
  schema[5].forEach((member) => visit(member, found));
}

const out = {};
for (const [service, name] of Object.entries(CLIENTS)) {
  const client = await import(`@aws-sdk/client-${name}`);
  const operations = {}, structures = {};
  for (const [key, schema] of Object.entries(client)) {
    if (!key.endsWith("$") || !Array.isArray(schema) || schema[0] !== OPERATION) continue;
    const input = bare(schema[4]) ?? bare(client[`${schema[2]}Request$`] ?? client[`${schema[2]}Input$`]);
    const [names, schemas] = input?.[0] === STRUCTURE ? [input[4], input[5]] : [[], []];
    const found = new Map();
    schemas.forEach((member) => visit(member, found));
    operations[schema[2]] = { members: Object.fromEntries(names.map((member, i) => [member, place(schemas[i])])), structures: [...found.keys()] };
    for (const [structure, members] of found) structures[structure] = members;
  }
  out[service] = { operations, structures };
}
console.log(JSON.stringify(out));
