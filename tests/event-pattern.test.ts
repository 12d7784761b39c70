import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compileEventPattern } from "../lib/event-pattern.ts";

const test = suite("event-pattern");

const cases: readonly [pattern: string, matches: readonly string[], others: readonly string[]][] = [
  [
    "pull_request",
    ["pull_request", "pull_request.opened", "pull_request.review.submitted"],
    [
      "pull_request_review",
      "pull_request_review.submitted",
      "a.pull_request",
      "pull_reques",
      "",
      "Pull_request",
    ],
  ],
  [
    "pull_request.opened",
    ["pull_request.opened"],
    ["pull_request", "pull_request.opened2", "pull_request_opened"],
  ],
  [
    "pull_request.*",
    ["pull_request.opened", "pull_request.", "pull_request.a.b"],
    ["pull_request", "pull_requests.a"],
  ],
  ["invoice", ["invoice.paid", "invoice.payment.failed"], ["invoiceitem.created", "customer.invoice"]],
  [
    "invoice.payment.*",
    ["invoice.payment.failed"],
    ["invoice.payment", "invoice.paid", "invoice.payment_failed"],
  ],
  ["invoice.payment", ["invoice.payment", "invoice.payment.failed"], ["invoice.payment_failed"]],
  ["customer.*.deleted", ["customer.subscription.deleted", "customer.a.b.deleted"], ["customer.deleted"]],
  ["*.deleted", ["customer.deleted", "a.b.deleted", ".deleted"], ["deleted", "customer.undeleted"]],
  ["orders/*", ["orders/create", "orders/", "orders/a/b"], ["orders", "draft_orders/create"]],
  ["orders/create", ["orders/create"], ["orders/created", "orders/create/x", "orders"]],
  ["orders", ["orders", "orders.x"], ["orders/create"]],
  ["message", ["message", "message.channels"], ["messages", "app.message"]],
  ["Push Hook", ["Push Hook"], ["Push", "Push Hook2"]],
  ["jira:issue_*", ["jira:issue_updated"], ["jira:sprint"]],
  ["*", ["", "a", "a.b", "orders/create", "line\nbreak", "\ud800"], []],
  ["**", ["", "a.b"], []],
  ["a*b*c", ["abc", "aXbXc", "abcbc", "abc.d", "abcd.c"], ["ab", "ac", "acb"]],
  ["ab*ba", ["abba", "abXba"], ["aba", "ab"]],
  ["a*b*b", ["abb", "abXb"], ["ab"]],
  ["*a*a*", ["aa", "XaXaX"], ["a", ""]],
  ["a.b", ["a.b"], ["aXb", "a"]],
  ["a?[b]", ["a?[b]"], ["ab", "aXb"]],
];
for (const [pattern, matches, others] of cases) {
  test(`${JSON.stringify(pattern)} matches what it names, and nothing near it`, () => {
    const isMatch = compileEventPattern(pattern);
    for (const type of matches) assert.ok(isMatch(type), JSON.stringify(type));
    for (const type of others) assert.not(isMatch(type), JSON.stringify(type));
  });
}

test("types that are made to make a pattern go back take no time", () => {
  const isMatch = compileEventPattern(`${"*a".repeat(126)}b`);
  const startedAt = process.cpuUsage();
  for (let times = 0; times < 20; times++) assert.not(isMatch("a".repeat(100_000)));
  assert.ok(process.cpuUsage(startedAt).user < 1_000_000, "a second for 20 of 100,000 characters");
});

test.run();
