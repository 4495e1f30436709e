/** A run's request as text that makes it again: for a shell, for Python, for gRPC. */

import type { RunRequest } from "../api/types";

export const LANGUAGES = ["curl", "python", "grpcurl"] as const;
export type Language = (typeof LANGUAGES)[number];

/** Where a compute server listens unless it is told otherwise; the page does not know it. */
const COMPUTE = "localhost:50051";

export function snippet(language: Language, request: RunRequest, server: string): string {
  return WRITERS[language](request, server);
}

const WRITERS: Record<Language, (request: RunRequest, server: string) => string> = {
  curl: curlText,
  python: pythonText,
  grpcurl: (request) => grpcurlText(request),
};

/** The body stands in a quoted here-document, in which the shell changes nothing. */
function curlText(request: RunRequest, server: string): string {
  return `curl -sS --fail-with-body ${quoted(`${server}/api/runs`)} \\
  -H 'Content-Type: application/json' \\
  -H "Authorization: Bearer \${LEARNDA_TOKEN-}" \\
  --data-binary @- <<'JSON'
${json(request)}
JSON
`;
}

function grpcurlText(request: RunRequest): string {
  return `grpcurl -plaintext -H "authorization: Bearer \${LEARNDA_TOKEN-}" -d @ \\
  ${COMPUTE} learnda.v1.AssimilationService/RunExperiment <<'JSON'
${json(protoRequest(request))}
JSON
`;
}

function pythonText(request: RunRequest, server: string): string {
  return `import json
import os
import time
import urllib.request

SERVER = ${literal(server)}
TOKEN = os.environ.get("LEARNDA_TOKEN", "")  # only where the server asks for one
REQUEST = ${literal(request)}


def call(path, body=None):
    headers = {"Content-Type": "application/json"}
    if TOKEN:
        headers["Authorization"] = f"Bearer {TOKEN}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(SERVER + path, data, headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


run = call("/api/runs", REQUEST)
while run["status"] in ("queued", "running"):
    time.sleep(0.5)
    run = call(f"/api/runs/{run['run_id']}")
if run["status"] != "completed":
    raise SystemExit(run["error"] or run["status"])
for method in run["methods"].values():
    print(method["label"], method["status"], method["metrics"]["rmse_analysis"])
`;
}

/** Fields that are enumerations in the gRPC contract. */
const ENUMS: ReadonlySet<string> = new Set([
  "obs_network",
  "initial",
  "precision",
  "obs_operator",
  "obs_error",
]);

/** The request as the JSON of a RunExperimentRequest. */
function protoRequest({ methods, ...fields }: RunRequest): unknown {
  const entries = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined);
  const experiment = entries.map(([name, value]) => [name, ENUMS.has(name) ? member(name, value) : value]);
  return { experiment: Object.fromEntries(experiment), methods };
}

const member = (name: string, value: unknown): string =>
  `${name}_${String(value)}`.replaceAll("-", "_").toUpperCase();

const json = (value: unknown): string => JSON.stringify(value, null, 2);

/** One word of a POSIX shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** A JSON value as Python writes it; JSON's string escapes are Python's as well. */
function literal(value: unknown, indent = ""): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const inner = `${indent}    `;
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const items = Array.isArray(value)
    ? value.map((item) => literal(item, inner))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${literal(item, inner)}`);
  if (items.length === 0) return open + close;
  return `${open}\n${items.map((item) => `${inner}${item},\n`).join("")}${indent}${close}`;
}
