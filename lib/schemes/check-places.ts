import * as v from "valibot";

/** A header's name, RFC 9110, in lower case. */
export const headerName: v.GenericSchema<string> = v.pipe(
  v.string("give a header's name"),
  v.regex(/^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/, "give a header's name in lower case"),
);

/** A dot path into the body. */
export const bodyPath: v.GenericSchema<string> = v.pipe(
  v.string("give a path into the body, such as event.id"),
  v.regex(/^[^.]{1,128}(\.[^.]{1,128}){0,15}$/, "give names with dots between them, such as event.id"),
);
