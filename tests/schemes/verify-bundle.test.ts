import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const test = suite("schemes/verify-bundle");

const BYTES_MAX = 25_000;

test("latchhook/verify with all schemes stays small, and asks a host for nothing but crypto", async () => {
  const entry = fileURLToPath(new URL("../../lib/schemes/verify-webhook.ts", import.meta.url));
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "neutral",
    external: ["node:*"],
    metafile: true,
    write: false,
  });
  const bytes = outputFiles[0]?.contents.byteLength ?? 0;
  assert.ok(bytes > 0 && bytes < BYTES_MAX, `${bytes} bytes`);
  const outside = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  assert.equal([...new Set(outside)], ["node:crypto"]);
});

test.run();
