import { execFile } from "node:child_process";
import { access, readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const ROOT = new URL("../", import.meta.url);
/** In two halves, so that this file does not find itself. */
const LEFT_OVERS = new RegExp(
  `\\b(${["TO", "FIX"].map((half, at) => half + ["DO", "ME"][at]).join("|")})\\b`,
);
const SOURCE = /(\.([cm]?[jt]s|json|ya?ml|sh|sql|css|html)|^\.ci\/run)$/;
const LOCKS = [
  "package-lock.json",
  "bench/peers/package-lock.json",
  "tests/mutation/package-lock.json",
  "tests/runtimes/package-lock.json",
];

interface LockEntry {
  optionalDependencies?: Record<string, string>;
}

const test = suite("house");

test("every relative link of the documents leads to a file", async () => {
  const dead: string[] = [];
  const documents = await listDocuments();
  assert.ok(documents.length > 0, "found no document");
  for (const path of documents) {
    const url = new URL(path, ROOT);
    for (const link of relativeLinks(await readFile(url, "utf8"))) {
      const target = new URL(link.replace(/[?#].*$/, ""), url);
      if (!(await isThere(target))) dead.push(`${path} links to ${link}`);
    }
  }
  assert.is(dead.join("\n"), "");
});

test("links are read in each form, and those of code, of the page itself and of the web are left alone", () => {
  const text = [
    'See [a](docs/a.md), ![b](./b.png "title") and [c](<c d.md>), [site](https://example.org), [here](#here).',
    "[ref]: docs/ref.md#part",
    "`[code](code.md)` and",
    "```sh",
    "echo [fence](fence.md)",
    "```",
    '<img src="shown.svg"> <a href="mailto:a@example.org">mail</a>',
  ].join("\n");
  assert.equal(relativeLinks(text), ["docs/a.md", "./b.png", "c d.md", "docs/ref.md#part", "shown.svg"]);
});

test("no source holds a to-do: what is not built yet is not in the code", async () => {
  const paths = (await listSources()).filter((path) => SOURCE.test(path) && path !== "package-lock.json");
  assert.ok(paths.length > 10, `read only ${paths.length} files`);
  const found: string[] = [];
  for (const path of paths) {
    const lines = (await readFile(new URL(path, ROOT), "utf8")).split("\n");
    for (const [index, line] of lines.entries()) {
      if (LEFT_OVERS.test(line)) found.push(`${path}:${index + 1} ${line.trim()}`);
    }
  }
  assert.is(found.join("\n"), "");
});

test("the lock files name no registry, so that an install asks the one that is set", async () => {
  for (const path of LOCKS) {
    const lock = await readFile(new URL(path, ROOT), "utf8");
    assert.not.match(
      lock,
      /"resolved"/,
      `${path}: npm install --omit-lockfile-registry-resolved keeps them out`,
    );
  }
});

// npm leaves a binary out of the lock where the registry has none for that platform, and `npm ci` then refuses it.
test("the lock files know the binaries of every platform, so that npm ci takes them anywhere", async () => {
  for (const path of LOCKS) {
    const { packages } = await readJson(path);
    for (const [place, { optionalDependencies = {} }] of Object.entries<LockEntry>(packages)) {
      for (const name of Object.keys(optionalDependencies)) {
        const isKnown = `node_modules/${name}` in packages || `${place}/node_modules/${name}` in packages;
        assert.ok(isKnown, `${path} lacks ${name} of ${place}`);
      }
    }
  }
});

test("package-lock.json is in step with package.json", async () => {
  const [manifest, lock] = await Promise.all(["package.json", "package-lock.json"].map(readJson));
  for (const key of ["name", "version", "dependencies", "devDependencies", "peerDependencies", "engines"]) {
    assert.equal(lock.packages[""][key], manifest[key], key);
  }
});

test("what coverage leaves out is types alone, which leave nothing behind to be run", async () => {
  for (const path of (await readJson("package.json")).c8.exclude) {
    assert.equal(Object.keys(await import(new URL(path, ROOT).href)), [], path);
  }
});

test("the changelog has an entry for the version in package.json", async () => {
  const { version } = await readJson("package.json");
  assert.match(await readFile(new URL("CHANGELOG.md", ROOT), "utf8"), `\n## [${version}]`);
});

test.run();

async function listDocuments(): Promise<string[]> {
  const [top, docs] = await Promise.all(["./", "docs/"].map((folder) => listMarkdown(folder)));
  return [...(top ?? []), ...(docs ?? [])];
}

async function listMarkdown(folder: string): Promise<string[]> {
  const names = await readdir(new URL(folder, ROOT)).catch(() => []);
  return names.filter((name) => name.endsWith(".md")).map((name) => `${folder}${name}`);
}

/** Targets of links, images and references in Markdown and its HTML, without code. */
function relativeLinks(markdown: string): string[] {
  const text = markdown.replace(/^ *(```|~~~)[\s\S]*?^ *\1/gm, "").replace(/(`+)[\s\S]*?\1/g, "");
  const forms = /\]\((?:<([^>\n]+)>|([^()\s]+))|^ *\[[^\]]+\]: +(\S+)|\b(?:href|src)="([^"]+)"/gm;
  const links = [...text.matchAll(forms)].map(
    (match) => match.slice(1).find((link) => link !== undefined) ?? "",
  );
  return links.filter((link) => !/^(?:[a-z][a-z0-9+.-]*:|#|\/\/)/i.test(link));
}

/** What is in git or about to be; all files but the installed ones where this is no clone. */
async function listSources(): Promise<string[]> {
  const cwd = fileURLToPath(ROOT);
  try {
    const args = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
    const { stdout } = await promisify(execFile)("git", args, { cwd });
    const paths = stdout.split("\0").filter((path) => path !== "");
    const present = await Promise.all(paths.map((path) => isThere(new URL(path, ROOT))));
    return paths.filter((_, index) => present[index]);
  } catch {
    const paths = await readdir(cwd, { recursive: true });
    return paths.filter((path) => !/(^|\/)(node_modules|coverage|\.mutation|\.runtimes)\//.test(path));
  }
}

async function isThere(url: URL): Promise<boolean> {
  return access(url).then(
    () => true,
    () => false,
  );
}

async function readJson(path: string) {
  return JSON.parse(await readFile(new URL(path, ROOT), "utf8"));
}
