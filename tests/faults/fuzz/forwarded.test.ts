import { BlockList, isIP } from "node:net";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { clientAddress, parseAddress, parseNetworks } from "../../../lib/http/forwarded.ts";
import { anyText, bent, holds, outcomeOf } from "./holds.ts";

const test = suite("faults/fuzz/forwarded");

const address = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.constantFrom("::", "::1", "::ffff:10.0.0.1", "10.0.0.1", "1::8"),
);
const nearly = bent(
  address,
  fc.constantFrom(":", "::", ".", "0", "00", "f", "256", "g", "/", "[", "]", " ", "::ffff:"),
);

/** IPv6 as the URL parser spells it, of which each address has one. */
function spelled(text: string): string {
  return new URL(`http://[${text}]/`).hostname;
}

function groupsOf(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString("hex");
  return (hex.match(/.{4}/g) ?? []).join(":");
}

test("a text is an address exactly where Node says so, and stands for the same bytes", () =>
  holds(
    fc.property(fc.oneof(nearly, anyText), (text) => {
      fc.pre(!text.includes("%")); // a zone, which is left out
      const bytes = parseAddress(text);
      const version = isIP(text);
      assert.is(bytes === null, version === 0, text);
      if (bytes !== null)
        assert.is(spelled(groupsOf(bytes)), spelled(version === 4 ? `::ffff:${text}` : text));
    }),
    10_000,
  ));

/** Some networks, in both forms: ours and Node's. */
const networks = fc.array(
  fc.oneof(
    fc.tuple(fc.ipV4(), fc.constantFrom(0, 8, 9, 15, 24, 31, 32)),
    fc.tuple(fc.ipV6(), fc.constantFrom(0, 7, 32, 64, 127, 128)),
  ),
  { maxLength: 3 },
);

function isListed(list: BlockList, text: string): boolean {
  return list.check(text, isIP(text) === 4 ? "ipv4" : "ipv6");
}

test("the client is the rightmost hop that no proxy of ours is, and what stands to its left changes nothing", () =>
  holds(
    fc.property(
      networks,
      fc.array(fc.tuple(address, fc.nat({ max: 3 })), { minLength: 1, maxLength: 5 }),
      fc.string(),
      (given, drawn, junk) => {
        const list = new BlockList();
        for (const [base, bits] of given) list.addSubnet(base, bits, isIP(base) === 4 ? "ipv4" : "ipv6");
        // Two of four hops are made one of our proxies, where there are any.
        const hops = drawn.map(([own, at]) => given[at]?.[0] ?? own);
        const [peer = "", ...forwarded] = hops.toReversed();
        const header = forwarded.toReversed().join(", ");
        const trusted = parseNetworks(given.map(([base, bits]) => `${base}/${bits}`));
        const expected = hops.findLastIndex((hop) => !isListed(list, hop));
        const found = clientAddress(peer, forwarded.length === 0 ? null : header, trusted);
        assert.is(found, hops[Math.max(expected, 0)]);
        if (expected > 0) assert.is(clientAddress(peer, `${junk}, ${header}`, trusted), found);
      },
    ),
    3_000,
  ));

test("whatever is forwarded, the client is an address, and only our proxies are asked", () =>
  holds(
    fc.property(
      address,
      bent(
        fc
          .array(
            fc.oneof(
              address,
              fc
                .tuple(address, fc.nat({ max: 65_535 }))
                .map(([host, port]) => (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`)),
            ),
          )
          .map((hops) => hops.join(", ")),
        anyText,
      ),
      (peer, header) => {
        assert.is(clientAddress(peer, header, []), peer);
        assert.is.not(parseAddress(clientAddress(peer, header, parseNetworks(["0.0.0.0/0", "::/0"]))), null);
      },
    ),
    3_000,
  ));

test("a network is what it says, or refused by name", () =>
  holds(
    fc.property(
      nearly,
      fc.oneof(fc.nat({ max: 140 }).map(String), fc.string({ maxLength: 4 })),
      fc.boolean(),
      (base, bits, isWhole) => {
        const text = isWhole ? base : `${base}/${bits}`;
        const { value, error } = outcomeOf(() => parseNetworks([text]));
        const [host = "", size = null, ...more] = text.split("/"); // the base may have got a slash, too
        const max = isIP(host) === 4 ? 32 : 128;
        const isSized = size === null || (/^\d{1,3}$/.test(size) && Number(size) <= max);
        const isGood = isIP(host) !== 0 && isSized && more.length === 0;
        assert.is(error === undefined, isGood, text);
        if (error === undefined) return assert.is(value.length, 1);
        assert.instance(error, TypeError);
        assert.ok(error.message.includes(JSON.stringify(text)));
      },
    ),
    3_000,
  ));

test.run();
