// Lint an OpenAPI document with Redocly's recommended rules; one line a finding.
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { readFileSync } from "node:fs";

const config = await createConfig({
  extends: ["recommended"],
  rules: {
    "info-license": "off", // the project has none yet
    "tag-description": "off", // a tag is the name of a feature, and its routes say what it does
    "no-ambiguous-paths": "off", // `/me` beside `/{barber_id}`: ids are UUIDs
    "operation-2xx-response": "off", // a WebSocket answers 101
  },
});
const [absoluteRef] = process.argv.slice(2);
const problems = await lintFromString({ source: readFileSync(absoluteRef, "utf8"), absoluteRef, config });
for (const { severity, ruleId, message, location } of problems) {
  console.log(severity, ruleId, message, location[0]?.pointer);
}
