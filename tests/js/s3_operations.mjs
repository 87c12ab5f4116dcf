// Prints the operations of the S3 model in @aws-sdk/client-s3 as JSON: name, method, path with its sub-resource.
import * as s3 from "@aws-sdk/client-s3";

const OPERATION = 9; // the kind of a schema (@smithy/types, StaticOperationSchema)
const rows = Object.entries(s3)
  .filter(([name, schema]) => name.endsWith("$") && Array.isArray(schema) && schema[0] === OPERATION)
  .map(([, schema]) => ({ name: schema[2], http: schema[3].http }))
  .map(({ name, http }) => ({ name, method: http[0], path: http[1] }));
console.log(JSON.stringify(rows));
