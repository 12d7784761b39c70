import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isAddress, notPublic } from "../../../lib/flows/http/not-public.ts";

const test = suite("flows/http/not-public");

// IANA's special-purpose registries, row by row, with the first and the last address of each block.
const ipv4: [block: string, first: string, last: string, what: string | null][] = [
  ["0.0.0.0/8", "0.0.0.0", "0.255.255.255", "unspecified"],
  ["10.0.0.0/8", "10.0.0.0", "10.255.255.255", "private"],
  ["100.64.0.0/10", "100.64.0.0", "100.127.255.255", "carrier-grade NAT"],
  ["127.0.0.0/8", "127.0.0.0", "127.255.255.255", "loopback"],
  ["169.254.0.0/16", "169.254.0.0", "169.254.255.255", "link-local"],
  ["172.16.0.0/12", "172.16.0.0", "172.31.255.255", "private"],
  ["192.0.0.0/24", "192.0.0.0", "192.0.0.255", "reserved"],
  ["192.0.0.9/32 and 192.0.0.10/32", "192.0.0.9", "192.0.0.10", "reserved"],
  ["192.0.0.170/31", "192.0.0.170", "192.0.0.171", "reserved"],
  ["192.0.2.0/24", "192.0.2.0", "192.0.2.255", "documentation"],
  ["192.31.196.0/24", "192.31.196.0", "192.31.196.255", null],
  ["192.52.193.0/24", "192.52.193.0", "192.52.193.255", null],
  ["192.88.99.0/24", "192.88.99.0", "192.88.99.255", "6to4"],
  ["192.168.0.0/16", "192.168.0.0", "192.168.255.255", "private"],
  ["192.175.48.0/24", "192.175.48.0", "192.175.48.255", null],
  ["198.18.0.0/15", "198.18.0.0", "198.19.255.255", "benchmarking"],
  ["198.51.100.0/24", "198.51.100.0", "198.51.100.255", "documentation"],
  ["203.0.113.0/24", "203.0.113.0", "203.0.113.255", "documentation"],
  ["224.0.0.0/4", "224.0.0.0", "239.255.255.255", "multicast"],
  ["240.0.0.0/4", "240.0.0.0", "255.255.255.254", "reserved"],
  ["255.255.255.255/32", "255.255.255.255", "255.255.255.255", "reserved"],
];

const ipv6: typeof ipv4 = [
  ["::/128", "::", "0:0:0:0:0:0:0:0", "unspecified"],
  ["::1/128", "::1", "0000:0000:0000:0000:0000:0000:0000:0001", "loopback"],
  ["::/96, compatible", "::2", "::8.8.8.8", "reserved"],
  ["64:ff9b:1::/48", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:808:808", "reserved"],
  ["100::/64", "100::", "100::ffff:ffff:ffff:ffff", "reserved"],
  ["100:0:0:1::/64", "100:0:0:1::", "100::1:ffff:ffff:ffff:ffff", "reserved"],
  ["2001::/23", "2001:1ff::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "reserved"],
  ["2001::/32, Teredo", "2001::", "2001:0:ffff:ffff:ffff:ffff:f7f7:f7f7", "Teredo"],
  ["2001:1::1/128 to 3", "2001:1::1", "2001:1::3", "reserved"],
  ["2001:2::/48", "2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", "benchmarking"],
  ["2001:3::/32", "2001:3::", "2001:3:ffff:ffff:ffff:ffff:ffff:ffff", "reserved"],
  ["2001:4:112::/48", "2001:4:112::", "2001:4:112:ffff:ffff:ffff:ffff:ffff", "reserved"],
  ["2001:10::/28", "2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff", "reserved"],
  ["2001:20::/28", "2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff", "reserved"],
  ["2001:30::/28", "2001:30::", "2001:3f:ffff:ffff:ffff:ffff:ffff:ffff", "reserved"],
  ["2001:db8::/32", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "documentation"],
  ["2002::/16", "2002::", "2002:808:808:ffff:ffff:ffff:ffff:ffff", "6to4"],
  ["2620:4f:8000::/48", "2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff", null],
  ["3fff::/20", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "documentation"],
  ["5f00::/16", "5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "reserved"],
  ["fc00::/7", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "private"],
  ["fe80::/10", "fe80::1%eth0", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "link-local"],
  ["fec0::/10", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "private"],
  ["ff00::/8", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast"],
  ["not given to anyone", "4000::", "f7ff::1", "reserved"],
  ["an ISATAP interface", "2600::5efe:7f00:1", "2600::200:5efe:808:808", "ISATAP"],
  ["one with the group bit", "2600::100:5efe:808:808", "2600::300:5efe:808:808", "ISATAP"],
  ["an ISATAP interface of a private network", "fd00::5efe:a00:1", "fd00::200:5efe:a00:1", "private"],
  ["what only looks like ISATAP", "2600::5eff:7f00:1", "2600::400:5efe:808:808", null],
];
for (const [block, first, last, what] of [...ipv4, ...ipv6]) {
  test(`${block} is ${what ?? "public"}`, () => {
    assert.is(notPublic(first), what, first);
    assert.is(notPublic(last), what, last);
  });
}

// Both carriers of IPv4 lead to the address that they carry.
for (const [block, first, last, what] of ipv4) {
  test(`${block} inside of an IPv6 address is ${what ?? "public"}`, () => {
    for (const prefix of ["::ffff:", "::FFFF:", "0:0:0:0:0:ffff:", "64:ff9b::", "0064:ff9b:0:0:0:0:"]) {
      assert.is(notPublic(prefix + first), what, prefix + first);
      assert.is(notPublic(prefix + last), what, prefix + last);
    }
  });
}

test("addresses beside the blocks are public", () => {
  const beside = [
    "1.0.0.0",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.0.3.0",
    "192.88.98.255",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "203.0.112.255",
    "223.255.255.255",
    "2000::",
    "2001:200::",
    "2001:4860:4860::8888",
    "2001:db7:ffff::",
    "2001:db9::",
    "2003::",
    "2606:4700::1111",
    "3ffe:ffff::",
    "3fff:1000::",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
  ];
  for (const address of beside) assert.is(notPublic(address), null, address);
});

test("what is no address is not public, and is asked of DNS", () => {
  for (const text of [
    "",
    "example.com",
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
    "0x7f.0.0.1",
    "1::2::3",
    ":::",
    "::1]",
    "12345::",
    "g::",
  ]) {
    assert.is(notPublic(text), "no IP address", text);
    assert.is(isAddress(text), false, text);
  }
});

test("other spellings of IPv4 are those four parts once they stand in a URL", () => {
  for (const text of ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.0x0.0x0.0x1", "127.0.0.1."]) {
    assert.is(notPublic(new URL(`http://${text}/`).hostname.replace(/\.$/, "")), "loopback", text);
  }
});

test.run();
