import { suite } from "uvu";
import * as assert from "uvu/assert";
import { clientAddress, isLoopbackAddress, parseAddress, parseNetworks } from "../../lib/http/forwarded.ts";

const test = suite("http/forwarded");

function spelled(text: string): string | null {
  const bytes = parseAddress(text);
  return bytes && Buffer.from(bytes).toString("hex");
}

test("addresses are read in every spelling", () => {
  const cases: [string, string][] = [
    ["0.0.0.0", "00000000000000000000ffff00000000"],
    ["192.0.2.255", "00000000000000000000ffffc00002ff"],
    ["::", "00000000000000000000000000000000"],
    ["::1", "00000000000000000000000000000001"],
    ["1::", "00010000000000000000000000000000"],
    ["2001:db8::A:1", "20010db80000000000000000000a0001"],
    ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
    ["1:2:3:4:5:6:7::", "00010002000300040005000600070000"],
    ["::ffff:192.0.2.1", "00000000000000000000ffffc0000201"],
    ["::ffff:c000:201", "00000000000000000000ffffc0000201"],
    ["1:2:3:4:5:6:192.0.2.1", "000100020003000400050006c0000201"],
    ["fe80::1%eth0", "fe800000000000000000000000000001"],
  ];
  for (const [text, hex] of cases) assert.is(spelled(text), hex, text);
});

test("what is no address is null", () => {
  const cases = [
    "",
    "localhost",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.4 ",
    "0x1.2.3.4",
    "1.2.3.-4",
  ];
  const v6 = [
    ":",
    ":::",
    "1:2",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1::2::3",
    "12345::",
    "g::",
    "1:2:3:4:5:6:7:8::",
  ];
  const mixed = [
    "::1.2.3",
    "::1.2.3.4:5",
    "1.2.3.4::",
    "[::1]",
    "::1/128",
    ":1:2:3:4:5:6:7:8",
    "1:".repeat(100),
  ];
  for (const text of [...cases, ...v6, ...mixed]) assert.is(parseAddress(text), null, text);
});

test("loopback is 127.0.0.0/8 and ::1", () => {
  for (const text of ["127.0.0.1", "127.255.0.9", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"]) {
    assert.is(isLoopbackAddress(text), true, text);
  }
  for (const text of [
    "128.0.0.1",
    "126.255.255.255",
    "::2",
    "::",
    "0.0.0.0",
    "10.0.0.1",
    "localhost",
    "",
    "1::1",
  ]) {
    assert.is(isLoopbackAddress(text), false, text);
  }
});

test("only addresses and CIDRs are networks", () => {
  for (const text of [
    "",
    "10.0.0.0/33",
    "::/129",
    "10.0.0.0/",
    "10.0.0.0/8/8",
    "10.0.0.0/-1",
    "10.0.0/8",
    "loopback",
    "*",
  ]) {
    assert.throws(
      () => parseNetworks([text]),
      (error: Error) => error instanceof TypeError,
      text,
    );
  }
});

test("the rightmost untrusted hop counts, and what stands to its left does not", () => {
  const cases: [trusted: string[], peer: string, forwarded: string | null, expected: string][] = [
    // nobody is trusted, or not this peer: the header is anybody's word
    [[], "192.0.2.1", "198.51.100.1", "192.0.2.1"],
    [["10.0.0.0/8"], "192.0.2.1", "198.51.100.1", "192.0.2.1"],
    [["10.0.0.0/8"], "11.0.0.1", "198.51.100.1", "11.0.0.1"],
    [["10.0.0.0/8"], "10.255.0.1", null, "10.255.0.1"],
    [["10.0.0.0/8"], "10.255.0.1", "198.51.100.1", "198.51.100.1"],
    [["10.0.0.0/8"], "10.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"],
    [["10.0.0.0/8"], "10.0.0.1", "6.6.6.6,198.51.100.1 , 10.0.0.2,10.0.0.3", "198.51.100.1"],
    [["10.0.0.0/8"], "10.0.0.1", "10.0.0.2, 10.0.0.3", "10.0.0.2"],
    [["10.0.0.1"], "10.0.0.1", "10.0.0.2", "10.0.0.2"],
    [["10.0.0.0/31"], "10.0.0.1", "10.0.0.2", "10.0.0.2"],
    [["10.0.0.0/30"], "10.0.0.1", "10.0.0.2", "10.0.0.2"],
    [["10.0.0.0/31"], "10.0.0.2", "198.51.100.1", "10.0.0.2"],
    [["0.0.0.0/0"], "10.0.0.1", "198.51.100.1", "198.51.100.1"],
    // what is no address ends the walk at the last proxy that was trusted
    [["10.0.0.0/8"], "10.0.0.1", "198.51.100.1, unknown", "10.0.0.1"],
    [["10.0.0.0/8"], "10.0.0.1", "198.51.100.1, , 10.0.0.2", "10.0.0.2"],
    [["10.0.0.0/8"], "10.0.0.1", "", "10.0.0.1"],
    // ports and IPv6
    [["10.0.0.0/8"], "10.0.0.1", "198.51.100.1:4711", "198.51.100.1"],
    [["::1"], "::1", "[2001:db8::1]:4711", "2001:db8::1"],
    [["::1"], "::1", "2001:db8::1", "2001:db8::1"],
    [["2001:db8::/32"], "2001:db8:1::1", "198.51.100.1", "198.51.100.1"],
    [["2001:db8::/32"], "2001:db9::1", "198.51.100.1", "2001:db9::1"],
    [["127.0.0.1"], "::ffff:127.0.0.1", "198.51.100.1", "198.51.100.1"],
  ];
  for (const [trusted, peer, forwarded, expected] of cases) {
    assert.is(
      clientAddress(peer, forwarded, parseNetworks(trusted)),
      expected,
      `${trusted} ${peer} ${forwarded}`,
    );
  }
});

test.run();
