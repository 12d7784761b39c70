import * as v from "valibot";

/** The form of a mapping of names to values: a record, which in valibot a list is, too, but for lists. */
export function mapping<T>(
  value: v.GenericSchema<unknown, T>,
  message: string,
): v.GenericSchema<unknown, Record<string, T>> {
  const record = v.record(v.string(), value, message);
  return {
    ...record,
    "~run"(dataset, config) {
      if (!Array.isArray(dataset.value)) return record["~run"](dataset, config);
      v._addIssue(this, "type", dataset, config);
      return dataset as never;
    },
  };
}
