import { suite } from "uvu";
import * as assert from "uvu/assert";
import { publicUrlOf } from "../lib/public-url.ts";

const test = suite("public-url");

const KEPT: [given: string, kept: string][] = [
  ["https://hooks.example.org", "https://hooks.example.org"],
  ["https://hooks.example.org/", "https://hooks.example.org"],
  ["https://hooks.example.org/in//", "https://hooks.example.org/in"],
  ["http://127.0.0.1:8080/a/b", "http://127.0.0.1:8080/a/b"],
  ["https://[2001:db8::1]:8443/in", "https://[2001:db8::1]:8443/in"],
  ["https://Hooks.Example.org:443/In", "https://Hooks.Example.org:443/In"],
  ["https://hooks.example.org/a%20b/@me", "https://hooks.example.org/a%20b/@me"],
  ["https://m\u00fcll.example:8443/\u00fc/", "https://xn--mll-hoa.example:8443/%C3%BC"],
];
for (const [given, kept] of KEPT) {
  test(`${given} stands before our paths as ${kept}`, () => assert.is(publicUrlOf(given), kept));
}

const REFUSED = [
  "",
  "hooks.example.org",
  "//hooks.example.org",
  "ftp://hooks.example.org",
  "https://",
  "https:///in",
  "https://hooks.example.org?",
  "https://hooks.example.org/?a=1",
  "https://hooks.example.org/#rc=2",
  "https://user@hooks.example.org",
  "https://:hunter2@hooks.example.org",
  "https://hooks.example.org\\in",
  "https://hooks.example.org/a\\b",
  "https://hooks.example.org/a b",
  " https://hooks.example.org",
  "https://hooks.example.org\n",
  "https://hooks.example.org:99999",
  "https://[::1",
];
for (const given of REFUSED) {
  test(`${JSON.stringify(given)} is no public URL`, () => assert.is(publicUrlOf(given), null));
}

test.run();
