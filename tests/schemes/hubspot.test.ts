import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { ReadFunction, Signed } from "../../lib/scheme.ts";
import { hubspot } from "../../lib/schemes/hubspot.ts";

const test = suite("schemes/hubspot");

const id = hubspot.id as ReadFunction;

function urlSigned(url: string): unknown {
  const given = {
    method: "POST",
    url,
    contentType: "",
    body: new Uint8Array(),
    timestamp: "1",
    id: "",
    value: null,
  };
  const [chunks = []] = (hubspot.signed as Signed).contents(given);
  return chunks[1];
}

const URLS: [url: string, signed: string][] = [
  ["https://a.example/b?c=1", "https://a.example/b?c=1"],
  ["https://a.example/b?u=https%3A%2F%2Fc%3Fd", "https://a.example/b?u=https://c?d"],
  ["https://a.example/b?u=%40%21%24%27%28%29%2A%2C%3B", "https://a.example/b?u=@!$'()*,;"],
  ["https://a.example/b?u=%3a%2f%2a", "https://a.example/b?u=:/*"],
  ["https://a.example/b?u=%26%3D%23%25%20%2B%C3%BC", "https://a.example/b?u=%26%3D%23%25%20%2B%C3%BC"],
  ["https://a.example/b?u=%253A", "https://a.example/b?u=%253A"],
  ["https://a.example/b?u=%3&v=%", "https://a.example/b?u=%3&v=%"],
];

for (const [url, signed] of URLS) {
  test(`${url} is signed as ${signed}`, () => assert.is(urlSigned(url), signed));
}

test("the parts are signed in one order, with nothing between them", () => {
  const body = Uint8Array.from([0x5b, 0x5d]);
  const given = {
    method: "PUT",
    url: "https://a",
    contentType: "",
    body,
    timestamp: "1",
    id: "",
    value: null,
  };
  assert.equal((hubspot.signed as Signed).contents(given), [["PUT", "https://a", body, "1"]]);
});

const one = { eventId: 1, subscriptionId: 2, occurredAt: 3, attemptNumber: 0 };
const two = { eventId: 4, subscriptionId: 5, occurredAt: 6, attemptNumber: 0 };

test("a batch is known by its events, whatever their order and however often they were sent", () => {
  const known = id([one, two]);
  assert.match(known ?? "", /^sha256:[0-9a-f]{64}$/);
  assert.is(id([two, one]), known);
  assert.is(
    id([
      { ...one, attemptNumber: 3 },
      { ...two, propertyValue: "x" },
    ]),
    known,
  );
});

test("other events, more of them or fewer, are another batch", () => {
  const known = id([one, two]);
  for (const [name, batch] of [
    ["one of them", [one]],
    ["one of them twice", [one, one, two]],
    ["another event", [one, { ...two, eventId: 7 }]],
    ["another subscription", [one, { ...two, subscriptionId: 7 }]],
    ["at another time", [one, { ...two, occurredAt: 7 }]],
  ] as const)
    assert.is.not(id(batch as never), known, name);
});

test("what is no batch has no id, and nothing throws", () => {
  for (const value of [undefined, null, {}, [], "text", 7]) assert.is(id(value), null);
  for (const value of [[null], [7, "x", [], { eventId: {} }], [{ eventId: 1 }]])
    assert.match(id(value) ?? "", /^sha256:/);
});

test.run();
