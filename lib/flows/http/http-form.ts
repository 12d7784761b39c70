import * as v from "valibot";
import { mapping } from "../mapping.ts";
import type { StatusPattern } from "./expected-status.ts";
import { URL_LENGTH_MAX } from "./url-template.ts";

/** The value of a node's `http`. */
export interface HttpForm {
  method?: Method;
  url: string;
  headers?: Record<string, string>;
  json?: unknown;
  body?: string;
  expect?: StatusPattern | StatusPattern[];
  timeout?: number;
  allow_hosts?: string[];
  allow_private?: boolean;
  redirects?: number;
}

export type Method = (typeof METHODS)[number];

const METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] as const;

/** In seconds. */
export const TIMEOUT_BY_DEFAULT = 30;
/** Ten minutes: who waits longer for one answer is better told by a webhook. */
const TIMEOUT_MAX = 600;

export const REDIRECTS_BY_DEFAULT = 5;
const REDIRECTS_MAX = 10;

/** More names than one API has. */
const HOSTS_MAX = 100;

const text = v.string("give text, in quotes where it looks like a number");
const expectText = 'give a status such as 201, a class such as "2xx", or a list of them';
const status = v.pipe(
  v.number(expectText),
  v.integer(expectText),
  v.minValue(200, "give a final status, 200 to 599"),
  v.maxValue(599, "give a final status, 200 to 599"),
);
const statusClass = v.pipe(v.string(expectText), v.regex(/^[2-5]xx$/, 'give "2xx", "3xx", "4xx" or "5xx"'));
const redirectsText = `give a whole number from 0 to ${REDIRECTS_MAX}`;

/** What can be said of it key by key; `checkHttp` tells of the rest. */
export const httpForm: v.GenericSchema<unknown, HttpForm> = v.pipe(
  v.strictObject({
    method: v.exactOptional(
      v.pipe(
        v.picklist(METHODS, `give one of ${METHODS.join(", ")}`),
        v.description("The method; POST where json or body is given, else GET."),
      ),
    ),
    url: v.pipe(
      text,
      v.maxLength(URL_LENGTH_MAX, `give at most ${URL_LENGTH_MAX} characters; send what is long in the body`),
      v.description(
        "The URL. Scheme, host and port are literal, or the host is in allow_hosts; lookups behind it are percent-encoded.",
      ),
    ),
    headers: v.exactOptional(
      v.pipe(mapping(text, "give a mapping of names to text"), v.description("Headers by name.")),
    ),
    json: v.exactOptional(
      v.pipe(v.unknown(), v.description("The body as JSON; a value that is one lookup keeps its type.")),
    ),
    body: v.exactOptional(v.pipe(text, v.description("The body as text."))),
    expect: v.exactOptional(
      v.pipe(
        v.union(
          [
            status,
            statusClass,
            v.pipe(
              v.array(v.union([status, statusClass], expectText), expectText),
              v.minLength(1, expectText),
            ),
          ],
          expectText,
        ),
        v.description('Statuses that are a result: 201, "2xx", or a list. 2xx where it is left out.'),
      ),
    ),
    timeout: v.exactOptional(
      v.pipe(
        v.number(`give seconds, above 0 and at most ${TIMEOUT_MAX}`),
        v.gtValue(0, `give seconds, above 0 and at most ${TIMEOUT_MAX}`),
        v.maxValue(TIMEOUT_MAX, `give seconds, above 0 and at most ${TIMEOUT_MAX}`),
        v.description(
          `Seconds until the whole answer has to be there; ${TIMEOUT_BY_DEFAULT} where it is left out.`,
        ),
      ),
    ),
    allow_hosts: v.exactOptional(
      v.pipe(
        v.array(text, "give a list of hosts"),
        v.minLength(1, "give at least one host, or leave it out"),
        v.maxLength(HOSTS_MAX, `give at most ${HOSTS_MAX} hosts`),
        v.description(
          "Hosts that lookups and redirects may lead to: api.example.com, *.example.com, api.example.com:8443.",
        ),
      ),
    ),
    allow_private: v.exactOptional(
      v.pipe(
        v.boolean("give true or false"),
        v.description(
          "True lets the request go to addresses that are not of the public internet, such as loopback.",
        ),
      ),
    ),
    redirects: v.exactOptional(
      v.pipe(
        v.number(redirectsText),
        v.integer(redirectsText),
        v.minValue(0, redirectsText),
        v.maxValue(REDIRECTS_MAX, redirectsText),
        v.description(`Redirects that are followed; ${REDIRECTS_BY_DEFAULT} where it is left out.`),
      ),
    ),
  }),
  v.description("A request to an HTTP API."),
);
