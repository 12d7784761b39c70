import { suite } from "uvu";
import * as assert from "uvu/assert";
import { runUrl, urlBase } from "../../lib/http/run-url.ts";

const test = suite("http/run-url");

test("a run's URL is path-absolute with the base path, and full only with a public URL", () => {
  const cases: [basePath: string | undefined, publicUrl: string | undefined, expected: string][] = [
    [undefined, undefined, "/runs/run_1"],
    ["", "", "/runs/run_1"],
    ["/", undefined, "/runs/run_1"],
    ["/hooks", undefined, "/hooks/runs/run_1"],
    ["hooks/", undefined, "/hooks/runs/run_1"],
    [undefined, "https://hooks.example.org", "https://hooks.example.org/runs/run_1"],
    [undefined, "https://hooks.example.org/", "https://hooks.example.org/runs/run_1"],
    ["/hooks", "https://example.org/api/", "https://example.org/api/hooks/runs/run_1"],
  ];
  for (const [basePath, publicUrl, expected] of cases) {
    assert.is(runUrl(urlBase(basePath, publicUrl), "run_1"), expected);
  }
});

test.run();
