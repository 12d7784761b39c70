import * as v from "valibot";
import { mapping } from "./mapping.ts";

const text = v.string("give text, in quotes where it looks like a number");

/** The form of a type's name. */
export const typeText: v.GenericSchema<unknown, string> = v.pipe(
  text,
  v.description("str, int, float, bool, list, list[str], dict, dict[str,int], or object with a schema"),
  // What editors offer.
  v.examples(["str", "int", "float", "bool", "list", "list[str]", "dict", "dict[str,int]", "object"]),
);

const partForm: v.GenericSchema = v.union(
  [
    text,
    v.strictObject({
      type: typeText,
      description: v.exactOptional(v.pipe(text, v.description("For people"))),
      schema: v.exactOptional(
        v.pipe(
          v.lazy(() => partsForm),
          v.description("The parts of an object and their types"),
        ),
      ),
    }),
  ],
  "give a type such as str, or { type: object, schema: { ... } }",
);

/** The form of an object's `schema`: its parts and their types. */
export const partsForm: v.GenericSchema = mapping(partForm, "give a mapping of names to types");
